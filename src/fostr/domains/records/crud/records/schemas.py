"""Shapes of records that are written as a whole."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from fostr.domains.records.query.selection import RecordQuery
from fostr.domains.records.records.lists import LARGEST_PAGE
from fostr.domains.records.records.schemas import EXAMPLE_VALUES, FieldValues, Status, Tags
from fostr.kernel.http.paging import Slice


class RecordReplace(BaseModel):
    """A record as it is to be: what is left out is cleared."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"field_values": EXAMPLE_VALUES}]})

    field_values: FieldValues = Field(
        description="All values. Fields that the caller may not see or not change stay as they are."
    )
    status: Status = "active"
    tags: Tags = []
    owner_id: UUID | None = Field(default=None, description="A member of the workspace; null for nobody.")
    expected_version: int | None = Field(default=None, ge=1, description="The version that the caller saw.")


class PlainListQuery(BaseModel):
    """Which records are listed."""

    recordset_id: Annotated[str | None, Field(max_length=100, description="The recordset's id or slug.")] = None
    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    page_size: Annotated[int, Field(ge=1, le=LARGEST_PAGE)] = 50
    search: Annotated[str | None, Query(max_length=200, description="Words, each the beginning of one.")] = None
    status: Annotated[Status | None, Field(description="`deleted` asks for the trash.")] = None
    tags: Annotated[
        str | None, Field(max_length=2000, description="Only records with all of these, separated by commas.")
    ] = None

    @property
    def part(self) -> Slice:
        """The page that is asked for."""
        return Slice(limit=self.page_size, offset=(self.page - 1) * self.page_size)

    @property
    def selection(self) -> RecordQuery:
        """Which records are asked for."""
        tags = tuple(tag.strip() for tag in (self.tags or "").split(",") if tag.strip())
        return RecordQuery(search=self.search, status=self.status, tags=tags)
