"""Shapes of merging in the API."""

from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from fostr.domains.records.bulk.schemas import RecordsetReference
from fostr.domains.records.records.schemas import EXAMPLE_RECORDSET, FieldValues, Record

MOST_SOURCES: Final = 50
MOST_NAMED: Final = 50
"""Records of a group of duplicates that are named."""

FieldKey = Annotated[str, Field(min_length=1, max_length=63)]
_ID: Final = "0192f0c1-a2b3-7c4d-8e9f-001122334455"


class MergeRequest(BaseModel):
    """Records that are to become one."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"recordset_id": EXAMPLE_RECORDSET, "target_id": _ID, "source_ids": [_ID]}]},
    )

    recordset_id: RecordsetReference
    target_id: UUID = Field(description="The record that stays.")
    source_ids: list[UUID] = Field(
        min_length=1, max_length=MOST_SOURCES, description="The records that go to the trash, the most trusted first."
    )
    field_values: FieldValues = Field(default={}, description="Values to choose for the record that stays.")
    fill_empty: bool = Field(
        default=True,
        description="Whether other values that the record lacks are taken from the first source that has them.",
    )
    dry_run: bool = Field(default=False, description="Only say what the record would become.")


class Merged(BaseModel):
    """What became of a merge."""

    dry_run: bool
    change_id: UUID | None = Field(description="Names the merge, to undo it.")
    record: Record = Field(description="The record that stays.")
    merged_ids: list[UUID] = Field(description="The records that went to the trash.")
    relinked: int = Field(description="Records that linked to one of those, and link to the record that stays now.")


class DuplicatesQuery(BaseModel):
    """By what records are taken for the same thing."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"recordset_id": EXAMPLE_RECORDSET, "match_on": ["name", "state"]}]},
    )

    recordset_id: RecordsetReference
    match_on: list[FieldKey] = Field(min_length=1, max_length=5, description="Keys of fields that are all the same.")
    ignore_case: bool = Field(
        default=True, description="Whether texts that differ only in case, or in spaces around them, are the same."
    )
    search: str | None = Field(default=None, max_length=200)
    column_filters: dict[str, Any] | None = None
    page: int = Field(default=1, ge=1, le=1_000_000)
    page_size: int = Field(default=50, ge=1, le=100)


class DuplicateGroup(BaseModel):
    """Records that have the same values."""

    values: FieldValues = Field(description="Those of the oldest of them.")
    count: int
    record_ids: list[UUID] = Field(description=f"The oldest {MOST_NAMED} of them.")
