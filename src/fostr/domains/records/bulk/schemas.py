"""Shapes of bulk writes in the API."""

from typing import Annotated, Any, Final, Literal, TypeAlias
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from fostr.domains.records.records.schemas import (
    EXAMPLE_RECORDSET,
    EXAMPLE_VALUES,
    FieldValues,
    Status,
    Tags,
)

MOST_ROWS: Final = 5_000
"""Rows of one request; more come by import."""

Mode: TypeAlias = Literal["partial", "all"]
Result: TypeAlias = Literal["created", "updated", "unchanged", "conflict", "invalid", "forbidden", "not_found", "stale"]

RecordsetReference = Annotated[str, Field(min_length=1, max_length=100, description="The recordset's id or slug.")]
ModeField = Annotated[
    Mode,
    Field(
        description="`partial` writes the rows that are good and tells what is wrong with the others; `all` writes "
        "nothing unless every row is good."
    ),
]
DryRun = Annotated[bool, Field(description="Only say what would happen.")]


class CreateRow(BaseModel):
    """A new record."""

    model_config = ConfigDict(extra="forbid")

    field_values: FieldValues = {}
    status: Status = "active"
    tags: Tags = []
    owner_id: UUID | None = Field(default=None, description="A member of the workspace.")


class BulkCreate(BaseModel):
    """Records to create in one recordset."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"recordset_id": EXAMPLE_RECORDSET, "records": [{"field_values": EXAMPLE_VALUES}]}]
        },
    )

    recordset_id: RecordsetReference
    records: list[CreateRow] = Field(min_length=1, max_length=MOST_ROWS)
    mode: ModeField = "partial"
    dry_run: DryRun = False


class RowChanges(BaseModel):
    """What to change about a record; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    field_values: FieldValues = Field(default={}, description="Only these change; null clears a field.")
    status: Status | None = None
    tags: Tags | None = None
    owner_id: UUID | None = Field(default=None, description="A member of the workspace; null for nobody.")


class UpdateRow(RowChanges):
    """A record, and what to change about it."""

    id: UUID
    expected_version: int | None = Field(default=None, ge=1, description="The version that the caller saw.")


class BulkUpdate(RowChanges):
    """Changes of single records, or one change of all that the filters select."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "recordset_id": EXAMPLE_RECORDSET,
                    "records": [
                        {"id": "0192f0c1-a2b3-7c4d-8e9f-001122334455", "field_values": {"state": "TX"}},
                    ],
                },
                {
                    "recordset_id": EXAMPLE_RECORDSET,
                    "all": True,
                    "column_filters": {"state": "TX"},
                    "field_values": {"state": "CA"},
                    "dry_run": True,
                },
            ]
        },
    )

    recordset_id: RecordsetReference
    records: list[UpdateRow] | None = Field(default=None, min_length=1, max_length=MOST_ROWS)
    all: bool = Field(default=False, description="All records that the filters below select; without any, all.")
    search: str | None = Field(default=None, max_length=200)
    only_status: Status | None = Field(default=None, description="Only records of this status.")
    only_tags: Tags = Field(default=[], description="Only records with all of these.")
    column_filters: dict[str, Any] | None = None
    numeric_filters: dict[str, Any] | None = None
    date_filters: dict[str, Any] | None = None
    filters: dict[str, Any] | None = Field(default=None, description="Groups of conditions, as for a list of records.")
    mode: ModeField = "partial"
    dry_run: DryRun = False

    @model_validator(mode="after")
    def _is_one_or_the_other(self) -> "BulkUpdate":
        if self.all == (self.records is not None):
            raise ValueError("give either `records` or `all`")
        whole = {"field_values", "status", "tags", "owner_id"} & self.model_fields_set
        if self.all and not whole:
            raise ValueError("`all` needs something to change")
        filters = {"search", "only_status", "only_tags", "column_filters", "numeric_filters", "date_filters", "filters"}
        if not self.all and (whole or filters & self.model_fields_set):
            raise ValueError("filters, and what to change of all, go with `all`")
        return self


class Upsert(BaseModel):
    """Rows that change the records with the same natural key, or become new ones."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "recordset_id": EXAMPLE_RECORDSET,
                    "match_on": ["name"],
                    "records": [{"field_values": EXAMPLE_VALUES}],
                }
            ]
        },
    )

    recordset_id: RecordsetReference
    match_on: list[Annotated[str, Field(min_length=1, max_length=63)]] = Field(
        min_length=1, max_length=5, description="Keys of the fields by whose values a record is recognised."
    )
    records: list[RowChanges] = Field(min_length=1, max_length=MOST_ROWS)
    mode: ModeField = "partial"
    dry_run: DryRun = False


class RowError(BaseModel):
    """What is wrong with a row."""

    field: str = Field(description="The key of a field, or `id`, `status`, `tags`, `owner_id`, `expected_version`.")
    reason: str


class RowResult(BaseModel):
    """What became of a row."""

    row: int = Field(description="Its place in the request, from 0.")
    result: Result
    record_id: UUID | None = Field(description="The record; null where there is none, or several.")
    version: int | None
    errors: list[RowError]


class BulkWritten(BaseModel):
    """What a bulk write did, or would do."""

    dry_run: bool
    change_id: UUID | None = Field(description="Names all that was written, to undo it; null when nothing was.")
    matched: int = Field(description="Rows of the request, or records that the filters select and the caller may edit.")
    created: int
    updated: int
    unchanged: int
    refused: int
    results: list[RowResult] = Field(description="One for each row, in their order; empty with `all`.")


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
    filters: dict[str, Any] | None = Field(default=None, description="Groups of conditions, as for a list of records.")
    view_id: UUID | None = Field(default=None, description="Only what this saved view shows, which has to be whole.")
    dry_run: bool = Field(default=False, description="Only say what would be deleted.")

    @model_validator(mode="after")
    def _is_one_or_the_other(self) -> "BulkDelete":
        if self.all == (self.record_ids is not None):
            raise ValueError("give either `record_ids` or `all`")
        if self.all and self.recordset_id is None:
            raise ValueError("`all` needs a `recordset_id`")
        narrowing = (
            self.search,
            self.status,
            self.column_filters,
            self.numeric_filters,
            self.date_filters,
            self.filters,
        )
        if not self.all and (self.tags or any(given is not None for given in (*narrowing, self.view_id))):
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
