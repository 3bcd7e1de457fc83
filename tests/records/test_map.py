"""Records on a map: a line each, inside of a box or not, and nothing left open behind."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
from fastapi import FastAPI

from fostr.kernel.runtime import Runtime
from tests.support.airports import FIELDS, RECORDS, as_parameter, create_airports
from tests.support.cast import Cast, create_cast
from tests.support.client import Client, refusal
from tests.support.events import PATIENCE
from tests.support.records import create_record, create_recordset
from tests.support.transactions import none_stays_open

MANY = 1_003

MAP = f"{RECORDS}/map"
PLACES = {
    "Null": (0, 0),
    "Fiji": (-17.8, 179.9),
    "Taveuni": (-16.8, -179.98),
    "Pole": (90, 0),
    "Edge": (10, 20),
    'Quoted "\\\n name': (11, 21),
}


async def stream(
    client: Client, recordset: dict[str, Any], **params: Any
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the lines of a map, and the last one."""
    sent = {key: as_parameter(value) for key, value in params.items()}
    response = await client.get(MAP, params={"recordset_id": recordset["slug"], **sent})
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/x-ndjson"
    assert response.text.endswith("\n")
    *lines, meta = [orjson.loads(line) for line in response.text.splitlines()]
    assert meta["__meta__"]["count"] == len(lines)
    return lines, meta["__meta__"]


@pytest.fixture(scope="module")
async def world(client: Client, runtime: Runtime) -> tuple[Client, dict[str, Any]]:
    """Six places, one record without a place, one in the trash; and somebody who looks."""
    cast = await create_cast(runtime)
    owner = client.as_(cast.owner)
    airports = await create_airports(client, cast)
    for number, (name, (lat, lng)) in enumerate(PLACES.items()):
        values = {"name": name, "lat": lat, "lng": lng, "elevation": number, "state": "CA" if number % 2 else None}
        await create_record(owner, airports, values)
    await create_record(owner, airports, {"name": "Nowhere", "lat": 5})
    gone = await create_record(owner, airports, {"name": "Gone", "lat": 10, "lng": 20})
    assert (await owner.delete(f"{RECORDS}/{gone['id']}")).status_code == 204
    return client.as_(cast.viewer), airports


async def test_each_line_is_a_place(world: tuple[Client, dict[str, Any]]) -> None:
    viewer, airports = world
    lines, meta = await stream(viewer, airports)
    assert {line["title"]: (line["lat"], line["lng"]) for line in lines} == PLACES
    assert not meta["truncated"]
    for line in lines:
        assert line.keys() == {"id", "geometry", "geometry_type", "title", "lat", "lng"}
        assert line["geometry"] == {"type": "Point", "coordinates": [line["lng"], line["lat"]]}
        assert line["geometry_type"] == "Point"
        assert (await viewer.get(f"{RECORDS}/{line['id']}")).json()["title"] == line["title"]


@pytest.mark.parametrize(
    ("bbox", "expected"),
    [
        ("-180,-90,180,90", set(PLACES)),
        ("-1,-1,1,1", {"Null"}),
        ("20,10,21,11", {"Edge", 'Quoted "\\\n name'}),
        ("20,10,20,10", {"Edge"}),
        ("179,-20,-179,-10", {"Fiji", "Taveuni"}),
        ("170,-20,180,-10", {"Fiji"}),
        ("-180,-20,-170,-10", {"Taveuni"}),
        ("-10,89,10,90", {"Pole"}),
        ("100,50,101,51", set[str]()),
        (" -1 , -1 , 1 , 1 ", {"Null"}),
        ("", set(PLACES)),
    ],
)
async def test_a_box_keeps_what_touches_it(world: tuple[Client, dict[str, Any]], bbox: str, expected: set[str]) -> None:
    viewer, airports = world
    lines, _ = await stream(viewer, airports, bbox=bbox)
    assert {line["title"] for line in lines} == expected


@pytest.mark.parametrize(
    ("params", "code"),
    [
        *(
            ({"bbox": bbox}, "bbox_invalid")
            for bbox in (
                "1,2,3",
                "a,b,c,d",
                "0,10,1,5",
                "-181,0,1,1",
                "0,0,1,91",
                "nan,0,1,1",
                "0,0,inf,1",
                "1,2,3,4,5",
            )
        ),
        ({"geometry_types": "Point,Blob"}, "geometry_type_unknown"),
        ({"column_filters": '{"nothing": 1}'}, "filter_invalid"),
        ({"column_filters": "{"}, "filter_invalid"),
        ({"numeric_filters": '{"name": 1}'}, "filter_invalid"),
        ({"fields": "name,nothing"}, "fields_invalid"),
        ({"limit": 0}, "validation_failed"),
        ({"limit": "many"}, "validation_failed"),
        ({"limit": 10**30}, "validation_failed"),
    ],
)
async def test_what_cannot_be_drawn(world: tuple[Client, dict[str, Any]], params: dict[str, Any], code: str) -> None:
    viewer, airports = world
    answer = await viewer.get(MAP, params={"recordset_id": airports["id"], **params})
    assert refusal(answer) == (422, code)


