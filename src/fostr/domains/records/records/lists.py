"""Lists of records: of one recordset, or of all that the caller may see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from fostr.domains.records.query.cursors import CursorInvalid, digest_question, open_cursor, seal_cursor
from fostr.domains.records.query.selection import RecordQuery, Selection, select_everywhere, select_records
from fostr.domains.records.records.repository.listing import (
    COUNTED,
    WHOLE,
    Columns,
    FoundPage,
    count_accessible,
    find_page,
)
from fostr.domains.records.records.showing import FieldsInvalid, columns_everywhere, columns_of, parse_fields_wanted
from fostr.domains.records.recordsets.reach import parse_reference, reach_recordset
from fostr.domains.records.usage.counting import count_uses
from fostr.domains.records.views.applying import apply_view, find_applied
from fostr.domains.records.views.service import ViewNotFound

if TYPE_CHECKING:
    from uuid import UUID

    from fostr.kernel.http.context import Context
    from fostr.kernel.http.paging import Slice

LARGEST_PAGE: Final = 200
Counting: TypeAlias = Literal["capped", "exact"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of a list is wanted.

    Attributes:
        part: which page.
        counting: how far to count.
        fields: keys of fields, separated by commas; None for all.
        cursor: where to go on, in place of a page.
        view_id: a saved view to look through: its conditions hold as well, and where nothing else is asked for its
            order, and its choice of fields.
    """

    part: Slice
    counting: Counting = "capped"
    fields: str | None = None
    cursor: str | None = None
    view_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class _List:
    """Some records in an order, and the part of them that is wanted.

    Attributes:
        recordset_id: whose; None for all that the caller may see.
    """

    query: RecordQuery
    wanted: Wanted
    selection: Selection
    columns: Columns
    recordset_id: UUID | None = None

    def question(self, context: Context) -> bytes:
        """Return what tells the list from another, for cursors."""
        return digest_question(context, self.query, self.selection, recordset_id=self.recordset_id)


async def list_records(context: Context, *, recordset_id: str | None, query: RecordQuery, wanted: Wanted) -> bytes:
    """Return a page of records as JSON.

    Raises:
        RecordsetNotFound: the caller cannot see the recordset.
        ActionForbidden: they may not see its records, or not its trash.
        FilterInvalid: a filter does not fit the recordset.
        SortInvalid: the same for the order.
        FieldsInvalid: the same for the fields that were asked for.
        CursorInvalid: the cursor is none of this list, or a page is asked for as well.
        ViewNotFound: the recordset has no such view, or it is somebody else's own.
    """
    if wanted.cursor and wanted.part.offset:
        raise CursorInvalid("Give either a `cursor` or a `page`.")
    if recordset_id is None:
        return await _list_everywhere(context, query=query, wanted=wanted)
    reached = await reach_recordset(context, parse_reference(recordset_id), "view_records")
    fields = parse_fields_wanted(wanted.fields, recordset=reached.recordset, mask=reached.mask)
    if wanted.view_id is not None:
        view = await find_applied(reached, wanted.view_id)
        query, fields = apply_view(view, query), fields or [*view.shown]
    selection = select_records(reached, query)
    count_uses(reached, query)
    asked = _List(query, wanted, selection, columns_of(reached, fields=fields), reached.recordset.id)
    page = await _find(context, asked, whole=WHOLE)
    whole = None if selection.is_narrowed else page.counted
    return _write(context, asked, page, whole=whole)


async def _list_everywhere(context: Context, *, query: RecordQuery, wanted: Wanted) -> bytes:
    if wanted.fields is not None and wanted.fields.strip():
        raise FieldsInvalid("The parameter `fields` needs a recordset_id.")
    if wanted.view_id is not None:
        raise ViewNotFound("A view is one of a recordset: name it by recordset_id.")
    selection = await select_everywhere(context, query)
    asked = _List(query, wanted, selection, columns_everywhere(context.access))
    page = await _find(context, asked)
    whole = None if selection.is_narrowed else await count_accessible(context.unit, context.access)
    return _write(context, asked, page, whole=whole)


async def _find(context: Context, asked: _List, *, whole: str = "null::bigint") -> FoundPage:
    cursor = asked.wanted.cursor
    return await find_page(
        context.unit,
        asked.selection,
        columns=asked.columns,
        limit=asked.wanted.part.limit,
        offset=asked.wanted.part.offset,
        count_up_to=None if asked.wanted.counting == "exact" else COUNTED,
        whole=whole,
        after=open_cursor(context, cursor, question=asked.question(context)) if cursor else None,
    )


def _write(context: Context, asked: _List, page: FoundPage, *, whole: int | None) -> bytes:
    """Return the answer; `whole` is how many there are in all, where that is known beforehand."""
    part = asked.wanted.part
    has_more = page.found > part.limit
    total, is_exact = _total(asked, page, whole=whole)
    cursor = seal_cursor(context, page.last, question=asked.question(context)) if has_more and page.last else None
    numbers = f'"total":{total},"has_more":{_json(has_more)},"total_is_exact":{_json(is_exact)}'
    # A cursor is written in letters, digits and signs that JSON does not escape.
    following = "null" if cursor is None else f'"{cursor}"'
    return f'{{"items":[{page.items}],{numbers},"next_cursor":{following}}}'.encode()


def _total(asked: _List, page: FoundPage, *, whole: int | None) -> tuple[int, bool]:
    """Return how many records there are at least, and whether these are all."""
    seen = asked.wanted.part.offset + page.found if page.found else 0
    if whole is not None:
        return max(whole, seen), True
    if page.counted is None:
        return seen, True
    is_exact = asked.wanted.counting == "exact" or page.counted <= COUNTED
    return page.counted if is_exact else max(COUNTED, seen), is_exact


def _json(value: bool) -> str:  # noqa: FBT001 - a boolean is what is written
    return "true" if value else "false"
