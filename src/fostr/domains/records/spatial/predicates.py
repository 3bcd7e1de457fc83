"""Which targets intersect, lie within or contain some source."""

# pyright: reportUnknownMemberType=false
# Shapely's functions take keywords that its types leave open.

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np
import shapely
from shapely import GEOSException
from shapely.affinity import translate

from fostr.domains.records.fields.geometry import TURN
from fostr.domains.records.spatial.places import PointGrid, extent, split_by_size, turn_boxes

if TYPE_CHECKING:
    from fostr.domains.records.spatial.places import Deadline, Places
    from fostr.domains.records.spatial.shapes import Floats, Indexes, Marks, Shapes

Predicate: TypeAlias = Literal["intersects", "within", "contains"]

AT_ONCE: Final = 200
"""Sources that are compared with the shapes among the targets together; between them time is looked at."""
_OF_SOURCE: Final[dict[Predicate, Predicate]] = {"intersects": "intersects", "within": "contains", "contains": "within"}
"""The relation of the source to the target."""


def compare(predicate: Predicate, sources: Places, targets: Places, *, deadline: Deadline) -> Marks:
    """Return which targets stand in a relation to any of the sources, as OGC's simple features define it.

    A target on the edge of a source intersects it and does not lie within it.
    """
    matched: Marks = np.zeros(targets.count, dtype=np.bool_)
    shapes = np.concatenate([sources.shapes, _points(sources)])
    owners, moves = turn_boxes(shapely.bounds(shapes), *extent(targets))
    moved = _moved(shapes[owners], moves)
    if targets.points:
        if predicate == "contains":
            moved_points = moved[shapely.get_dimensions(moved) == 0]
            _compare_points(predicate, moved_points, targets, matched, deadline)
        else:
            _compare_points(predicate, moved, targets, matched, deadline)
    if len(targets.shapes):
        _compare_shapes(predicate, moved, targets, matched, deadline)
    return matched


def _points(places: Places) -> Shapes:
    return np.asarray(shapely.points(places.lngs, places.lats), dtype=object)


def _moved(shapes: Shapes, degrees: Floats) -> Shapes:
    moved = shapes.copy()
    for turn in (-TURN, TURN):
        chosen = degrees == turn
        if chosen.any():
            moved[chosen] = [translate(shape, turn) for shape in shapes[chosen]]
    return moved


def _compare_points(predicate: Predicate, sources: Shapes, targets: Places, matched: Marks, deadline: Deadline) -> None:
    """Mark the points: prepared sources and plain numbers take a sixth of what a tree of points takes, measured."""
    shapely.prepare(sources)
    grid = PointGrid(targets.lngs, targets.lats)
    for found, inside in grid.find(shapely.bounds(sources)):
        deadline.check()
        still = ~matched[inside]
        owners, points = found[still], inside[still]
        lngs, lats = targets.lngs[points], targets.lats[points]
        for part in split_by_size(np.ones(len(points), dtype=np.intp), 100_000):
            deadline.check()
            matched[points[part][_hold(predicate, sources[owners[part]], lngs[part], lats[part])]] = True


def _hold(predicate: Predicate, shapes: Shapes, lngs: Floats, lats: Floats) -> Marks:
    if predicate == "intersects":
        return shapely.intersects_xy(shapes, lngs, lats)
    if predicate == "within":
        return shapely.contains_xy(shapes, lngs, lats)
    return shapely.contains(np.asarray(shapely.points(lngs, lats), dtype=object), shapes)


def _compare_shapes(predicate: Predicate, sources: Shapes, targets: Places, matched: Marks, deadline: Deadline) -> None:
    tree = shapely.STRtree(targets.shapes)
    relation = _OF_SOURCE[predicate]
    for begin in range(0, len(sources), AT_ONCE):
        deadline.check()
        chosen = sources[begin : begin + AT_ONCE]
        found: Indexes
        try:
            found = tree.query(chosen, predicate=relation)[1]
        except GEOSException:
            # Some area crosses itself.
            valid = shapely.STRtree(shapely.make_valid(targets.shapes))
            found = valid.query(shapely.make_valid(chosen), predicate=relation)[1]
        matched[targets.points + found] = True
