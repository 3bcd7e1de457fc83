"""What may stand in the query of a list of records."""

from typing import Annotated

from pydantic import BaseModel, Field

from fostr.domains.records.query.search import LONGEST_SEARCH
from fostr.domains.records.query.selection import RecordQuery
from fostr.domains.records.records.lists import LARGEST_PAGE, Counting
from fostr.kernel.http.paging import Slice


class RecordListQuery(BaseModel):
    """The parameters of a list of records."""

    recordset_id: Annotated[str | None, Field(max_length=100, description="The recordset's id or slug.")] = None
    page: Annotated[int, Field(ge=1, le=1_000_000, description="Which page, from 1.")] = 1
    page_size: Annotated[int, Field(ge=1, le=LARGEST_PAGE, description="Items on a page.")] = 50
    search: Annotated[
        str | None,
        Field(max_length=LONGEST_SEARCH, description="Words; each must begin a word of the record."),
    ] = None
    status: Annotated[str | None, Field(max_length=50, description="Only this status; `deleted` lists the trash.")] = (
        None
    )
    tags: Annotated[
        str | None, Field(max_length=2_000, description="Only records with all of these, separated by commas.")
    ] = None
    fields: Annotated[
        str | None, Field(max_length=10_000, description="Only these values: keys of fields, separated by commas.")
    ] = None
    sort_by: Annotated[
        str | None,
        Field(
            max_length=500,
            description="Keys of fields, or `id`, `created_at`, `updated_at`, `title`, separated by commas. "
            "What has no value comes last; what is equal is ordered by id.",
        ),
    ] = None
    sort_order: Annotated[
        str | None,
        Field(max_length=100, description="`asc` or `desc`, for all keys or for each, separated by commas."),
    ] = None
    column_filters: Annotated[
        str | None,
        Field(
            max_length=50_000,
            description="JSON: from keys of fields to a value, a list of values, or operators with their operands.",
            examples=['{"state": ["CA", "OR"], "name": {"contains": "intl"}}'],
        ),
    ] = None
    date_filters: Annotated[
        str | None,
        Field(max_length=50_000, description="JSON, for dates.", examples=['{"opened": {"from": "2020-01-01"}}']),
    ] = None
    numeric_filters: Annotated[
        str | None,
        Field(
            max_length=50_000, description="JSON, for numbers.", examples=['{"elevation": {"min": 100, "max": 500}}']
        ),
    ] = None
    count: Annotated[Counting, Field(description="`exact` counts all, however many there are.")] = "capped"

    @property
    def part(self) -> Slice:
        """The page that is asked for."""
        return Slice(limit=self.page_size, offset=(self.page - 1) * self.page_size)

    @property
    def selection(self) -> RecordQuery:
        """Which records are asked for, in which order."""
        return RecordQuery(
            search=self.search,
            status=self.status or None,
            tags=tuple(tag.strip() for tag in (self.tags or "").split(",") if tag.strip()),
            column_filters=self.column_filters,
            numeric_filters=self.numeric_filters,
            date_filters=self.date_filters,
            sort_by=self.sort_by,
            sort_order=self.sort_order,
        )
