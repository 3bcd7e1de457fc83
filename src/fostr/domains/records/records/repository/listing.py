"""Listing records: a page and its total by one statement or two, or all of a selection by a cursor.

PostgreSQL writes the page as JSON, and Python hands the text on. What costs as much as the recordset is large is left
out: a total is counted up to `COUNTED` and no further unless the caller insists; and a sort by a promoted field, whose
index holds only the records that have a value, takes those first and the others after them, instead of all at once.
"""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

import orjson

from fostr.domains.records.permissions import RECORDSET_POLICY
from fostr.domains.records.query.sorting import Order, Position
from fostr.domains.records.recordsets.counts.repository import count_of
from fostr.kernel.access.evaluator import predicate
from fostr.kernel.db.sql import Fragment

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    import asyncpg

    from fostr.domains.records.query.selection import Selection
    from fostr.domains.records.query.sorting import SortKey
    from fostr.kernel.access.access import Access
    from fostr.kernel.db.unit import Unit

COUNTED: Final = 2_500
"""How far a total is counted. So far, counting in a million records takes no longer than in ten thousand, also by a
field without an index, of which a quarter of the records have the wanted value."""


WHOLE: Final = count_of(":recordset")
"""SQL of how many records the recordset has that a selection is of."""


_SHOWN: Final = """
    found.id, found.recordset_id, found.title, found.status, found.field_values, found.tags, found.geometry_type,
    found.owner_id, found.created_by, found.updated_by, found.created_at, found.updated_at, found.version
"""
"""What of the columns the API shows; where a record stands in its order is for the cursor alone."""


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
        last: where its last record stands, when it is full.
    """

    items: str
    found: int
    counted: int | None
    last: Position | None


@dataclass(frozen=True, slots=True)
class _Page:
    """What is asked for; see `find_page`."""

    selection: Selection
    columns: Columns
    limit: int
    offset: int
    count_up_to: int | None
    whole: str
    after: Position | None

    @property
    def params(self) -> dict[str, object]:
        """The values of the parameters that all its statements have."""
        params = {**self.selection.condition.params, **self.selection.order.params, **self.columns.values.params}
        recordsets = self.selection.recordsets
        return params if recordsets is None else {**params, **recordsets.params}


@dataclass(frozen=True, slots=True)
class _Part:
    """Records of a selection that one index can bring in their order.

    Attributes:
        where: SQL on `records r`.
        order: theirs.
        skip: SQL of how many of them lie before the page; empty where none does.
        after: the position that they come after.
        is_last: whether no other part follows.
    """

    where: str
    order: Order
    skip: str = ""
    after: Position | None = None
    is_last: bool = True

    @property
    def condition(self) -> Fragment:
        """The condition on the records of the part that the page may hold."""
        if self.after is None:
            return Fragment(self.where, {})
        beyond = self.order.after(self.after)
        return Fragment(f"{self.where} and {beyond.text}", beyond.params)


async def find_page(
    unit: Unit,
    selection: Selection,
    *,
    columns: Columns,
    limit: int,
    offset: int,
    count_up_to: int | None,
    whole: str = "null::bigint",
    after: Position | None = None,
) -> FoundPage:
    """Return a page of a selection.

    Args:
        unit: the unit of work.
        selection: which records, in which order.
        columns: what to show of each.
        limit: records on the page, a number of the program's choosing: it stands in the statement's text.
        offset: records before the page; none when it comes after a position.
        count_up_to: where counting ends; None counts to the end.
        whole: SQL of how many there are where no filter narrows the selection.
        after: the position that the page comes after.
    """
    if selection.is_narrowed:
        await unit.plan_for_values()
    page = _Page(selection, columns, limit, offset, count_up_to, whole, after)
    if selection.order.split is not None:
        return await _find_split(unit, page, selection.order.split)
    skip = ":offset" if offset else ""
    return await _find_part(unit, page, _Part(selection.condition.text, selection.order, skip, after))


async def _find_split(unit: Unit, page: _Page, key: SortKey) -> FoundPage:
    """Return a page of records with a value of the first key, and of those without where it is not full.

    Planning costs nearly as much as finding, so what most pages do not need is a statement of its own.
    """
    where, order, after = page.selection.condition.text, page.selection.order, page.after
    with_value = f"{where} and {key.expression} is not null"
    without = f"{where} and {key.expression} is null"
    if after is not None and after.keys[0] is None:
        rest = Position(keys=after.keys[1:], id=after.id)
        return await _find_part(unit, page, _Part(without, order.among_absent, after=rest))
    skip = ":offset" if page.offset else ""
    present = await _find_part(unit, page, _Part(with_value, order.among_present, skip, after, is_last=False))
    if present.found > page.limit:
        return present
    # Only a page that lies wholly among the records without a value needs to know how many have one.
    passed = f"greatest(:offset - (select count(*) from records r where {with_value}), 0)"
    skip = passed if page.offset and not present.found else ""
    absent = await _find_part(unit, page, _Part(without, order.among_absent, skip), before=present)
    items = ",".join(part for part in (present.items, absent.items) if part)
    return FoundPage(items=items, found=absent.found, counted=absent.counted, last=absent.last)


async def _find_part(unit: Unit, page: _Page, part: _Part, *, before: FoundPage | None = None) -> FoundPage:
    """Return a page's records of one part, which fill what an earlier part has left of it.

    Args:
        unit: the unit of work.
        page: what is asked for.
        part: which of its records.
        before: what an earlier part has found; its records are among those `found`.
    """
    condition = part.condition
    params = {**page.params, **condition.params}
    earlier = before.found if before else 0
    row = await unit.row(_statement(page, part, condition.text), offset=page.offset, before=earlier, **params)
    assert row is not None  # noqa: S101 - a select of scalars always has one row
    found = min(earlier + row["found"], page.limit + 1)
    last = _position(row["last"]) or (before.last if before else None)
    return FoundPage(items=row["items"] or "", found=found, counted=row["counted"], last=last)


def _position(text: str | None) -> Position | None:
    if text is None:
        return None
    record_id, *keys = orjson.loads(text)
    return Position(keys=tuple(keys), id=UUID(record_id))


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


def _statement(page: _Page, part: _Part, condition: str) -> str:
    room = f"{page.limit} - :before::integer"
    return f"""
        select p.items, p.found, p.last, {_total(page, is_last=part.is_last)} as counted
        from (
            select string_agg(i.line, ',' order by i.place) filter (where i.place <= {room}) as items,
                   count(*) as found, max(i.last) filter (where i.place = {room}) as last
            from (
                select row_to_json(shown)::text as line, found.last, row_number() over () as place
                from ({_select(page, part, condition)}) found
                cross join lateral (select {_SHOWN}) shown
            ) i
        ) p
    """


def _select(page: _Page, part: _Part, condition: str) -> str:
    """Return the columns of some records, in their order, and of one more, each with where it stands."""
    recordsets = page.selection.recordsets
    standing = ", ".join(["r.id", *(f"({key.expression})::text" for key in page.selection.order.keys)])
    columns = f"{page.columns.text}, json_build_array({standing})::text as last"
    if recordsets is not None and not part.order.keys:
        found = _from_each(part, recordsets, condition, limit=page.limit + 1)
    elif part.skip:
        # What is skipped does not leave its index.
        found = f"""
            select r.id, row_number() over (order by {part.order.text}) as place from records r where {condition}
            order by {part.order.text} limit {page.limit + 1} offset {part.skip}
        """
    else:
        return f"""
            select {columns} from records r {page.columns.joins} where {condition}
            order by {part.order.text} limit {page.limit + 1}
        """
    return f"""
        select {columns} from ({found}) found
        join records r on r.workspace_id = :workspace and r.id = found.id {page.columns.joins}
        order by found.place
    """


def _from_each(part: _Part, recordsets: Fragment, condition: str, *, limit: int) -> str:
    return f"""
        select f.id, row_number() over (order by f.id {part.order.ties}) as place
        from recordsets s cross join lateral (
            select r.id from records r where {condition} and r.recordset_id = s.id
            order by r.id {part.order.ties} limit {limit} + :offset::bigint
        ) f
        where s.workspace_id = :workspace and s.deleted_at is null and {recordsets.text}
        order by f.id {part.order.ties} limit {limit} offset :offset::bigint
    """


def _total(page: _Page, *, is_last: bool) -> str:
    if not page.selection.is_narrowed:
        return page.whole
    up_to = "" if page.count_up_to is None else f"limit {page.count_up_to + 1}"
    beyond = ""
    if is_last:
        # Of what lies before a page that comes after a position, nothing is known.
        beyond = " or true" if page.after else " or (:before::integer + p.found = 0 and :offset::bigint > 0)"
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
