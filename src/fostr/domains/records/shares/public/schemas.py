"""Shapes of shared tables in the API."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field

from fostr.domains.records.query.search import LONGEST_SEARCH
from fostr.domains.records.query.selection import RecordQuery
from fostr.domains.records.records.lists import LARGEST_PAGE, Counting
from fostr.domains.records.views.schemas import (
    CalendarLayout,
    ColorRule,
    GalleryLayout,
    GridLayout,
    KanbanLayout,
    MapLayout,
    RowHeight,
    TimelineLayout,
    ViewSort,
    ViewType,
)
from fostr.kernel.http.paging import Page, Slice


class SharedOptions(BaseModel):
    """How a field's values are shown."""

    choices: list[str] | None = None
    colors: dict[str, str] | None = None
    currency: str | None = None
    decimals: int | None = None
    min: float | str | None = None
    max: float | str | None = None
    time_zone: str | None = None


class SharedField(BaseModel):
    """A field that is shown."""

    key: str
    name: str
    type: str
    options: SharedOptions


class SharedConfig(BaseModel):
    """How the table is shown, as far as that is about what is shown."""

    sorts: list[ViewSort] = []
    field_order: list[str] = []
    field_widths: dict[str, int] = {}
    group_by: list[ViewSort] = []
    row_height: RowHeight = "short"
    color_rules: list[ColorRule] = []
    grid: GridLayout | None = None
    kanban: KanbanLayout | None = None
    calendar: CalendarLayout | None = None
    timeline: TimelineLayout | None = None
    gallery: GalleryLayout | None = None
    map: MapLayout | None = None


class SharedTable(BaseModel):
    """A view that was shared."""

    name: str
    description: str
    type: ViewType
    fields: list[SharedField] = Field(description="In the order in which they are shown.")
    config: SharedConfig
    allows_download: bool
    expires_at: datetime | None


class SharedRow(BaseModel):
    """A record of a shared table."""

    id: str = Field(description="Tells the rows of this table apart; it is the record's id nowhere else.")
    field_values: dict[str, Any] = Field(description="By the keys of the fields that are shown; names for people.")


class SharedRows(Page[SharedRow]):
    """A part of the records of a shared table."""

    total_is_exact: bool = Field(
        description="Whether `total` is how many there are; else there are at least as many. `count=exact` counts all."
    )


class SharedRowsQuery(BaseModel):
    """The parameters of the rows of a shared table."""

    page: Annotated[int, Field(ge=1, le=1_000_000, description="Which page, from 1.")] = 1
    page_size: Annotated[int, Field(ge=1, le=LARGEST_PAGE, description="Items on a page.")] = 50
    search: Annotated[
        str | None, Field(max_length=LONGEST_SEARCH, description="Words; each must begin a word of what is shown.")
    ] = None
    sort_by: Annotated[
        str | None, Field(max_length=500, description="Keys of fields that are shown, separated by commas.")
    ] = None
    sort_order: Annotated[
        str | None, Field(max_length=100, description="`asc` or `desc`, for all keys or for each.")
    ] = None
    column_filters: Annotated[
        str | None, Field(max_length=50_000, description="JSON, as for a list of records, on fields that are shown.")
    ] = None
    numeric_filters: Annotated[str | None, Field(max_length=50_000, description="JSON, for numbers.")] = None
    date_filters: Annotated[str | None, Field(max_length=50_000, description="JSON, for dates.")] = None
    filters: Annotated[
        str | None, Field(max_length=50_000, description="JSON: groups of conditions on fields that are shown.")
    ] = None
    count: Annotated[Counting, Field(description="`exact` counts all, however many there are.")] = "capped"

    @property
    def part(self) -> Slice:
        """The page that is asked for."""
        return Slice(limit=self.page_size, offset=(self.page - 1) * self.page_size)

    @property
    def selection(self) -> RecordQuery:
        """Which records are asked for, in which order; the search is the table's own."""
        return RecordQuery(
            column_filters=self.column_filters,
            numeric_filters=self.numeric_filters,
            date_filters=self.date_filters,
            filters=self.filters,
            sort_by=self.sort_by,
            sort_order=self.sort_order,
        )
