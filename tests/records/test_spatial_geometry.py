"""Relations of random geometries: as Shapely tells them on a plane, wherever on the globe they are moved."""

# pyright: reportUnknownMemberType=false, reportAttributeAccessIssue=false, reportArgumentType=false
# The types of the library are half told.

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import pytest
import shapely
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from pyproj import Geod
from shapely.affinity import translate
from shapely.geometry import mapping

from fostr.domains.records.fields.geometry import Bounds, bounds_of, check_geometry
from fostr.domains.records.query.box import box_condition, parse_box
from fostr.domains.records.spatial.distances import TooDetailed, cut, on_sphere, tolerance_at
from fostr.domains.records.spatial.matching import Operation, Relation, match
from fostr.domains.records.spatial.places import Deadline, Places, PointGrid, TooSlow
from fostr.domains.records.spatial.shapes import make_shapes

Shape: TypeAlias = shapely.Geometry
GeoJson: TypeAlias = dict[str, Any]

EARTH = Geod(ellps="WGS84")
RELATIONS: list[Operation] = ["intersects", "within", "contains"]
lngs, lats = st.integers(-30, 30), st.integers(-60, 60)
positions = st.tuples(lngs, lats)


@st.composite
def rectangles(draw: st.DrawFn) -> Shape:
    """Draw a rectangle."""
    west, south = draw(positions)
    return shapely.box(west, south, west + draw(st.integers(1, 25)), min(89, south + draw(st.integers(1, 25))))


@st.composite
def rings(draw: st.DrawFn) -> Shape:
    """Draw a rectangle with a hole."""
    west, south = draw(positions)
    size = draw(st.integers(5, 25))
    hole = shapely.box(west + 1, south + 1, west + size - 1, south + size - 1)
    return shapely.difference(shapely.box(west, south, west + size, south + size), hole)


triangles = (
    st.lists(positions, min_size=3, max_size=3, unique=True)
    .map(shapely.Polygon)
    .filter(lambda triangle: triangle.is_valid and triangle.area > 0)
)
lines = st.lists(positions, min_size=2, max_size=5, unique=True).map(shapely.LineString)
several = st.lists(rectangles(), min_size=2, max_size=3).map(shapely.union_all)
scattered = st.lists(positions, min_size=2, max_size=4, unique=True).map(shapely.MultiPoint)
shapes = st.one_of(positions.map(shapely.Point), rectangles(), rings(), triangles, lines, several, scattered)


def places_of(geometries: list[GeoJson]) -> Places:
    """Return geometries as they come from the database, numbered by their ids."""
    points = [place for place, geometry in enumerate(geometries) if geometry["type"] == "Point"]
    others = [place for place, geometry in enumerate(geometries) if geometry["type"] != "Point"]
    ids = np.zeros((len(geometries), 16), np.uint8)
    ids[:, 0] = [*points, *others]
    numbers = np.array([geometries[place]["coordinates"] for place in points], dtype=np.float64).reshape(-1, 2)
    return Places(ids, numbers[:, 0], numbers[:, 1], make_shapes([geometries[place] for place in others]))


def find(relation: Relation, sources: list[GeoJson], targets: list[GeoJson]) -> set[int]:
    """Return which targets are found."""
    ordered, marks = match(relation, places_of(sources), places_of(targets), deadline=Deadline.after(60))
    return set(ordered.ids[marks][:, 0].tolist())


def wrap(lng: float) -> float:
    """Return a longitude in the world."""
    return (lng + 180) % 360 - 180 if abs(lng) > 180 else lng


def moved(shape: Shape, degrees: int) -> GeoJson:
    """Return a shape so many degrees further east, its edges across the antimeridian as they are."""
    geometry = mapping(shape)

    def walk(coordinates: Any) -> Any:
        if isinstance(coordinates[0], int | float):
            return [wrap(coordinates[0] + degrees), coordinates[1]]
        return [walk(inner) for inner in coordinates]

    return {"type": geometry["type"], "coordinates": walk(geometry["coordinates"])}


