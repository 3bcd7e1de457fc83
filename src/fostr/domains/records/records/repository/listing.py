"""Listing records: a page and its total by one statement or two, or all of a selection by a cursor.

PostgreSQL writes the page as JSON, and Python hands the text on. What costs as much as the recordset is large is left
out: a total is counted up to `COUNTED` and no further unless the caller insists; and a sort by a promoted field, whose
index holds only the records that have a value, takes those first and the others after them, instead of all at once.
"""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fostr.domains.records.permissions import RECORDSET_POLICY
from fostr.domains.records.recordsets.counts.repository import count_of
from fostr.kernel.access.evaluator import predicate
from fostr.kernel.db.sql import Fragment

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    import asyncpg

    from fostr.domains.records.query.selection import Selection
    from fostr.domains.records.query.sorting import Order
    from fostr.kernel.access.access import Access
    from fostr.kernel.db.unit import Unit

COUNTED: Final = 2_500
"""How far a total is counted. So far, counting in a million records takes no longer than in ten thousand, also by a
field without an index, of which a quarter of the records have the wanted value."""


WHOLE: Final = count_of(":recordset")
"""SQL of how many records the recordset has that a selection is of."""


@dataclass(frozen=True, slots=True)
class Columns:
    """What a list shows of each record `r`.

    Attributes:
        values: SQL that is the record's values without those that the caller may not see or did not ask for.
        title: SQL of the title.
        geometry_type: SQL of the kind of geometry.
        joins: what must be joined to know them.
    """

    values: Fragment
    title: str = "r.title"
    geometry_type: str = "r.geometry_type"
    joins: str = ""

    @property
    def text(self) -> str:
        """The columns, named as the API names them."""
        return f"""
            r.id, r.recordset_id, {self.title} as title, r.status, {self.values.text} as field_values, r.tags,
            {self.geometry_type} as geometry_type, r.owner_id, r.created_by, r.updated_by, r.created_at, r.updated_at,
            r.version
        """


@dataclass(frozen=True, slots=True)
class FoundPage:
    """A page as PostgreSQL found it.

    Attributes:
        items: the records as JSON, between no brackets.
        found: how many records the page holds, and one more where another follows.
        counted: how many there are, up to one more than was to be counted; None where the page itself shows it.
    """

    items: str
    found: int
    counted: int | None


@dataclass(frozen=True, slots=True)
class _Page:
    """What is asked for; see `find_page`."""

    selection: Selection
    columns: Columns
    limit: int
    offset: int
    count_up_to: int | None
    whole: str


@dataclass(frozen=True, slots=True)
class _Part:
    """Records of a selection that one index can bring in their order.

    Attributes:
        where: SQL on `records r`.
        order: theirs.
        skip: SQL of how many of them lie before the page; empty where none does.
        is_last: whether no other part follows.
    """

    where: str
    order: Order
    skip: str
    is_last: bool = True


async def find_page(
    unit: Unit,
    selection: Selection,
    *,
    columns: Columns,
    limit: int,
    offset: int,
    count_up_to: int | None,
    whole: str = "null::bigint",
) -> FoundPage:
    """Return a page of a selection.

    Args:
        unit: the unit of work.
        selection: which records, in which order.
        columns: what to show of each.
        limit: records on the page, a number of the program's choosing: it stands in the statement's text.
        offset: records before the page.
        count_up_to: where counting ends; None counts to the end.
        whole: SQL of how many there are where no filter narrows the selection.
    """
    if selection.is_narrowed:
        await unit.plan_for_values()
    page = _Page(selection, columns, limit, offset, count_up_to, whole)
    where, order, key = selection.condition.text, selection.order, selection.order.split
    skip = ":offset" if offset else ""
    if key is None:
        return await _find_part(unit, page, _Part(where, order, skip))
    # Planning costs nearly as much as finding, so what most pages do not need is a statement of its own.
    with_value = f"{where} and {key.expression} is not null"
    present = await _find_part(unit, page, _Part(with_value, order.among_present, skip, is_last=False))
    if present.found > limit:
        return present
    # Only a page that lies wholly among the records without a value needs to know how many have one.
    passed = f"greatest(:offset - (select count(*) from records r where {with_value}), 0)"
    skip = passed if offset and not present.found else ""
    without = _Part(f"{where} and {key.expression} is null", order.among_absent, skip)
    absent = await _find_part(unit, page, without, before=present.found)
    items = ",".join(part for part in (present.items, absent.items) if part)
    return FoundPage(items=items, found=absent.found, counted=absent.counted)


