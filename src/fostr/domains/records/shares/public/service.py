"""What visitors of a share link are shown."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, cast

from fostr.domains.records.exports.formats import CsvWriter, ExportedRecord
from fostr.domains.records.fields.words import split_words
from fostr.domains.records.query.conditions import list_names
from fostr.domains.records.query.filters import FilterInvalid, parse_object
from fostr.domains.records.query.search import search_condition
from fostr.domains.records.query.selection import RecordQuery, Selection, select_records
from fostr.domains.records.query.sorting import SortInvalid
from fostr.domains.records.query.viewer import VIEWER
from fostr.domains.records.records.repository.listing import COUNTED
from fostr.domains.records.recordsets.reach import check_action
from fostr.domains.records.shares.public import repository
from fostr.domains.records.shares.public.schemas import SharedConfig, SharedField, SharedOptions, SharedTable
from fostr.domains.records.shares.publishing import options_of, values_of
from fostr.domains.records.shares.service import LinkNotFound
from fostr.domains.records.shares.values.repository import search_shown
from fostr.domains.records.views.applying import view_query
from fostr.kernel.db.sql import join_and
from fostr.kernel.http.errors import Forbidden, NotFound

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from fostr.domains.records.shares.public.opening import OpenedShare
    from fostr.domains.records.shares.public.schemas import SharedRowsQuery

CHUNK: Final = 1_000


class DownloadNotAllowed(Forbidden):
    """The rows may be looked at, and not taken along."""

    code = "share_download_forbidden"
    detail = "Whoever shared this table does not let it be downloaded."


def show_table(opened: OpenedShare) -> SharedTable:
    """Return what a shared table is called, and how it is shown."""
    published, view = opened.published, opened.view
    fields = [
        SharedField(key=entry.key, name=entry.name, type=entry.type, options=SharedOptions(**options_of(entry)))
        for entry in published.fields
    ]
    return SharedTable(
        name=view["name"],
        description=view["description"],
        type=view["type"],
        fields=fields,
        config=SharedConfig.model_validate(published.config),
        allows_download=opened.link["allows_download"],
        expires_at=opened.link["expires_at"],
    )


async def list_rows(opened: OpenedShare, query: SharedRowsQuery) -> bytes:
    """Return a page of rows as JSON.

    Raises:
        FilterInvalid: a filter names what is not shown, or does not fit it.
        SortInvalid: the same for the order.
    """
    selection = _select(opened, query.selection, search=query.search)
    part, unit = query.part, opened.context.unit
    lines = await repository.list_rows(
        unit,
        selection,
        values=values_of(opened.published),
        salt=str(opened.link["id"]),
        limit=part.limit + 1,
        offset=part.offset,
    )
    has_more = len(lines) > part.limit
    up_to = None if query.count == "exact" else COUNTED + 1
    counted = await repository.count_rows(unit, selection, up_to=up_to)
    is_exact = up_to is None or counted <= COUNTED
    total = counted if is_exact else max(COUNTED, part.offset + len(lines))
    numbers = f'"total":{total},"has_more":{_json(has_more)},"total_is_exact":{_json(is_exact)}'
    return f'{{"items":[{",".join(lines[: part.limit])}],{numbers}}}'.encode()


def _json(value: bool) -> str:  # noqa: FBT001 - a boolean is what is written
    return "true" if value else "false"


def _select(opened: OpenedShare, query: RecordQuery, *, search: str | None) -> Selection:
    published = opened.published
    _check_names(opened, query)
    view = view_query(opened.whole, mask=opened.maker_mask)
    selection = select_records(published.reached, replace(query, view=view))
    if search is None or not search.strip():
        return selection
    keys = {entry.key for entry in published.fields}
    if keys.issuperset(published.reached.recordset.searchable):
        found = search_condition(search)
    else:
        found = search_shown(published.fields, split_words(search))
    return selection if found is None else replace(selection, condition=join_and([selection.condition, found]))


def _check_names(opened: OpenedShare, query: RecordQuery) -> None:
    """Refuse what every record has and no shared table shows, and comparisons with whoever made the link."""
    shown = {entry.key for entry in opened.published.fields}
    for name in (query.sort_by or "").split(","):
        if name.strip() and name.strip() not in shown:
            raise SortInvalid(f"There is nothing called {name.strip()!r} to sort by.", sort_by=name.strip())
    for parameter in ("column_filters", "numeric_filters", "date_filters", "filters"):
        text: str | None = getattr(query, parameter)
        if text is not None and text.strip() and _names_viewer(parse_object(parameter, text)):
            raise FilterInvalid("Nobody in particular looks at a shared table.", parameter=parameter)
    if query.filters is None or not query.filters.strip():
        return
    for name in list_names(parse_object("filters", query.filters)):
        if name not in shown:
            raise FilterInvalid(f"There is no field {name!r}.", parameter="filters", field=name)


def _names_viewer(filters: dict[str, Any]) -> bool:
    waiting: list[Any] = [filters]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if VIEWER in node:
                return True
            waiting.extend(cast("dict[str, Any]", node).values())
        elif isinstance(node, list):
            waiting.extend(cast("list[Any]", node))
    return False


def check_download(opened: OpenedShare) -> None:
    """Refuse to hand the rows out as a file.

    Raises:
        DownloadNotAllowed: the link does not allow it.
        LinkNotFound: its maker may not export any more.
    """
    if not opened.link["allows_download"]:
        raise DownloadNotAllowed
    try:
        check_action(opened.published.reached, "export")
    except (Forbidden, NotFound):
        raise LinkNotFound from None


async def write_rows(opened: OpenedShare) -> AsyncGenerator[bytes]:
    """Yield all rows as a CSV file; memory stays flat.

    The unit of work is the stream's own, and ends with it.
    """
    selection = _select(opened, RecordQuery(), search=None)
    fields = opened.published.fields
    writer, values = CsvWriter(fields, include_id=False), values_of(opened.published)
    yield writer.begin()
    chunk: list[ExportedRecord] = []
    async with opened.context.open_unit() as unit:
        async for row in repository.stream_values(unit, selection, values=values):
            chunk.append(ExportedRecord(id="", values=row, geometry=None))
            if len(chunk) == CHUNK:
                yield writer.write(chunk)
                chunk = []
    yield writer.write(chunk)