def cut_at_line(shape: Shape, degrees: int) -> GeoJson:
    """Return the same, cut in two at the antimeridian, as RFC 7946 would have it."""
    whole = translate(shape, degrees)
    if whole.geom_type in {"Point", "MultiPoint"} or not whole.bounds[0] < 180 < whole.bounds[2]:
        return moved(shape, degrees)
    halves = [
        shapely.intersection(whole, shapely.box(0, -90, 180, 90)),
        translate(shapely.intersection(whole, shapely.box(180, -90, 400, 90)), -360),
    ]
    # Where the line is crossed between two coordinates that a float can hold, the halves are not quite the whole.
    assume(shapely.equals(shapely.union(halves[0], translate(halves[1], 360)), whole))
    parts = [
        part
        for half in halves
        for part in shapely.get_parts(half)
        if part.geom_type == whole.geom_type[-len(part.geom_type) :]
    ]
    assume(parts)
    kind = parts[0].geom_type
    assume(all(part.geom_type == kind for part in parts))
    return {"type": f"Multi{kind}", "coordinates": [mapping(part)["coordinates"] for part in parts]}


def expected(relation: Operation, sources: list[Shape], targets: list[Shape]) -> set[int]:
    """Return what Shapely says on the plane."""
    tell = {"intersects": shapely.intersects, "within": shapely.within, "contains": shapely.contains}[relation]
    return {place for place, target in enumerate(targets) if any(tell(target, source) for source in sources)}


@pytest.mark.parametrize("relation", RELATIONS)
@given(
    sources=st.lists(shapes, min_size=1, max_size=4),
    targets=st.lists(shapes, min_size=1, max_size=8),
    degrees=st.sampled_from([0, 0, 90, 165, 180, 195, -150]),
    way=st.sampled_from([moved, cut_at_line]),
)
@settings(max_examples=60, deadline=None)
def test_relations_are_those_on_a_plane(
    relation: Operation, sources: list[Shape], targets: list[Shape], degrees: int, way: Any
) -> None:
    found = find(
        Relation(relation, 0.0, is_excluded=False),
        [way(source, degrees) for source in sources],
        [moved(target, degrees) for target in targets],
    )
    assert found == expected(relation, sources, targets)


