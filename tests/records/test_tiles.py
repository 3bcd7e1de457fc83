"""Vector tiles, read by another library: what is in them, for whom, and until when."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# The types of the library are half told.

from __future__ import annotations

from typing import Any

import mapbox_vector_tile
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from fostr.domains.records.map.cache import Answer, AnswerCache
from fostr.domains.records.map.mvt import EXTENT, TileWriter
from fostr.domains.records.map.tiles import MOST_FEATURES
from fostr.kernel.runtime import Runtime
from tests.support.airports import FIELDS, RECORDS, as_parameter, create_airports
from tests.support.cast import Cast, create_cast
from tests.support.client import Client, Response, refusal
from tests.support.records import create_record, create_recordset, grant

PATH = f"{RECORDS}/map/tiles"
TILE = "application/vnd.mapbox-vector-tile"
Features = list[dict[str, Any]]


async def ask(
    client: Client, recordset: dict[str, Any], tile: str, *, known: str | None = None, **params: Any
) -> Response:
    """Ask for a tile."""
    sent = {key: as_parameter(value) for key, value in params.items()}
    headers = {} if known is None else {"If-None-Match": known}
    return await client.get(f"{PATH}/{tile}", params={"recordset_id": recordset["id"], **sent}, headers=headers)


async def features(client: Client, recordset: dict[str, Any], tile: str, **params: Any) -> Features:
    """Return the features of a tile."""
    response = await ask(client, recordset, tile, **params)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == TILE
    return read(response.content)


def read(content: bytes) -> Features:
    """Return the features of a tile's content, y downwards as it is written."""
    layers = mapbox_vector_tile.decode(content, default_options={"y_coord_down": True}) if content else {}
    if not layers:
        return []
    [(name, layer)] = layers.items()
    assert (name, layer["extent"], layer["version"]) == ("records", EXTENT, 2)
    return layer["features"]


@pytest.fixture(scope="module")
async def world(client: Client, runtime: Runtime) -> tuple[Client, Cast, dict[str, Any]]:
    """Points in three quarters of the world."""
    cast = await create_cast(runtime)
    owner = client.as_(cast.owner)
    airports = await create_airports(client, cast)
    for name, lat, lng, secret in (
        ("North east", 45, 90, "a"),
        ("South west", -45, -90, "b"),
        ("Null", 0, 0, "c"),
        ("Line", 10, 180, "d"),
    ):
        values = {
            "name": name,
            "lat": lat,
            "lng": lng,
            "secret": secret,
            "elevation": 1.5,
            "is_open": True,
            "uses": ["x"],
        }
        await create_record(owner, airports, {**values, "runways": 2})
    return client.as_(cast.viewer), cast, airports


async def test_points_lie_in_one_tile(world: tuple[Client, Cast, dict[str, Any]]) -> None:
    viewer, _, airports = world
    whole = await features(viewer, airports, "0/0/0")
    assert {entry["properties"]["title"]: tuple(entry["geometry"]["coordinates"]) for entry in whole} == {
        "North east": (3072, 1473),
        "South west": (1024, 2622),
        "Null": (2048, 2048),
        "Line": (0, 1933),
    }
    quarters = [
        [entry["properties"]["title"] for entry in await features(viewer, airports, f"1/{x}/{y}")]
        for x, y in ((0, 0), (1, 0), (0, 1), (1, 1))
    ]
    assert [sorted(quarter) for quarter in quarters] == [["Line"], ["North east"], ["South west"], ["Null"]]


async def test_properties_are_those_that_were_asked_for(world: tuple[Client, Cast, dict[str, Any]]) -> None:
    viewer, _, airports = world
    [plain] = await features(viewer, airports, "2/3/1")
    assert plain["properties"].keys() == {"id", "title"}
    [shown] = await features(viewer, airports, "2/3/1", fields="elevation,runways,is_open,uses,city")
    assert shown["properties"] == {
        **plain["properties"],
        "elevation": 1.5,
        "runways": 2,
        "is_open": True,
        "uses": '["x"]',
    }
    assert refusal(await ask(viewer, airports, "2/3/1", fields="secret")) == (422, "fields_invalid")


