"""Shapes of records in the API."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

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
    next_cursor: str | None = Field(description="Leads on to the records after the last of these, when there are any.")


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