@given(
    heights=st.lists(st.integers(40, 85), min_size=3, max_size=8),
    offset=st.integers(0, 44),
    points=st.lists(st.tuples(st.integers(-180, 180), st.integers(30, 90)), min_size=1, max_size=20),
    is_south=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_a_ring_around_a_pole_holds_what_lies_beyond_it(
    heights: list[int], offset: int, points: list[tuple[int, int]], *, is_south: bool
) -> None:
    sign = -1 if is_south else 1
    steps = 360 / len(heights)
    meridians = [offset + steps * number for number in range(len(heights))]
    ring = [[wrap(lng), sign * lat] for lng, lat in zip(meridians, heights, strict=True)]
    cap = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
    edge = [
        np.interp((lng - offset) % 360, [*(m - offset for m in meridians), 360], [*heights, heights[0]])
        for lng, _ in points
    ]
    clear = [(point, limit) for point, limit in zip(points, edge, strict=True) if abs(point[1] - limit) > 1e-6]
    targets = [{"type": "Point", "coordinates": [lng, sign * lat]} for (lng, lat), _ in clear]
    assume(targets)
    found = find(Relation("within", 0.0, is_excluded=False), [cap], targets)
    assert found == {place for place, ((_, lat), limit) in enumerate(clear) if lat > limit}
    bounds = bounds_of(check_geometry(cap))
    assert (bounds.west, bounds.east) == (-180, 180)
    assert (bounds.south if is_south else bounds.north) == sign * 90


@given(
    sources=st.lists(st.tuples(st.floats(-180, 180), st.floats(-90, 90)), min_size=1, max_size=6),
    targets=st.lists(st.tuples(st.floats(-180, 180), st.floats(-90, 90)), min_size=1, max_size=30),
    metres=st.floats(1, 2_000_000),
)
@example(sources=[(180.0, 0.0)], targets=[(-180.0, 0.0), (-179.99, 0.0)], metres=1200.0)
@example(sources=[(0.0, 89.99)], targets=[(180.0, 89.99), (90.0, 90.0), (-90.0, -90.0)], metres=3000.0)
@settings(max_examples=100, deadline=None)
def test_distances_of_points_are_geodesics(
    sources: list[tuple[float, float]], targets: list[tuple[float, float]], metres: float
) -> None:
    found = find(
        Relation("within_distance", metres, is_excluded=False),
        [{"type": "Point", "coordinates": [*source]} for source in sources],
        [{"type": "Point", "coordinates": [*target]} for target in targets],
    )
    for place, (lng, lat) in enumerate(targets):
        nearest = min(EARTH.inv(lng, lat, *source)[2] for source in sources)
        if abs(nearest - metres) > 1e-3:
            assert (place in found) == (nearest < metres)


def sample(shape: Shape, degrees: int) -> np.ndarray[Any, Any]:
    """Return positions along the edges of a shape, close together."""
    fine = shapely.segmentize(shape, 0.02)
    return shapely.get_coordinates(translate(fine, degrees))


@given(
    shape=st.one_of(rectangles(), triangles, lines),
    points=st.lists(positions, min_size=1, max_size=5),
    degrees=st.sampled_from([0, 170]),
    metres=st.sampled_from([500.0, 50_000.0, 700_000.0]),
)
@settings(max_examples=30, deadline=None)
def test_distances_of_shapes(shape: Shape, points: list[tuple[int, int]], degrees: int, metres: float) -> None:
    relation = Relation("within_distance", metres, is_excluded=False)
    area, spots = moved(shape, degrees), [moved(shapely.Point(point), degrees) for point in points]
    found = find(relation, [area], spots)
    edge = sample(shape, degrees)
    for place, point in enumerate(points):
        assert bool(find(relation, [spots[place]], [area])) == (place in found)
        if shapely.intersects(shape, shapely.Point(point)):
            assert place in found
        else:
            nearest = _nearest((point[0] + degrees, point[1]), edge)
            # Half of the way between two samples.
            if abs(nearest - metres) > 1_200 + tolerance_at(metres):
                assert (place in found) == (nearest < metres)


@given(
    shapes=st.lists(st.one_of(rectangles(), triangles, lines), min_size=2, max_size=4),
    metres=st.sampled_from([500.0, 50_000.0, 700_000.0]),
)
@settings(max_examples=20, deadline=None)
def test_distances_are_the_same_both_ways(shapes: list[Shape], metres: float) -> None:
    relation = Relation("within_distance", metres, is_excluded=False)
    first, *others = (moved(shape, 170) for shape in shapes)
    assert find(relation, [first], others) == {
        place for place, other in enumerate(others) if find(relation, [other], [first])
    }


def _nearest(position: Any, others: Any) -> float:
    """Return the distance to the nearest of many positions: that of the nearest fifty on a sphere."""
    lng, lat = np.full(len(others), position[0]), np.full(len(others), position[1])
    rough = on_sphere(lng, lat, others[:, 0], others[:, 1])
    likely = np.argsort(rough)[:50]
    return float(EARTH.inv(lng[likely], lat[likely], others[likely, 0], others[likely, 1])[2].min())


@pytest.mark.parametrize("lat", [0.0, 45.0, 70.0, -85.0])
@pytest.mark.parametrize("metres", [100.0, 10_000.0, 300_000.0])
def test_an_edge_is_as_far_away_as_its_nearest_position(lat: float, metres: float) -> None:
    edge = np.column_stack([np.linspace(178, 182, 100_001), np.full(100_001, lat)])
    road = {"type": "LineString", "coordinates": [[178, lat], [-178, lat]]}
    for lng in (177.5, 179.3, 180.0):
        # So far north that the edge is just near enough, or just not.
        for factor in (0.998, 1.002):
            offset = metres * factor / 111_694 if lat else metres * factor / 110_574
            target = (lng, lat + offset * (1 if lat >= 0 else -1))
            exact = _nearest(target, edge)
            if abs(exact - metres) > tolerance_at(metres):
                found = find(
                    Relation("within_distance", metres, is_excluded=False),
                    [road],
                    [{"type": "Point", "coordinates": [wrap(target[0]), target[1]]}],
                )
                assert bool(found) == (exact < metres), (lng, lat, factor, exact)


@given(source=st.one_of(positions.map(shapely.Point), lines, rectangles()), metres=st.sampled_from([2_000.0, 80_000.0]))
@settings(max_examples=20, deadline=None)
def test_what_lies_within_a_wider_source_is_near_it(source: Shape, metres: float) -> None:
    cells = [shapely.box(lng, lat, lng + 0.01, lat + 0.01) for lng in range(-32, 58, 9) for lat in range(-62, 80, 9)]
    corner = shapely.get_coordinates(source)[0]
    cells += [
        shapely.box(corner[0] + by, corner[1], corner[0] + by + 0.003, corner[1] + 0.003)
        for by in (-0.02, 0.01, 0.5, 0.9)
    ]
    geometries = [moved(cell, 150) for cell in cells]
    within = find(Relation("within", metres, is_excluded=False), [moved(source, 150)], geometries)
    near = find(Relation("within_distance", metres, is_excluded=False), [moved(source, 150)], geometries)
    # A cell across is 1.6 km long at most.
    surely = find(Relation("within_distance", metres - 1_700, is_excluded=False), [moved(source, 150)], geometries)
    assert surely <= within <= near


@given(
    points=st.lists(st.tuples(st.floats(-180, 180), st.floats(-90, 90)), max_size=200),
    boxes=st.lists(
        st.tuples(st.floats(-200, 200), st.floats(-90, 90), st.floats(0, 300), st.floats(0, 90)), min_size=1, max_size=8
    ),
)
@settings(max_examples=60, deadline=None)
def test_the_grid_finds_the_points_in_boxes(points: list[Any], boxes: list[Any]) -> None:
    numbers = np.array(points, dtype=np.float64).reshape(-1, 2)
    corners = np.array([(west, south, west + width, south + height) for west, south, width, height in boxes])
    found: set[tuple[int, int]] = set()
    for owners, places in PointGrid(numbers[:, 0], numbers[:, 1]).find(corners):
        found |= set(zip(owners.tolist(), places.tolist(), strict=True))
    assert found == {
        (box, place)
        for box, (west, south, east, north) in enumerate(corners)
        for place, (lng, lat) in enumerate(numbers)
        if west <= lng <= east and south <= lat <= north
    }


@pytest.mark.parametrize(
    ("geometry", "bounds"),
    [
        ({"type": "LineString", "coordinates": [[170, 1], [-170, 2]]}, (170, 1, 190, 2)),
        ({"type": "LineString", "coordinates": [[-100, 1], [0, 5], [100, 2]]}, (-100, 1, 100, 5)),
        ({"type": "MultiPoint", "coordinates": [[179, 0], [-179, 1], [178, 2]]}, (178, 0, 181, 2)),
        (
            {
                "type": "MultiPolygon",
                "coordinates": [
                    [[[170, 0], [180, 0], [180, 1], [170, 1], [170, 0]]],
                    [[[-180, 0], [-170, 0], [-170, 1], [-180, 1], [-180, 0]]],
                ],
            },
            (170, 0, 190, 1),
        ),
        (
            {
                "type": "Polygon",
                "coordinates": [
                    [[170, 0], [-170, 0], [-170, 9], [170, 9], [170, 0]],
                    [[-179, 1], [-178, 1], [-178, 2], [-179, 2], [-179, 1]],
                ],
            },
            (170, 0, 190, 9),
        ),
        (
            {"type": "Polygon", "coordinates": [[[-180, 0], [180, 0], [180, 9], [-180, 9], [-180, 0]]]},
            (-180, 0, 180, 9),
        ),
        (
            {
                "type": "Polygon",
                "coordinates": [[[-180, -90], [180, -90], [180, -70], [0, -60], [-180, -70], [-180, -90]]],
            },
            (-180, -90, 180, -60),
        ),
    ],
)
def test_bounds_take_the_narrowest_arc(geometry: GeoJson, bounds: tuple[float, ...]) -> None:
    assert bounds_of(check_geometry(geometry)) == Bounds(*bounds)


def test_a_continent_around_the_pole_holds_it() -> None:
    antarctica = {
        "type": "Polygon",
        "coordinates": [[[-180, -90], [180, -90], [180, -70], [0, -60], [-180, -70], [-180, -90]]],
    }
    points = [(0, -90), (180, -80), (-180, -80), (123, -65), (10, 0)]
    targets = [{"type": "Point", "coordinates": [*point]} for point in points]
    assert find(Relation("within", 0.0, is_excluded=False), [antarctica], targets) == {0, 1, 2}


def test_shapes_that_are_not_quite_well_formed() -> None:
    open_ring = {"type": "Polygon", "coordinates": [[[0, 0], [4, 0], [4, 4], [0, 4]]]}
    crossing = {"type": "Polygon", "coordinates": [[[0, 0], [4, 4], [4, 0], [0, 4], [0, 0]]]}
    spot = {"type": "LineString", "coordinates": [[1, 0.5]]}
    flat = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]}
    high = {"type": "MultiPoint", "coordinates": [[1, 0.5, 100], [2, 3]]}
    targets: list[GeoJson] = [open_ring, crossing, spot, flat, high, {"type": "Point", "coordinates": [3, 2.5]}]
    assert find(Relation("intersects", 0.0, is_excluded=False), [open_ring], targets) == {0, 1, 2, 3, 4, 5}
    assert find(Relation("intersects", 10.0, is_excluded=False), [crossing], targets) >= {0, 1, 3, 5}


