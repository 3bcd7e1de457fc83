"""Filtering the records of one recordset by where they lie to those of another."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from fostr.domains.records.fields.model import hides_derived
from fostr.domains.records.query.box import box_condition
from fostr.domains.records.query.selection import read_body, select_records
from fostr.domains.records.recordsets.reach import ActionForbidden, parse_reference, reach_recordset
from fostr.domains.records.spatial import repository
from fostr.domains.records.spatial.computing import Room, compute
from fostr.kernel.db.sql import Fragment, join_and
from fostr.kernel.http.errors import Unavailable, Unprocessable

if TYPE_CHECKING:
    from fostr.domains.records.fields.geometry import Bounds
    from fostr.domains.records.spatial.places import Places
    from fostr.domains.records.spatial.repository import FoundShapes
    from fostr.domains.records.spatial.schemas import SpatialFilter, SpatialRecords
    from fostr.kernel.http.context import Context

SECONDS: Final = 30.0
MOST_SOURCES: Final = 100_000
MOST_TARGETS: Final = 1_000_000
MOST_CHARACTERS: Final = 200_000_000
"""Of the geometries of one side as text."""

_room: Final = Room(most=6)


class TooManyPlaces(Unprocessable):
    """One side has more records, or more detailed ones, than are compared at once."""

    code = "spatial_too_large"
    detail = "There is more to compare than is compared at once; narrow it by filters."


class SpatialTooSlow(Unavailable):
    """The comparison took too long and was given up."""

    code = "spatial_timeout"
    detail = f"The comparison did not end within {SECONDS:.0f} seconds; narrow it by filters."


@dataclass(frozen=True, slots=True)
class _Side:
    """The records of one side: by which condition, and how many may take part."""

    context: Context
    condition: Fragment
    name: str
    most: int


@dataclass(frozen=True, slots=True)
class _Raw:
    """The same as they came from the database."""

    points: bytes
    shapes: FoundShapes


async def filter_spatially(context: Context, *, data: SpatialFilter) -> bytes:
    """Return the records of the target that stand to the source as it is asked, as JSON.

    Raises:
        RecordsetNotFound: the caller cannot see one of the recordsets.
        ActionForbidden: they may not see its records, or not where those lie.
        FilterInvalid: a filter does not fit its recordset.
        TimeZoneUnknown: there is no such zone.
        TooManyPlaces: there is too much to compare.
        SpatialTooSlow: it took too long.
        SpatialBusy: too many others are at it.
    """
    source = await _select(context, data.source, name="source", most=MOST_SOURCES)
    target = await _select(context, data.target, name="target", most=MOST_TARGETS)
    from fostr.domains.records.spatial.distances import TooDetailed
    from fostr.domains.records.spatial.places import TooSlow

    with _room.enter():
        try:
            async with asyncio.timeout(SECONDS):
                return await _filter(data, source, target)
        except (TimeoutError, TooSlow):
            raise SpatialTooSlow from None
        except TooDetailed:
            raise TooManyPlaces("The shapes have more positions than are compared at once.") from None


async def _select(context: Context, records: SpatialRecords, *, name: str, most: int) -> _Side:
    reached = await reach_recordset(context, parse_reference(records.recordset_id), "view_records")
    if hides_derived(reached.recordset, reached.mask):
        raise ActionForbidden(reason="the records are being brought in step with what is hidden from you")
    asked = read_body(records, status=records.status, tags=records.tags)
    conditions = [select_records(reached, replace(asked, time_zone=records.time_zone)).condition]
    if records.record_ids is not None:
        conditions.append(Fragment("r.id = any(:only::uuid[])", {"only": records.record_ids}))
    return _Side(context, join_and(conditions), name, most)


async def _filter(data: SpatialFilter, source: _Side, target: _Side) -> bytes:
    # Imported when first used: they take half a second and 60 MB.
    from fostr.domains.records.spatial.answering import answer, find_boxes, open_places
    from fostr.domains.records.spatial.matching import Relation, match
    from fostr.domains.records.spatial.places import Deadline

    deadline = Deadline.after(SECONDS)
    relation = Relation(data.operation, data.buffer_meters or 0.0, is_excluded=data.exclude)
    raw = await _read(source, boxes=None)
    sources = await compute(partial(open_places, raw.points, raw.shapes.ids, raw.shapes.geometries))
    boxes = None if data.exclude else await compute(partial(find_boxes, sources, relation.metres))
    raw_targets = await _read(target, boxes=boxes)

    def work() -> bytes:
        found = raw_targets.shapes
        targets = open_places(raw_targets.points, found.ids, found.geometries)
        ordered, marks = match(relation, sources, targets, deadline=deadline)
        return answer(ordered.ids[marks], limit=data.limit, after=data.after, counts=_counts(sources, targets))

    return await compute(work)


def _counts(sources: Places, targets: Places) -> dict[str, int]:
    return {"source_count": sources.count, "target_count": targets.count}


async def _read(side: _Side, *, boxes: list[Bounds] | None) -> _Raw:
    """Read where one side lies, in a unit of work that ends before anything is computed.

    Args:
        side: whose.
        boxes: only what touches one of them.
    """
    condition = side.condition if boxes is None else join_and([side.condition, _touching(boxes)])
    async with side.context.open_unit() as unit:
        await unit.plan_for_values()
        points = await repository.read_points(unit, condition, most=side.most + 1)
        shapes = await repository.read_shapes(unit, condition, most=side.most + 1, most_characters=MOST_CHARACTERS)
    if len(points) // repository.POINT_BYTES + len(shapes.ids) > side.most:
        raise TooManyPlaces(side=side.name, limit=side.most)
    if shapes.size > MOST_CHARACTERS:
        raise TooManyPlaces("The shapes are larger than is compared at once.", side=side.name)
    return _Raw(points, shapes)


def _touching(boxes: list[Bounds]) -> Fragment:
    if not boxes:
        return Fragment("false", {})
    conditions = [box_condition(bounds, name=f"near_{number}") for number, bounds in enumerate(boxes)]
    text = " or ".join(condition.text for condition in conditions)
    return Fragment(f"({text})", {name: value for condition in conditions for name, value in condition.params.items()})
