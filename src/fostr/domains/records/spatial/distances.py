"""Which targets lie within so many metres of some source, on the ellipsoid of WGS 84.

Between two points the distance is the geodesic. Lines and the edges of areas are cut into pieces, and each is looked at
on a plane of its own, drawn around its middle so that every distance and direction from there is true (azimuthal
equidistant). What lies up to r from the middle is drawn wrong by at most r·(θ/sin θ - 1), with θ = (distance + r) by
the radius of the Earth; pieces are cut so small that this, and what an edge loses by being drawn straight, are half of
`tolerance_at` each: a metre, or a thousandth of the distance where that is more. Between two positions of a geometry
its edge is straight in longitude and latitude (RFC 7946).
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# Shapely's functions take keywords that its types leave open.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import shapely
from pyproj import Geod

from fostr.domains.records.fields.geometry import HALF_TURN, TURN
from fostr.domains.records.spatial.places import (
    PointGrid,
    count_up,
    extent,
    move_boxes,
    split_by_size,
    turn_boxes,
)
from fostr.domains.records.spatial.shapes import POLE

if TYPE_CHECKING:
    from fostr.domains.records.spatial.places import Deadline, Places
    from fostr.domains.records.spatial.shapes import Floats, Indexes, Marks, Shapes

LEAST_TOLERANCE: Final = 1.0
TOLERANCE: Final = 0.001
MOST_VERTICES: Final = 10_000_000
AT_ONCE: Final = 20_000
BOXES_AT_ONCE: Final = 500
VERTICES_OF_PIECE: Final = 256

EARTH: Final = Geod(ellps="WGS84")
RADIUS: Final = 6_371_008.8
SMALLEST_RADIUS: Final = 6_335_439.0
"""Of curvature on the ellipsoid: along the meridian, at the equator."""
FLATTENING: Final = 0.0057
"""By how much the distance on a sphere can be wrong, with room to spare."""


class TooDetailed(Exception):
    """The edges make too many positions."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """Pieces of lines and edges, and single points, which are pieces of one position.

    Attributes:
        lngs: of all positions, one piece after the other.
        lats: the same.
        starts: where each piece begins, and where the last one ends.
        owners: which shape each piece belongs to.
    """

    lngs: Floats
    lats: Floats
    starts: Indexes
    owners: Indexes

    @property
    def count(self) -> int:
        """How many pieces there are."""
        return len(self.owners)

    @property
    def sizes(self) -> Indexes:
        """How many positions each piece has."""
        return np.diff(self.starts)

    def bounds(self) -> Floats:
        """Return the box of each piece."""
        begins = self.starts[:-1]
        return np.column_stack(
            [
                np.minimum.reduceat(self.lngs, begins),
                np.minimum.reduceat(self.lats, begins),
                np.maximum.reduceat(self.lngs, begins),
                np.maximum.reduceat(self.lats, begins),
            ]
        )


@dataclass(frozen=True, slots=True)
class _Search:
    """What is looked for: targets near the sources' pieces, and those that were found.

    Attributes:
        boxes: around the pieces, as wide as is looked.
    """

    pieces: Pieces
    boxes: Floats
    planes: Planes
    targets: Places
    metres: float
    matched: Marks
    deadline: Deadline


def mark_near(sources: Places, targets: Places, metres: float, matched: Marks, *, deadline: Deadline) -> None:
    """Mark the targets that lie within so many metres of the edge of some source, or of a source that is a point.

    What lies inside of a source, or around it, is marked by comparing with `intersects`.
    """
    pieces = cut(sources, metres)
    if not pieces.count:
        return
    boxes = widen(pieces.bounds(), metres)
    search = _Search(pieces, boxes, draw(pieces), targets, metres, matched, deadline)
    if targets.points:
        _mark_points(search)
    if len(targets.shapes):
        _mark_shapes(search)


def widen(boxes: Floats, metres: float) -> Floats:
    """Return boxes that hold everything within so many metres of other boxes; where a pole is, all longitudes."""
    angle = min(metres / SMALLEST_RADIUS * (1 + FLATTENING), np.pi)
    south, north = boxes[:, 1] - np.degrees(angle), boxes[:, 3] + np.degrees(angle)
    furthest = np.radians(np.minimum(np.maximum(np.abs(boxes[:, 1]), np.abs(boxes[:, 3])), POLE))
    over_pole = (north >= POLE) | (south <= -POLE) | (angle >= np.pi / 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        width = np.degrees(np.arcsin(np.minimum(1.0, np.sin(angle) / np.cos(furthest)))) + 1e-9
    width = np.where(over_pole, TURN, width)
    wide = np.column_stack(
        [boxes[:, 0] - width, np.maximum(south, -POLE), boxes[:, 2] + width, np.minimum(north, POLE)]
    )
    whole = wide[:, 2] - wide[:, 0] >= TURN
    wide[whole, 0], wide[whole, 2] = -HALF_TURN, HALF_TURN
    return wide


def tolerance_at(metres: float) -> float:
    """Return by how many metres a distance may be wrong."""
    return max(LEAST_TOLERANCE, TOLERANCE * metres)


def longest_reach(metres: float) -> float:
    """Return how far a piece may reach from its middle, when distances up to so many metres are looked at."""
    allowed, low, high = tolerance_at(metres) / 2, 0.0, RADIUS / 2
    for _ in range(40):
        reach = (low + high) / 2
        angle = min((metres + reach) / RADIUS, 3.0)
        low, high = (reach, high) if reach * (angle / np.sin(angle) - 1) <= allowed else (low, reach)
    return low


def cut(places: Places, metres: float) -> Pieces:
    """Return everything at whose distance it is looked: the edges of places in pieces, and their points.

    Args:
        places: whose.
        metres: the distances that are looked at.

    Raises:
        TooDetailed: that is more than `MOST_VERTICES` positions.
    """
    parts, of_part = shapely.get_parts(places.shapes, return_index=True)
    rings, of_ring = shapely.get_rings(parts, return_index=True)
    areas = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    lines = np.concatenate([rings, parts[~areas]])
    owners = np.concatenate([of_part[of_ring], of_part[~areas]])
    positions, of_line = shapely.get_coordinates(lines, return_index=True)
    lngs = np.concatenate([positions[:, 0], places.lngs])
    lats = np.clip(np.concatenate([positions[:, 1], places.lats]), -POLE, POLE)
    line_ids = np.concatenate([of_line, len(lines) + np.arange(places.points)])
    whose = np.concatenate([owners, len(places.shapes) + np.arange(places.points)])
    return _cut_lines(lngs, lats, line_ids, whose, metres)


def _cut_lines(lngs: Floats, lats: Floats, line_ids: Indexes, whose: Indexes, metres: float) -> Pieces:
    """Put positions into long edges, and cut lines where they have become long."""
    if not len(lngs):
        return Pieces(lngs, lats, np.zeros(1, np.intp), np.zeros(0, np.intp))
    goes_on = np.append(line_ids[1:] == line_ids[:-1], False)
    length = _edge_lengths(lngs, lats, goes_on)
    steps = np.where(goes_on, np.ceil(length / _longest_steps(lats, goes_on, metres)), 1).clip(1, None).astype(np.intp)
    if steps.sum() > MOST_VERTICES:
        raise TooDetailed
    fraction = count_up(steps) / np.repeat(steps, steps)
    following = np.minimum(np.arange(len(lngs)) + 1, len(lngs) - 1)
    fine_lngs = np.repeat(lngs, steps) + fraction * np.repeat(np.where(goes_on, lngs[following] - lngs, 0), steps)
    fine_lats = np.repeat(lats, steps) + fraction * np.repeat(np.where(goes_on, lats[following] - lats, 0), steps)
    line = np.repeat(line_ids, steps)
    section = _sections(fine_lngs, fine_lats, line, np.repeat(length / steps, steps), longest_reach(metres))
    return _pieces(fine_lngs, fine_lats, line, whose, section)


def _sections(lngs: Floats, lats: Floats, line: Indexes, lengths: Floats, reach: float) -> Indexes:
    """Return in which section of its line each position lies; short lines are one."""
    begins: Indexes = np.searchsorted(line, np.arange(int(line[-1]) + 1))
    nearest = np.minimum.reduceat(np.abs(lats), begins)
    width = np.maximum.reduceat(lngs, begins) - np.minimum.reduceat(lngs, begins)
    height = np.maximum.reduceat(lats, begins) - np.minimum.reduceat(lats, begins)
    across = np.radians(np.hypot(width * np.cos(np.radians(nearest)), height)) * RADIUS * (1 + FLATTENING)
    place: Indexes = np.arange(len(line)) - begins[line]
    travelled = np.cumsum(lengths)
    along = (travelled - travelled[begins][line]) // (reach / 2)
    return np.maximum(np.where(across[line] <= 2 * reach, 0, along), place // VERTICES_OF_PIECE).astype(np.intp)


def _pieces(lngs: Floats, lats: Floats, line: Indexes, whose: Indexes, section: Indexes) -> Pieces:
    """Return the pieces; each but the first of a line begins where the one before it ends."""
    begins = np.flatnonzero(np.concatenate([[True], (line[1:] != line[:-1]) | (section[1:] != section[:-1])]))
    ends = np.append(begins[1:], len(line))
    shared = (ends < len(line)) & (line[np.minimum(ends, len(line) - 1)] == line[begins])
    sizes = ends - begins + shared
    taken = np.repeat(begins, sizes) + count_up(sizes)
    return Pieces(lngs[taken], lats[taken], np.concatenate([[0], np.cumsum(sizes)]), whose[line[begins]])


def _edge_lengths(lngs: Floats, lats: Floats, goes_on: Marks) -> Floats:
    following = np.minimum(np.arange(len(lngs)) + 1, len(lngs) - 1)
    nearer = np.minimum(np.abs(lats), np.abs(lats[following]))
    width = np.radians(np.abs(lngs[following] - lngs)) * np.cos(np.radians(nearer))
    return np.where(goes_on, np.hypot(width, np.radians(lats[following] - lats)) * RADIUS, 0.0)


def _longest_steps(lats: Floats, goes_on: Marks, metres: float) -> Floats:
    following = np.minimum(np.arange(len(lats)) + 1, len(lats) - 1)
    steepest = np.where(goes_on, np.maximum(np.abs(lats), np.abs(lats[following])), 0.0)
    return np.minimum(longest_step(steepest, metres), longest_reach(metres) / 2)


def longest_step(lats: Any, metres: float) -> Any:
    """Return how long parts of edges may be: one of length s leaves the geodesic by s² tan(latitude) / 8 radius."""
    slope = np.tan(np.radians(np.minimum(np.abs(lats), 89.99)))
    return np.sqrt(4 * RADIUS * tolerance_at(metres) / np.maximum(slope, 1e-3))


@dataclass(frozen=True, slots=True)
class Planes:
    """Some pieces, each on its plane: a middle, how far it reaches from there, and the line in metres."""

    lngs: Floats
    lats: Floats
    reach: Floats
    lines: Shapes


def draw(pieces: Pieces) -> Planes:
    west, south, east, north = pieces.bounds().T
    lngs, lats = (west + east) / 2, (south + north) / 2
    owners = np.repeat(np.arange(pieces.count), pieces.sizes)
    east, north = project(lngs[owners], lats[owners], pieces.lngs, pieces.lats)
    reach = np.maximum.reduceat(np.hypot(east, north), pieces.starts[:-1])
    return Planes(lngs, lats, reach, make_lines(east, north, pieces.sizes))


def make_lines(east: Floats, north: Floats, sizes: Indexes) -> Shapes:
    """Return lines; one of a single position twice."""
    doubled = sizes == 1
    counts = sizes + doubled
    starts = np.cumsum(sizes) - sizes
    taken = np.repeat(starts, counts) + np.minimum(count_up(counts), np.repeat(sizes - 1, counts))
    offsets = np.concatenate([[0], np.cumsum(counts)])
    positions = np.column_stack([east[taken], north[taken]])
    return shapely.from_ragged_array(shapely.GeometryType.LINESTRING, positions, (offsets,))


def project(lngs: Floats, lats: Floats, of_lngs: Floats, of_lats: Floats) -> tuple[Floats, Floats]:
    """Return metres east and north of a middle, by the geodesic that leads to each position."""
    azimuth, _, metres = EARTH.inv(lngs, lats, of_lngs, of_lats)
    turned = np.radians(azimuth)
    return metres * np.sin(turned), metres * np.cos(turned)


def on_sphere(lngs: Floats, lats: Floats, of_lngs: Floats, of_lats: Floats) -> Floats:
    """Return the distance on a sphere, many times quicker than on the ellipsoid and up to `FLATTENING` wrong."""
    lat, of_lat = np.radians(lats), np.radians(of_lats)
    half = np.sin((of_lat - lat) / 2) ** 2 + np.cos(lat) * np.cos(of_lat) * np.sin(np.radians(of_lngs - lngs) / 2) ** 2
    return 2 * RADIUS * np.arcsin(np.sqrt(np.minimum(half, 1.0)))


def _mark_points(search: _Search) -> None:
    targets = search.targets
    which, moves = turn_boxes(search.boxes, *extent(targets))
    grid = PointGrid(targets.lngs, targets.lats)
    for found, points in grid.find(move_boxes(search.boxes[which], moves)):
        for part in split_by_size(np.ones(len(points), dtype=np.intp), AT_ONCE):
            search.deadline.check()
            _mark_pairs(search, which[found[part]], points[part])


def _mark_pairs(search: _Search, piece: Indexes, points: Indexes) -> None:
    planes, targets, metres, matched = search.planes, search.targets, search.metres, search.matched
    rough = on_sphere(planes.lngs[piece], planes.lats[piece], targets.lngs[points], targets.lats[points])
    reach = planes.reach[piece]
    matched[points[rough * (1 + FLATTENING) + reach <= metres]] = True
    unclear = ~matched[points] & (rough * (1 - FLATTENING) <= metres + reach)
    piece, points, reach = piece[unclear], points[unclear], reach[unclear]
    if not len(points):
        return
    east, north = project(planes.lngs[piece], planes.lats[piece], targets.lngs[points], targets.lats[points])
    away = np.hypot(east, north)
    near = away + reach <= metres
    unclear = ~near & (reach > 0) & (away - reach <= metres)
    where = shapely.points(east[unclear], north[unclear])
    near[unclear] = shapely.dwithin(planes.lines[piece[unclear]], where, metres)
    matched[points[near]] = True


def _mark_shapes(search: _Search) -> None:
    theirs = cut(search.targets.only_shapes(), search.metres)
    if not theirs.count:
        return
    their_boxes = theirs.bounds()
    tree = shapely.STRtree(shapely.box(*their_boxes.T))
    which, moves = turn_boxes(search.boxes, float(their_boxes[:, 0].min()), float(their_boxes[:, 2].max()))
    moved = move_boxes(search.boxes[which], moves)
    for begin in range(0, len(which), BOXES_AT_ONCE):
        search.deadline.check()
        pairs: Indexes = tree.query(shapely.box(*moved[begin : begin + BOXES_AT_ONCE].T))
        _mark_lines(search, which[begin + pairs[0]], theirs, pairs[1])


def _mark_lines(search: _Search, piece: Indexes, theirs: Pieces, other: Indexes) -> None:
    """Mark the owners of their pieces that are near ours, pair by pair."""
    planes, matched = search.planes, search.matched
    for part in split_by_size(theirs.sizes[other], AT_ONCE):
        search.deadline.check()
        target = search.targets.points + theirs.owners[other[part]]
        still = ~matched[target]
        mine, its, target = piece[part][still], other[part][still], target[still]
        if not len(its):
            continue
        sizes = theirs.sizes[its]
        taken = np.repeat(theirs.starts[:-1][its], sizes) + count_up(sizes)
        owners = np.repeat(mine, sizes)
        east, north = project(planes.lngs[owners], planes.lats[owners], theirs.lngs[taken], theirs.lats[taken])
        lines = make_lines(east, north, sizes)
        matched[target[shapely.dwithin(planes.lines[mine], lines, search.metres)]] = True
