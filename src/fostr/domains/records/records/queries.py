"""What may stand in the query of a list of records."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from fostr.domains.records.query.cursors import LONGEST_CURSOR
from fostr.domains.records.query.search import LONGEST_SEARCH
from fostr.domains.records.query.selection import RecordQuery
from fostr.domains.records.records.lists import LARGEST_PAGE, Counting, Wanted
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
    filters: Annotated[
        str | None,
        Field(
            max_length=50_000,
            description="JSON: a condition, `and` or `or` with a list of conditions, or `not` with one.",
            examples=[
                '{"or": [{"field": "state", "op": "in", "value": ["CA", "OR"]}, '
                '{"not": {"field": "@created_at", "op": "within", "value": {"last": 7, "unit": "days"}}}]}'
            ],
        ),
    ] = None
    time_zone: Annotated[
        str | None,
        Field(max_length=100, description="Whose days filters mean, such as Europe/Paris; else UTC."),
    ] = None
    tool: Annotated[str | None, Field(max_length=100, description="Only records with a status in this tool.")] = None
    group_id: Annotated[
        str | None, Field(max_length=200, description="Only records of this group in the tool, or in any.")
    ] = None
    exclude_recommendation: Annotated[
        str | None,
        Field(max_length=2_000, description="No records with these recommendations there, separated by commas."),
    ] = None
    cursor: Annotated[
        str | None,
        Field(max_length=LONGEST_CURSOR, description="The `next_cursor` of the page before, in place of `page`."),
    ] = None
    view_id: Annotated[
        UUID | None,
        Field(
            description="A saved view of the recordset: what it leaves out stays out, and its order and its fields "
            "hold unless others are asked for."
        ),
    ] = None
    count: Annotated[Counting, Field(description="`exact` counts all, however many there are.")] = "capped"

    @property
    def wanted(self) -> Wanted:
        """What of the list is asked for."""
        part = Slice(limit=self.page_size, offset=(self.page - 1) * self.page_size)
        return Wanted(part, counting=self.count, fields=self.fields, cursor=self.cursor, view_id=self.view_id)

    @property
    def selection(self) -> RecordQuery:
        """Which records are asked for, in which order."""
        return RecordQuery(
            search=self.search,
            status=self.status or None,
            tags=_split(self.tags),
            column_filters=self.column_filters,
            numeric_filters=self.numeric_filters,
            date_filters=self.date_filters,
            filters=self.filters,
            time_zone=self.time_zone or None,
            tool=self.tool or None,
            group_id=self.group_id or None,
            without_recommendations=_split(self.exclude_recommendation),
            sort_by=self.sort_by,
            sort_order=self.sort_order,
        )


def _split(words: str | None) -> tuple[str, ...]:
    return tuple(word.strip() for word in (words or "").split(",") if word.strip())
