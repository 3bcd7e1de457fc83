"""Statements on the rows of shared tables."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from fostr.domains.records.query.selection import Selection
    from fostr.kernel.db.sql import Fragment
    from fostr.kernel.db.unit import Unit

ROW_ID: Final = "left(encode(sha256(convert_to(:share_salt || r.id::text, 'UTF8')), 'hex'), 32)"
"""A name that tells the rows of one link apart, and says nothing anywhere else."""


async def list_rows(
    unit: Unit, selection: Selection, *, values: Fragment, salt: str, limit: int, offset: int
) -> list[str]:
    """Return a part of the rows, each as JSON."""
    await unit.plan_for_values()
    rows = await unit.rows(
        f"""
        select row_to_json(shown)::text as line from (
            select {ROW_ID} as id, {values.text} as field_values from records r
            where {selection.condition.text} order by {selection.order.text} limit :row_limit offset :row_offset
        ) shown
        """,
        row_limit=limit,
        row_offset=offset,
        share_salt=salt,
        **_params(selection, values),
    )
    return [row["line"] for row in rows]


async def count_rows(unit: Unit, selection: Selection, *, up_to: int | None) -> int:
    """Return how many rows there are, counted no further than `up_to`."""
    return await unit.value(
        f"""
        select count(*) from (
            select 1 from records r where {selection.condition.text} limit :row_limit
        ) counted
        """,
        row_limit=up_to,
        **selection.condition.params,
    )


async def stream_values(unit: Unit, selection: Selection, *, values: Fragment) -> AsyncGenerator[dict[str, Any]]:
    """Yield the values of all rows in their order, through a cursor."""
    text = f"""
        select {values.text}::text as field_values from records r
        where {selection.condition.text} order by {selection.order.text}
    """
    async with aclosing(unit.stream(text, **_params(selection, values))) as rows:
        async for row in rows:
            yield orjson.loads(row["field_values"])


def _params(selection: Selection, values: Fragment) -> dict[str, Any]:
    return {**selection.condition.params, **selection.order.params, **values.params}
