"""Shapes of spatial filters in the API."""

from typing import Annotated, Any, Final, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from fostr.domains.records.records.schemas import Status, Tags

Filters = Annotated[dict[str, Any] | None, Field(description="As for a list of records, as an object.")]
MOST_IDS: Final = 100_000
"""Ids in one answer."""
MOST_METRES: Final = 2_000_000


class SpatialRecords(BaseModel):
    """Some records of a recordset; only those that lie somewhere take part."""

    model_config = ConfigDict(extra="forbid")

    recordset_id: str = Field(min_length=1, max_length=100, description="The recordset's id or slug.")
    record_ids: list[UUID] | None = Field(
        default=None, min_length=1, max_length=10_000, description="Only of these records; filters hold as well."
    )
    search: str | None = Field(default=None, max_length=200)
    status: Status | None = None
    tags: Tags = []
    column_filters: Filters = None
    numeric_filters: Filters = None
    date_filters: Filters = None
    filters: Filters = Field(default=None, description="Groups of conditions, as for a list of records.")
    time_zone: str | None = Field(default=None, max_length=64, description="Whose days relative dates mean.")


class SpatialFilter(BaseModel):
    """Which records of the target stand in a relation to any record of the source."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "source": {"recordset_id": "gas-stations"},
                    "target": {"recordset_id": "properties"},
                    "operation": "within_distance",
                    "buffer_meters": 500,
                },
                {
                    "source": {"recordset_id": "zip-codes", "numeric_filters": {"median_income": {"min": 80000}}},
                    "target": {"recordset_id": "leads"},
                    "operation": "within",
                },
            ]
        },
    )

    source: SpatialRecords = Field(description="The areas, lines or points that are compared with.")
    target: SpatialRecords = Field(description="The records that are looked through.")
    operation: Literal["intersects", "within", "contains", "within_distance"] = Field(
        default="intersects",
        description="How a target stands to a source: it touches it in at least a point, lies inside of it, holds it, "
        "or lies at most `buffer_meters` away.",
    )
    buffer_meters: float | None = Field(
        default=None,
        ge=0,
        le=MOST_METRES,
        allow_inf_nan=False,
        description="For `within_distance`: how far away. Else the sources are made wider by so much before.",
    )
    exclude: bool = Field(default=False, description="The targets that do not stand so to any source.")
    limit: int = Field(default=MOST_IDS, ge=1, le=MOST_IDS, description="The most ids in the answer.")
    after: UUID | None = Field(default=None, description="Only ids behind this one: `next_after` of an answer before.")

    @model_validator(mode="after")
    def _check_distance(self) -> Self:
        if self.operation == "within_distance" and self.buffer_meters is None:
            raise ValueError("`within_distance` needs `buffer_meters`")
        return self


class SpatialMatches(BaseModel):
    """The records of the target that were found, by their ids in rising order."""

    record_ids: list[UUID]
    count: int = Field(description="How many were found, those behind `limit` and before `after` included.")
    truncated: bool = Field(description="Whether more were found behind the last of these.")
    next_after: UUID | None = Field(description="Sent as `after`, leads on to them.")
    source_count: int = Field(description="Records of the source that lie somewhere.")
    target_count: int = Field(description="Records of the target that were compared with them.")