async def test_nobody_gets_what_was_drawn_for_another(
    world: tuple[Client, Cast, dict[str, Any]], client: Client
) -> None:
    viewer, cast, airports = world
    owner = client.as_(cast.owner)
    [seen] = await features(owner, airports, "2/3/1", fields="name,secret")
    assert seen["properties"]["secret"] == "a"
    assert refusal(await ask(viewer, airports, "2/3/1", fields="name,secret")) == (422, "fields_invalid")
    assert refusal(await ask(viewer, airports, "2/3/1", column_filters={"secret": "a"})) == (422, "filter_invalid")
    [found] = await features(owner, airports, "2/3/1", column_filters={"secret": "a"})
    assert found["properties"]["title"] == "North east"
    assert not await features(owner, airports, "2/3/1", column_filters={"secret": "b"})
    assert refusal(await ask(client.as_(cast.stranger), airports, "2/3/1")) == (404, "recordset_not_found")


async def test_a_right_that_ends_ends_at_once(client: Client, cast: Cast) -> None:
    owner, viewer = client.as_(cast.owner), client.as_(cast.viewer)
    recordset = await create_recordset(owner, fields=FIELDS, settings={"map": {"lat_field": "lat", "lng_field": "lng"}})
    await create_record(owner, recordset, {"name": "One", "lat": 1, "lng": 1})
    await grant(owner, recordset, cast.viewer, "can_view")
    first = await ask(viewer, recordset, "0/0/0")
    assert len(read(first.content)) == 1
    gone = await owner.delete(f"/api/v1/recordsets/{recordset['slug']}/access/members/{cast.viewer.member_id}")
    assert gone.status_code == 204
    after = await ask(viewer, recordset, "0/0/0", known=first.headers["etag"])
    assert refusal(after) == (404, "recordset_not_found")


async def test_a_tile_is_kept_until_something_changes(client: Client, cast: Cast) -> None:
    airports = await create_airports(client, cast)
    other = await create_airports(client, cast, name="Others")
    owner, viewer = client.as_(cast.owner), client.as_(cast.viewer)
    record = await create_record(owner, airports, {"name": "One", "lat": 1, "lng": 1})
    first = await ask(viewer, airports, "0/0/0")
    tag = first.headers["etag"]
    assert (await ask(viewer, airports, "0/0/0", known=tag)).status_code == 304
    await create_record(owner, other, {"name": "Elsewhere", "lat": 1, "lng": 1})
    assert (await ask(viewer, airports, "0/0/0", known=tag)).status_code == 304
    changed = await owner.patch(f"{RECORDS}/{record['id']}", json={"field_values": {"name": "Uno"}})
    assert changed.status_code == 200
    [entry] = await features(viewer, airports, "0/0/0", known=tag)
    assert entry["properties"]["title"] == "Uno"
    assert (await owner.delete(f"{RECORDS}/{record['id']}")).status_code == 204
    assert not await features(viewer, airports, "0/0/0")


async def test_many_points_become_clusters(client: Client, cast: Cast, runtime: Runtime) -> None:
    airports = await create_airports(client, cast)
    many = MOST_FEATURES + 1
    async with runtime.database.unit(cast.acme) as unit:
        await unit.run(
            """
            insert into records (workspace_id, id, recordset_id, title, geometry, geometry_type, bbox)
            select :workspace, gen_random_uuid(), :id, 'P' || n,
                   jsonb_build_object('type', 'Point', 'coordinates', jsonb_build_array(n / 100.0, 1)), 'Point',
                   box(point(n / 100.0, 1), point(n / 100.0, 1))
            from generate_series(1, :many::integer) n
            """,
            id=airports["id"],
            many=many,
        )
    viewer = client.as_(cast.viewer)
    found = await features(viewer, airports, "0/0/0")
    assert len(found) < 20
    assert all(entry["properties"]["cluster"] is True for entry in found)
    assert sum(entry["properties"]["point_count"] for entry in found) == many
    near = await features(viewer, airports, "8/128/127")
    assert {entry["properties"]["title"] for entry in near} == {f"P{n}" for n in range(1, 141)}