async def _find_part(unit: Unit, page: _Page, part: _Part, *, before: int = 0) -> FoundPage:
    """Return a page's records of one part, which fill what an earlier part has left of it.

    Args:
        unit: the unit of work.
        page: what is asked for.
        part: which of its records.
        before: records of an earlier part that are on the page; they are among those `found`.
    """
    selection = page.selection
    params = {**selection.condition.params, **selection.order.params, **page.columns.values.params}
    if selection.recordsets is not None:
        params.update(selection.recordsets.params)
    row = await unit.row(_statement(page, part), offset=page.offset, before=before, **params)
    assert row is not None  # noqa: S101 - a select of scalars always has one row
    found = min(before + row["found"], page.limit + 1)
    return FoundPage(items=row["items"] or "", found=found, counted=row["counted"])


async def count_selected(unit: Unit, selection: Selection) -> int:
    """Return exactly how many records a selection holds."""
    text = f"select count(*) from records r where {selection.condition.text}"
    return await unit.value(text, **selection.condition.params)


async def stream_selected(
    unit: Unit,
    selection: Selection,
    *,
    columns: Fragment,
    limit: int | None = None,
    prefetch: int = 1000,
) -> AsyncGenerator[asyncpg.Record]:
    """Yield all records of a selection in their order, through a cursor.

    Args:
        unit: a unit of work of its own, for as long as the stream lasts.
        selection: which records, in which order.
        columns: SQL on `records r`.
        limit: the most to yield.
        prefetch: how many rows travel at once.
    """
    text = f"""
        select {columns.text} from records r where {selection.condition.text}
        order by {selection.order.text} limit :stream_limit
    """
    params = {"stream_limit": limit, **selection.condition.params, **selection.order.params, **columns.params}
    async with aclosing(unit.stream(text, prefetch=prefetch, **params)) as rows:
        async for row in rows:
            yield row


def _statement(page: _Page, part: _Part) -> str:
    room = f"{page.limit} - :before::integer"
    return f"""
        select p.items, p.found, {_total(page, is_last=part.is_last)} as counted
        from (
            select string_agg(i.line, ',' order by i.place) filter (where i.place <= {room}) as items,
                   count(*) as found
            from (
                select row_to_json(shown)::text as line, row_number() over () as place
                from ({_select(page, part)}) shown
            ) i
        ) p
    """


def _select(page: _Page, part: _Part) -> str:
    """Return the columns of some records, in their order, and of one more."""
    recordsets = page.selection.recordsets
    if recordsets is not None and not part.order.keys:
        found = _from_each(part, recordsets, limit=page.limit + 1)
    elif part.skip:
        # What is skipped does not leave its index.
        found = f"""
            select r.id, row_number() over (order by {part.order.text}) as place from records r where {part.where}
            order by {part.order.text} limit {page.limit + 1} offset {part.skip}
        """
    else:
        return f"""
            select {page.columns.text} from records r {page.columns.joins} where {part.where}
            order by {part.order.text} limit {page.limit + 1}
        """
    return f"""
        select {page.columns.text} from ({found}) found
        join records r on r.workspace_id = :workspace and r.id = found.id {page.columns.joins}
        order by found.place
    """


def _from_each(part: _Part, recordsets: Fragment, *, limit: int) -> str:
    return f"""
        select f.id, row_number() over (order by f.id {part.order.ties}) as place
        from recordsets s cross join lateral (
            select r.id from records r where {part.where} and r.recordset_id = s.id
            order by r.id {part.order.ties} limit {limit} + :offset::bigint
        ) f
        where s.workspace_id = :workspace and s.deleted_at is null and {recordsets.text}
        order by f.id {part.order.ties} limit {limit} offset :offset::bigint
    """


def _total(page: _Page, *, is_last: bool) -> str:
    if not page.selection.is_narrowed:
        return page.whole
    up_to = "" if page.count_up_to is None else f"limit {page.count_up_to + 1}"
    beyond = " or (:before::integer + p.found = 0 and :offset::bigint > 0)" if is_last else ""
    return f"""case when :before::integer + p.found > {page.limit}{beyond} then (
        select count(*) from (select 1 from records r where {page.selection.condition.text} {up_to}) counted
    ) end"""


async def count_accessible(unit: Unit, access: Access) -> int:
    """Return how many records there are in all recordsets whose records the caller may see."""
    condition = predicate(access, RECORDSET_POLICY, "view_records", column="s.id")
    return await unit.value(
        f"""
        select coalesce(sum(n.count), 0)::bigint from recordsets s
        join recordset_counts n on n.workspace_id = :workspace and n.recordset_id = s.id
        where s.workspace_id = :workspace and s.deleted_at is null and {condition.text}
        """,
        **condition.params,
    )
