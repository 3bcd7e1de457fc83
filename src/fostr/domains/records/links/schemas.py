"""Shapes of relationships in the API."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Direction = Literal["outgoing", "incoming"]
RelationshipType = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=5_000)]
Metadata = Annotated[dict[str, Any], Field(max_length=100, description="Anything, as JSON; at most 20,000 bytes.")]


class RelatedRecord(BaseModel):
    """The record at the other end."""

    id: UUID
    recordset_id: UUID
    title: str


class LinkField(BaseModel):
    """The field that makes a link, in the recordset of the record that the link leads from."""

    key: str
    name: str


class Relationship(BaseModel):
    """That two records belong together: because somebody said so, or because a field of one names the other."""

    kind: Literal["named", "link"] = Field(description="`link` comes from a field, and is changed there.")
    id: UUID | None = Field(description="Of a `named` one.")
    type: str = Field(description="What it is called; the field's name for a `link`.")
    direction: Direction = Field(description="Whether it leads from the record of the path, or to it.")
    record: RelatedRecord
    field: LinkField | None = Field(description="Of a `link`.")
    note: str
    metadata: Metadata
    created_by: UUID | None
    created_at: datetime | None


class RelationshipCreate(BaseModel):
    """A new relationship with another record."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"record_id": "0192f0c1-a2b3-7c4d-8e9f-001122334455", "type": "owner of", "note": "Since 2020"}
            ]
        },
    )

    record_id: UUID = Field(description="The other record; of any recordset.")
    type: RelationshipType
    direction: Direction = Field(
        default="outgoing", description="Whether it leads from the record of the path, or to it."
    )
    note: Note = ""
    metadata: Metadata = {}
