"""Tours, as they are asked for and answered."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

TourId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]*$", min_length=1, max_length=100)]
Tours = dict[str, bool]
"""By tour: whether the member is done with it."""


class TourUpdate(BaseModel):
    """How far a member is with a tour."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"tour_id": "first-recordset", "completed": True}]}
    )

    tour_id: TourId
    completed: bool = Field(default=True, description="True once the tour was seen to its end, or passed over.")
