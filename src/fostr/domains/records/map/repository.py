"""Records as lines of JSON for a map, written by PostgreSQL."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from fostr.kernel.db.sql import Fragment
    from fostr.kernel.db.unit import Unit

# Joined as text: building each line as a JSON value first takes half as long again.
_LINE: Final = """
    '{"id":"' || r.id || '","geometry":' || r.geometry::text || ',"geometry_type":"' || r.geometry_type
    || '","title":' || to_json(r.title)::text
    || case when r.geometry_type = 'Point' then
           ',"lat":' || (r.geometry->'coordinates'->>1) || ',"lng":' || (r.geometry->'coordinates'->>0)
       else '' end
    || %s || '}'
"""
_FIELDS: Final = """
    ',"fields":' || (
        select coalesce(jsonb_object_agg(wanted.key, r.field_values->wanted.key), '{}')::text
        from unnest(:keys::text[]) wanted (key) where r.field_values ? wanted.key
    )
"""


async def stream_lines(
    unit: Unit,
    condition: Fragment,
    *,
    keys: list[str] | None,
    limit: int | None,
    chunk: int,
) -> AsyncGenerator[str]:
    """Yield one line of JSON for each record `r` that meets a condition and lies somewhere.

    Args:
        unit: a unit of work of its own, for as long as the stream lasts.
        condition: which records.
        keys: fields whose values go along; None for none, and no `fields` at all.
        limit: the most lines.
        chunk: how many lines travel at once.
    """
    line = _LINE % (_FIELDS if keys is not None else "''")
    params = dict(condition.params) if keys is None else {**condition.params, "keys": keys}
    await unit.plan_for_values()
    text = f"select {line} as line from records r where {condition.text} and r.bbox is not null limit :line_limit"
    async with aclosing(unit.stream(text, prefetch=chunk, line_limit=limit, **params)) as rows:
        async for row in rows:
            yield row[0]
