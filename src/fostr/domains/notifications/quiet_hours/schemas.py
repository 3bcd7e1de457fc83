"""Shapes of quiet hours in the API."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

TimeOfDay = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Day = Annotated[int, Field(ge=1, le=7)]


class QuietHours(BaseModel):
    """When the caller wants nothing to arrive."""

    is_enabled: bool
    start: TimeOfDay = Field(description="What the clock shows when they begin.")
    end: TimeOfDay = Field(description="And when they end: on the next day when that is no later than `start`.")
    time_zone: str = Field(description="Whose clock: a name of the IANA database.")
    days: list[Day] = Field(description="On which days they begin: 1 is Monday, 7 is Sunday.")
    quiet_until: datetime | None = Field(description="When they end that hold now; none while nothing is held.")


class QuietHoursUpdate(BaseModel):
    """Quiet hours, as they are to be."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"is_enabled": True, "start": "22:00", "end": "07:00", "time_zone": "Europe/Berlin"},
                {"is_enabled": True, "start": "00:00", "end": "00:00", "time_zone": "UTC", "days": [6, 7]},
            ]
        },
    )

    is_enabled: bool
    start: TimeOfDay
    end: TimeOfDay
    time_zone: str = Field(min_length=1, max_length=100)
    days: list[Day] = Field(default=[1, 2, 3, 4, 5, 6, 7], min_length=1, max_length=7)
