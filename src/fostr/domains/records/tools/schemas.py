"""Shapes of the places of records in tools."""

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from fostr.domains.records.records.schemas import Status

LARGEST_DATA: Final = 64 * 1024


def _is_small(data: dict[str, Any]) -> dict[str, Any]:
    try:
        size = len(orjson.dumps(data))
    except orjson.JSONEncodeError:
        raise ValueError("it holds a character or a number that cannot be stored") from None
    if size > LARGEST_DATA:
        raise ValueError(f"it is larger than {LARGEST_DATA} bytes")
    return data


ToolName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
# Lists leave out several recommendations, separated by commas.
Recommendation = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^,]*$")
]
Group = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Data = Annotated[dict[str, Any], AfterValidator(_is_small)]


class ToolPlace(BaseModel):
    """A record's place in a tool."""

    record_id: UUID
    tool: str
    status: str | None = Field(description="How far it is there; null when it was dismissed.")
    recommendation: str | None = Field(description="What the tool advises.")
    group_id: str | None = Field(description="What it belongs with there.")
    data: dict[str, Any] = Field(description="What the tool keeps about it.")
    set_by: UUID | None = Field(description="The member who last changed it.")
    created_at: datetime
    updated_at: datetime
    version: int


class ToolPlaceSet(BaseModel):
    """The place that a record is to have; what is left out is cleared."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"status": "open", "recommendation": "Buy", "group_id": "portfolio-7"}]},
    )

    status: Status = "open"
    recommendation: Recommendation | None = None
    group_id: Group | None = None
    data: Data = Field(default={}, description=f"At most {LARGEST_DATA} bytes.")
    expected_version: int | None = Field(default=None, ge=1, description="The version that the caller saw.")