async def test_a_map_needs_its_recordset(world: tuple[Client, dict[str, Any]]) -> None:
    viewer, _ = world
    assert refusal(await viewer.get(MAP)) == (422, "validation_failed")
    assert refusal(await viewer.get(MAP, params={"recordset_id": "nothing"})) == (404, "recordset_not_found")


@pytest.mark.parametrize(("limit", "count", "truncated"), [(1, 1, True), (5, 5, True), (6, 6, False), (7, 6, False)])
async def test_truncated_only_when_there_is_more(
    world: tuple[Client, dict[str, Any]], limit: int, count: int, *, truncated: bool
) -> None:
    viewer, airports = world
    _, meta = await stream(viewer, airports, limit=limit)
    assert meta == {"count": count, "truncated": truncated}


async def test_filters_and_fields(world: tuple[Client, dict[str, Any]]) -> None:
    viewer, airports = world
    lines, _ = await stream(viewer, airports, column_filters={"state": "CA"}, fields="elevation,state,city")
    assert {line["title"]: line["fields"] for line in lines} == {
        "Fiji": {"elevation": 1, "state": "CA"},
        "Pole": {"elevation": 3, "state": "CA"},
        'Quoted "\\\n name': {"elevation": 5, "state": "CA"},
    }
    lines, _ = await stream(viewer, airports, numeric_filters={"elevation": {"max": 1}}, bbox="-1,-90,1,90")
    assert [line["title"] for line in lines] == ["Null"]


async def test_lines_and_areas(client: Client, cast: Cast) -> None:
    fields = [*FIELDS, {"key": "shape", "name": "Shape", "type": "geometry"}]
    owner = client.as_(cast.owner)
    recordset = await create_recordset(owner, fields=fields, settings={"map": {"geometry_field": "shape"}})
    shapes: dict[str, Any] = {
        "road": {"type": "LineString", "coordinates": [[0, 0], [10, 10]]},
        "lot": {"type": "Polygon", "coordinates": [[[0, 0], [2, 0], [2, 2], [0, 0]]]},
        "spot": {"type": "Point", "coordinates": [50.5, 1, 7]},
    }
    for name, shape in shapes.items():
        await create_record(owner, recordset, {"name": name, "shape": shape})
    lines, _ = await stream(owner, recordset)
    assert {line["title"] or line["id"]: line["geometry"] for line in lines} == shapes
    assert {line["title"]: ("lat" in line, "lng" in line) for line in lines} == {
        "road": (False, False),
        "lot": (False, False),
        "spot": (True, True),
    }
    for kinds, expected in (("LineString, Polygon", {"road", "lot"}), ("Point", {"spot"}), ("MultiPoint", set[str]())):
        lines, _ = await stream(owner, recordset, geometry_types=kinds)
        assert {line["title"] for line in lines} == expected
    lines, _ = await stream(owner, recordset, bbox="8,1,9,2")
    assert [line["title"] for line in lines] == ["road"]


async def fill(client: Client, cast: Cast, runtime: Runtime, *, many: int) -> dict[str, Any]:
    """Create a recordset with many places."""
    airports = await create_airports(client, cast)
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
    return airports


async def test_many_places_come_in_pieces(client: Client, cast: Cast, runtime: Runtime) -> None:
    many = MANY
    airports = await fill(client, cast, runtime, many=many)
    viewer = client.as_(cast.viewer)
    lines, meta = await stream(viewer, airports)
    assert (len({line["id"] for line in lines}), meta) == (many, {"count": many, "truncated": False})
    for limit in (1, 2, 499, 500, many - 1, many):
        lines, meta = await stream(viewer, airports, limit=limit)
        assert (len(lines), meta["truncated"]) == (limit, limit < many)


async def test_nothing_stays_open_when_the_reader_goes(
    client: Client, cast: Cast, runtime: Runtime, app: FastAPI
) -> None:
    recordset = await fill(client, cast, runtime, many=20_000)
    pieces: list[bytes] = []
    has_gone = asyncio.Event()
    messages: list[dict[str, Any]] = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop()
        await has_gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            pieces.append(message["body"])
            has_gone.set()
            # A packet that nobody takes any more.
            await asyncio.Event().wait()

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": MAP,
        "raw_path": MAP.encode(),
        "query_string": f"recordset_id={recordset['id']}".encode(),
        "root_path": "",
        "client": ("127.0.0.1", 1),
        "server": ("fostr.test", 80),
        "headers": [
            (b"authorization", f"Bearer {cast.viewer.token}".encode()),
            (b"x-workspace-id", str(cast.acme).encode()),
        ],
    }
    async with asyncio.timeout(PATIENCE):
        await app(scope, receive, send)
    assert len(pieces) == 1
    pool = runtime.database.pool
    assert pool.get_size() == pool.get_idle_size()
    await none_stays_open(runtime)
