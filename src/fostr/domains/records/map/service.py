"""Streaming the records of a recordset to a map."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from fostr.domains.records.map import repository
from fostr.domains.records.map.asking import parse_shown, select_placed
from fostr.domains.records.query.box import box_condition, parse_box
from fostr.domains.records.records.showing import value_columns
from fostr.kernel.db.sql import join_and

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from fostr.domains.records.map.asking import MapQuery
    from fostr.domains.records.recordsets.reach import Reached
    from fostr.kernel.db.sql import Fragment


@dataclass(frozen=True, slots=True)
class MapPlan:
    """A stream that may begin.

    Attributes:
        shown: SQL of the values that go along; None for none.
    """

    reached: Reached
    condition: Fragment
    shown: Fragment | None
    limit: int | None


def plan_map(reached: Reached, query: MapQuery, *, bbox: str | None, fields: str | None, limit: int | None) -> MapPlan:
    """Check what a map asks for, before the answer begins.

    Raises:
        BoxInvalid: the bounding box cannot be used.
        FieldsInvalid: the same for the fields that were asked for.
        ActionForbidden, GeometryTypeUnknown, FilterInvalid, TimeZoneUnknown: see `select_placed`.
    """
    condition = select_placed(reached, query)
    if bbox is not None and bbox.strip():
        condition = join_and([condition, box_condition(parse_box(bbox))])
    keys = parse_shown(reached, fields)
    shown = None if keys is None else value_columns(reached, keys)
    return MapPlan(reached=reached, condition=condition, shown=shown, limit=limit)


async def stream_map(plan: MapPlan) -> AsyncGenerator[bytes]:
    """Yield the lines of a map, many at a time, and the line that tells how many there were.

    The unit of work is the stream's own, and ends with it, also when the client goes in the middle.
    """
    found = 0
    # One more than is sent tells whether there are more.
    limit = None if plan.limit is None else plan.limit + 1
    async with (
        plan.reached.context.open_unit() as unit,
        aclosing(repository.stream_lines(unit, plan.condition, shown=plan.shown, limit=limit)) as packets,
    ):
        async for packet in packets:
            found += packet.count(b"\n")
            if found == limit:
                # The last line ends the packet; what is before it ends with a line, too.
                yield packet[: packet.rfind(b"\n", 0, -1) + 1]
            else:
                yield packet
    truncated = found == limit
    meta = {"__meta__": {"count": found - truncated, "truncated": truncated}}
    yield orjson.dumps(meta) + b"\n"