@given(
    record=st.tuples(st.integers(-180, 180), st.integers(0, 200)),
    query=st.tuples(st.integers(-180, 180), st.integers(-180, 180)),
)
def test_a_box_meets_what_it_touches_on_the_globe(record: tuple[int, int], query: tuple[int, int]) -> None:
    west, width = record
    condition = box_condition(parse_box(f"{query[0]},0,{query[1]},1"))
    boxes = [tuple(map(float, text.replace("(", "").replace(")", "").split(","))) for text in condition.params.values()]
    east = query[1] if query[0] <= query[1] else query[1] + 360
    touches = any(query[0] + turn <= west + width and west <= east + turn for turn in (-720, -360, 0, 360, 720))
    assert any(box[2] <= west + width and west <= box[0] for box in boxes) == touches


def test_time_and_room_end() -> None:
    square = [{"type": "Polygon", "coordinates": [[[0, 0], [4, 0], [4, 4], [0, 0]]]}]
    point = [{"type": "Point", "coordinates": [1, 1]}]
    with pytest.raises(TooSlow):
        match(
            Relation("intersects", 0.0, is_excluded=False), places_of(square), places_of(point), deadline=Deadline(0.0)
        )
    mesh = [[-85 + 170 * (n % 2), -80 + 0.0001 * n] for n in range(200_000)]
    with pytest.raises(TooDetailed):
        cut(places_of([{"type": "LineString", "coordinates": mesh}]), 0.0)
