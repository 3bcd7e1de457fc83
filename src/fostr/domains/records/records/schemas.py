"""Shapes of records in the API."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from fostr.kernel.http.paging import Page

Status = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,49}$")]
Tag = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^,\x00]*$")]
Tags = Annotated[list[Tag], Field(max_length=100)]
FieldValues = Annotated[
    dict[str, Any],
    Field(max_length=1000, description="Values by the keys of the recordset's fields."),
]
EXAMPLE_RECORDSET = "airports"
EXAMPLE_VALUES: dict[str, Any] = {"name": "Livingston Municipal", "state": "TX", "latitude": 30.685861}


class Record(BaseModel):
    """A record, as far as the caller may see it."""

    id: UUID
    recordset_id: UUID
    title: str
    status: str = Field(description="`active` unless somebody chose another word; `deleted` in the trash.")
    field_values: FieldValues
    tags: list[str]
    geometry_type: str | None
    owner_id: UUID | None = Field(description="The member who owns it.")
    created_by: UUID | None = Field(description="The member who created it.")
    updated_by: UUID | None = Field(description="The member who last changed it.")
    created_at: datetime
    updated_at: datetime
    version: int


class RecordPage(Page[Record]):
    """A part of a list of records."""

    total_is_exact: bool = Field(
        description="Whether `total` is how many there are; else there are at least as many. `count=exact` counts all."
    )


class RecordCreate(BaseModel):
    """A new record."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"recordset_id": EXAMPLE_RECORDSET, "field_values": EXAMPLE_VALUES}]},
    )

    recordset_id: str = Field(min_length=1, max_length=100, description="The recordset's id or slug.")
    field_values: FieldValues
    status: Status = "active"
    tags: Tags = []
    owner_id: UUID | None = Field(default=None, description="A member of the workspace.")


class RecordUpdate(BaseModel):
    """What to change about a record; what is left out stays."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"field_values": {"state": "TX", "closed": None}, "expected_version": 3}]},
    )

    field_values: FieldValues = Field(
        default={}, description="Only these change; null clears a field. Fields that are left out stay as they are."
    )
    status: Status | None = None
    tags: Tags | None = None
    owner_id: UUID | None = Field(default=None, description="A member of the workspace; null for nobody.")
    expected_version: int | None = Field(default=None, ge=1, description="The version that the caller saw.")


class BulkDelete(BaseModel):
    """Which records to delete: those of `record_ids`, or `all` of a recordset that the filters select."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"record_ids": ["0192f0c1-a2b3-7c4d-8e9f-001122334455"]},
                {"recordset_id": EXAMPLE_RECORDSET, "all": True, "column_filters": {"state": "TX"}, "dry_run": True},
            ]
        },
    )

    recordset_id: str | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        description="The recordset's id or slug; required with `all`. With ids, only records of it are deleted.",
    )
    record_ids: list[UUID] | None = Field(default=None, min_length=1, max_length=10_000)
    all: bool = Field(default=False, description="All records that the filters below select; without any, all.")
    search: str | None = Field(default=None, max_length=200)
    status: Status | None = None
    tags: Tags = []
    column_filters: dict[str, Any] | None = None
    numeric_filters: dict[str, Any] | None = None
    date_filters: dict[str, Any] | None = None
    dry_run: bool = Field(default=False, description="Only say what would be deleted.")

    @model_validator(mode="after")
    def _is_one_or_the_other(self) -> "BulkDelete":
        if self.all == (self.record_ids is not None):
            raise ValueError("give either `record_ids` or `all`")
        if self.all and self.recordset_id is None:
            raise ValueError("`all` needs a `recordset_id`")
        narrowing = (self.search, self.status, self.column_filters, self.numeric_filters, self.date_filters)
        if not self.all and (self.tags or any(given is not None for given in narrowing)):
            raise ValueError("filters go with `all`")
        return self


class BulkDeleteResult(BaseModel):
    """What happened to one of the records that were named."""

    record_id: UUID
    result: Literal["deleted", "would_be_deleted", "not_found", "forbidden"]


class BulkDeleted(BaseModel):
    """What a bulk delete did, or would do."""

    dry_run: bool
    matched: int = Field(description="Records that were named or selected, and that the caller may delete.")
    deleted: int = Field(description="Records that are in the trash now; 0 for a dry run.")
    results: list[BulkDeleteResult] = Field(description="One for each of `record_ids`, in their order; else empty.")
