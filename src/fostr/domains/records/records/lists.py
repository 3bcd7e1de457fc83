"""Lists of records: of one recordset, or of all that the caller may see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

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

if TYPE_CHECKING:
    from fostr.kernel.http.context import Context
    from fostr.kernel.http.paging import Slice

LARGEST_PAGE: Final = 200
Counting: TypeAlias = Literal["capped", "exact"]


async def list_records(
    context: Context,
    *,
    recordset_id: str | None,
    query: RecordQuery,
    fields: str | None,
    part: Slice,
    counting: Counting,
) -> bytes:
    """Return a page of records as JSON.

    Raises:
        RecordsetNotFound: the caller cannot see the recordset.
        ActionForbidden: they may not see its records, or not its trash.
        FilterInvalid: a filter does not fit the recordset.
        SortInvalid: the same for the order.
        FieldsInvalid: the same for the fields that were asked for.
    """
    if recordset_id is None:
        return await _list_everywhere(context, query=query, fields=fields, part=part, counting=counting)
    reached = await reach_recordset(context, parse_reference(recordset_id), "view_records")
    wanted = parse_fields_wanted(fields, recordset=reached.recordset, mask=reached.mask)
    selection = select_records(reached, query)
    columns = columns_of(reached, fields=wanted)
    page = await _find(context, selection, columns, part=part, counting=counting, whole=WHOLE)
    whole = None if selection.is_narrowed else page.counted
    return _write(page, part=part, counting=counting, whole=whole)


async def _list_everywhere(
    context: Context, *, query: RecordQuery, fields: str | None, part: Slice, counting: Counting
) -> bytes:
    if fields is not None and fields.strip():
        raise FieldsInvalid("The parameter `fields` needs a recordset_id.")
    selection = select_everywhere(context.access, query)
    page = await _find(context, selection, columns_everywhere(context.access), part=part, counting=counting)
    whole = None if selection.is_narrowed else await count_accessible(context.unit, context.access)
    return _write(page, part=part, counting=counting, whole=whole)


async def _find(
    context: Context,
    selection: Selection,
    columns: Columns,
    *,
    part: Slice,
    counting: Counting,
    whole: str = "null::bigint",
) -> FoundPage:
    return await find_page(
        context.unit,
        selection,
        columns=columns,
        limit=part.limit,
        offset=part.offset,
        count_up_to=None if counting == "exact" else COUNTED,
        whole=whole,
    )


def _write(page: FoundPage, *, part: Slice, counting: Counting, whole: int | None) -> bytes:
    """Return the answer.

    Args:
        page: what was found.
        part: what was asked for.
        counting: how far.
        whole: how many there are in all, where that is known beforehand.
    """
    has_more = page.found > part.limit
    seen = part.offset + page.found if page.found else 0
    total, is_exact = seen, True
    if whole is not None:
        total = max(whole, seen)
    elif page.counted is not None:
        is_exact = counting == "exact" or page.counted <= COUNTED
        total = page.counted if is_exact else max(COUNTED, seen)
    numbers = f'"total":{total},"has_more":{_json(has_more)},"total_is_exact":{_json(is_exact)}'
    return f'{{"items":[{page.items}],{numbers}}}'.encode()


def _json(value: bool) -> str:  # noqa: FBT001 - a boolean is what is written
    return "true" if value else "false"
