"""Streaming the records of a recordset to a map."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import orjson

from fostr.domains.records.fields.geometry import DEPTHS
from fostr.domains.records.fields.model import hides_derived
from fostr.domains.records.map import repository
from fostr.domains.records.query.box import box_condition, parse_box
from fostr.domains.records.query.selection import RecordQuery, select_records
from fostr.domains.records.records.showing import parse_fields_wanted
from fostr.domains.records.recordsets.reach import ActionForbidden, Reached
from fostr.kernel.db.sql import Fragment, join_and
from fostr.kernel.http.errors import Unprocessable

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

CHUNK: Final = 500
"""Lines that are sent together: enough to make a packet's costs small, few enough to be there at once."""


class GeometryTypeUnknown(Unprocessable):
    """There is no such kind of geometry."""

    code = "geometry_type_unknown"
    detail = f"A kind of geometry is one of {', '.join(DEPTHS)}."


@dataclass(frozen=True, slots=True)
class MapQuery:
    """What a map asks for, as it came."""

    bbox: str | None
    limit: int | None
    fields: str | None
    geometry_types: str | None
    column_filters: str | None
    numeric_filters: str | None


@dataclass(frozen=True, slots=True)
class MapPlan:
    """A stream that may begin."""

    reached: Reached
    condition: Fragment
    keys: list[str] | None
    limit: int | None


def plan_map(reached: Reached, query: MapQuery) -> MapPlan:
    """Check what a map asks for, before the answer begins.

    Raises:
        ActionForbidden: where the records lie may still come from what the caller may not see.
        BoxInvalid: the bounding box cannot be used.
        GeometryTypeUnknown: there is no such kind of geometry.
        FilterInvalid: a filter does not fit the recordset.
        FieldsInvalid: the same for the fields that were asked for.
    """
    if hides_derived(reached.recordset, reached.mask):
        raise ActionForbidden(reason="the records are being brought in step with what is hidden from you")
    filters = RecordQuery(column_filters=query.column_filters, numeric_filters=query.numeric_filters)
    conditions = [select_records(reached, filters).condition]
    if query.bbox is not None and query.bbox.strip():
        conditions.append(box_condition(parse_box(query.bbox)))
    if kinds := _parse_kinds(query.geometry_types):
        conditions.append(Fragment("r.geometry_type = any(:kinds::text[])", {"kinds": kinds}))
    return MapPlan(
        reached=reached,
        condition=join_and(conditions),
        keys=parse_fields_wanted(query.fields, recordset=reached.recordset, mask=reached.mask),
        limit=query.limit,
    )


def _parse_kinds(text: str | None) -> list[str]:
    kinds = [part.strip() for part in (text or "").split(",") if part.strip()]
    unknown = next((kind for kind in kinds if kind not in DEPTHS), None)
    if unknown is not None:
        raise GeometryTypeUnknown(geometry_type=unknown)
    return kinds


async def stream_map(plan: MapPlan) -> AsyncGenerator[bytes]:
    """Yield the lines of a map, many at a time, and the line that tells how many there were.

    The unit of work is the stream's own, and ends with it, also when the client goes in the middle.
    """
    found, waiting = 0, list[str]()
    # One more than is sent tells whether there are more.
    limit = None if plan.limit is None else plan.limit + 1
    async with (
        plan.reached.context.open_unit() as unit,
        aclosing(repository.stream_lines(unit, plan.condition, keys=plan.keys, limit=limit, chunk=CHUNK)) as lines,
    ):
        async for line in lines:
            found += 1
            if found == limit:
                break
            waiting.append(line)
            if len(waiting) == CHUNK:
                yield _join(waiting)
                waiting = []
    truncated = found == limit
    meta = {"__meta__": {"count": found - truncated, "truncated": truncated}}
    yield _join(waiting) + orjson.dumps(meta) + b"\n"


def _join(lines: list[str]) -> bytes:
    return ("\n".join(lines) + "\n").encode() if lines else b""