async def test_shapes_are_cut_at_their_tile(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    fields = [{"key": "shape", "name": "Shape", "type": "geometry"}, {"key": "name", "name": "Name", "type": "text"}]
    recordset = await create_recordset(owner, fields=fields, settings={"map": {"geometry_field": "shape"}})
    outer = [[-40, -40], [40, -40], [40, 40], [-40, 40], [-40, -40]]
    inner = [[-20, -20], [-20, 20], [20, 20], [20, -20], [-20, -20]]
    crossing = [[170, 60], [-170, 60], [-170, 70], [170, 70], [170, 60]]
    for name, kind, coordinates in (
        ("ring", "Polygon", [outer, inner]),
        ("crossing", "Polygon", [crossing]),
        ("road", "LineString", [[-10, 0], [10, 0], [10, 50]]),
        ("stops", "MultiPoint", [[1, 1], [100, 1]]),
    ):
        await create_record(owner, recordset, {"name": name, "shape": {"type": kind, "coordinates": coordinates}})
    east = {entry["properties"]["title"]: entry["geometry"] for entry in await features(owner, recordset, "1/1/0")}
    assert east.keys() == {"ring", "crossing", "road", "stops"}
    ring = shapely.geometry.shape(east["ring"])
    assert ring.is_valid
    # From the Greenwich meridian, less the margin, to 40 degrees east; the hole reaches 20.
    assert ring.bounds[0] == -64
    assert ring.bounds[2] == pytest.approx(40 / 180 * EXTENT, abs=1)
    assert not ring.contains(shapely.Point(100, 4000))
    assert ring.contains(shapely.Point(700, 3700))
    crossing_east = shapely.geometry.shape(east["crossing"]).bounds
    assert crossing_east[0] == pytest.approx(170 / 180 * EXTENT, abs=1)
    assert crossing_east[2] == EXTENT + 64
    west = {entry["properties"]["title"]: entry["geometry"] for entry in await features(owner, recordset, "1/0/0")}
    crossing_west = shapely.geometry.shape(west["crossing"]).bounds
    assert (crossing_west[0], crossing_west[2]) == (-64, pytest.approx(10 / 180 * EXTENT, abs=1))
    whole = {entry["properties"]["title"]: entry["geometry"] for entry in await features(owner, recordset, "0/0/0")}
    bounds = shapely.geometry.shape(whole["crossing"]).bounds
    assert (bounds[0], bounds[2]) == (-64, EXTENT + 64)
    assert len(whole["crossing"]["coordinates"]) == 2


async def test_what_is_no_tile(world: tuple[Client, Cast, dict[str, Any]]) -> None:
    viewer, _, airports = world
    for tile, code in (
        ("1/2/0", "tile_unknown"),
        ("0/0/1", "tile_unknown"),
        ("23/0/0", "validation_failed"),
        ("1/-1/0", "validation_failed"),
    ):
        assert refusal(await ask(viewer, airports, tile)) == (422, code)


async def test_tiles_are_described(world: tuple[Client, Cast, dict[str, Any]], client: Client) -> None:
    viewer, cast, airports = world
    params = {"recordset_id": airports["id"], "fields": "elevation,name,is_open"}
    response = await viewer.get(f"{RECORDS}/map/tilejson", params=params)
    assert response.status_code == 200, response.text
    described = response.json()
    assert described["tilejson"] == "3.0.0"
    [layer] = described["vector_layers"]
    assert {key: layer["fields"][key] for key in ("elevation", "name", "is_open")} == {
        "elevation": "Number",
        "name": "String",
        "is_open": "Boolean",
    }
    [address] = described["tiles"]
    path = address.replace("{z}", "2").replace("{x}", "3").replace("{y}", "1").partition("/api")[2]
    [entry] = read((await viewer.get(f"/api{path}")).content)
    assert entry["properties"]["elevation"] == 1.5
    assert described["attribution"] is None
    source = {"attribution": "<b>City & Co", "licence": "ODbL 1.0"}
    changed = await client.as_(cast.owner).patch(f"/api/v1/recordsets/{airports['slug']}", json={"settings": source})
    assert changed.status_code == 200, changed.text
    described = (await viewer.get(f"{RECORDS}/map/tilejson", params=params)).json()
    assert described["attribution"] == "&lt;b&gt;City &amp; Co, ODbL 1.0"
    stranger = await client.as_(cast.stranger).get(f"{RECORDS}/map/tilejson", params=params)
    assert refusal(stranger) == (404, "recordset_not_found")
    assert refusal(await viewer.get(f"{RECORDS}/map/tilejson", params={**params, "fields": "secret"})) == (
        422,
        "fields_invalid",
    )


values = st.one_of(
    st.text(max_size=10),
    st.integers(-(2**63), 2**63 - 1),
    st.booleans(),
    st.floats(allow_nan=False, allow_infinity=False),
)
units = st.integers(-64, EXTENT + 64)


@given(
    points=st.lists(
        st.tuples(units, units, st.dictionaries(st.text(min_size=1, max_size=5), values, max_size=4)),
        min_size=1,
        max_size=10,
    )
)
@settings(max_examples=60, deadline=None)
def test_points_are_read_as_they_were_written(points: list[tuple[int, int, dict[str, Any]]]) -> None:
    writer = TileWriter("records")
    for x, y, properties in points:
        writer.add_point(x, y, properties)
    found = read(writer.finish())
    assert [(tuple(entry["geometry"]["coordinates"]), entry["properties"]) for entry in found] == [
        ((x, y), properties) for x, y, properties in points
    ]
    # An integer and a number that equal each other are not the same.
    for entry, (_, _, properties) in zip(found, points, strict=True):
        assert {key: type(value) for key, value in entry["properties"].items()} == {
            key: type(value) for key, value in properties.items()
        }


@given(lines=st.lists(st.lists(st.tuples(units, units), min_size=2, max_size=6, unique=True), min_size=1, max_size=3))
@settings(max_examples=60, deadline=None)
def test_lines_are_read_as_they_were_written(lines: list[list[tuple[int, int]]]) -> None:
    writer = TileWriter("records")
    writer.add_shape(shapely.MultiLineString(lines), {"n": 1})
    [entry] = read(writer.finish())
    read_lines = entry["geometry"]["coordinates"]
    read_lines = [read_lines] if entry["geometry"]["type"] == "LineString" else read_lines
    assert [[tuple(position) for position in line] for line in read_lines] == lines


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_areas_are_read_as_they_were_written(seed: int) -> None:
    random = np.random.default_rng(seed)
    boxes = [shapely.box(x, y, x + w, y + h) for x, y, w, h in random.integers(1, 2000, (4, 4))]
    hole = shapely.box(*(random.integers(1, 1000, 2)), *(random.integers(1000, 3000, 2)))
    shape = shapely.set_precision(shapely.difference(shapely.union_all(boxes), hole), 1)
    writer = TileWriter("records")
    writer.add_shape(shape, {})
    found = read(writer.finish())
    if shape.is_empty:
        assert not found
    else:
        assert shapely.equals(shapely.geometry.shape(found[0]["geometry"]), shape)


def test_the_cache_keeps_what_was_used_last() -> None:
    cache = AnswerCache(most_bytes=3_000)
    for name in "abc":
        cache.keep(name, Answer.of(name.encode() * 400))
    assert cache.find("a") is not None
    cache.keep("d", Answer.of(b"d" * 400))
    assert cache.find("b") is None
    assert cache.find("a") is not None
    assert cache.size <= 3_000
    cache.keep("e", Answer.of(b"e" * 5_000))
    assert (cache.size, cache.find("e"), cache.find("a")) == (0, None, None)
