"""Clusters of a map: every record counts once, whatever the zoom, the part of the map and the viewer."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fostr.domains.records.fields.geometry import Bounds
from fostr.domains.records.map.mercator import cells_of, down_of, expansion_zoom, row_lat, tile_bounds
from fostr.kernel.runtime import Runtime
from tests.support.airports import RECORDS, as_parameter, create_airports
from tests.support.cast import Cast, create_cast
from tests.support.client import Client, Response, refusal
from tests.support.records import create_record, create_recordset

PATH = f"{RECORDS}/map/clusters"
PLACES: dict[str, tuple[float, float]] = {
    "A": (10.0, 20.0),
    "B": (10.0, 20.0),
    "C": (10.2, 20.2),
    "Fiji": (-17.8, 179.9),
    "Taveuni": (-16.8, -179.98),
    "Line": (-17, 180),
    "Pole": (90, 0),
    "South": (-89, 10),
}


async def ask(
    client: Client, recordset: dict[str, Any], *, headers: dict[str, str] | None = None, **params: Any
) -> Response:
    """Ask for clusters."""
    sent = {key: as_parameter(value) for key, value in params.items()}
    return await client.get(PATH, params={"recordset_id": recordset["id"], **sent}, headers=headers)


async def clusters(client: Client, recordset: dict[str, Any], **params: Any) -> list[dict[str, Any]]:
    """Return clusters."""
    response = await ask(client, recordset, **params)
    assert response.status_code == 200, response.text
    answer = response.json()
    assert answer["count"] == sum(cluster["count"] for cluster in answer["clusters"])
    counts = [cluster["count"] for cluster in answer["clusters"]]
    assert counts == sorted(counts, reverse=True)
    return answer["clusters"]


@pytest.fixture(scope="module")
async def world(client: Client, runtime: Runtime) -> tuple[Client, Cast, dict[str, Any]]:
    """Eight places; and somebody who looks."""
    cast = await create_cast(runtime)
    owner = client.as_(cast.owner)
    airports = await create_airports(client, cast)
    for number, (name, (lat, lng)) in enumerate(PLACES.items()):
        await create_record(owner, airports, {"name": name, "lat": lat, "lng": lng, "elevation": number})
    await create_record(owner, airports, {"name": "Nowhere"})
    return client.as_(cast.viewer), cast, airports


@pytest.mark.parametrize("zoom", [0, 3, 8, 15, 22])
async def test_every_record_counts_once(world: tuple[Client, Cast, dict[str, Any]], zoom: int) -> None:
    viewer, _, airports = world
    found = await clusters(viewer, airports, zoom=zoom)
    assert sum(cluster["count"] for cluster in found) == len(PLACES)
    for cluster in found:
        west, south, east, north = cluster["bounds"]
        assert south <= cluster["lat"] <= north
        assert west <= cluster["lng"] <= east
        assert (cluster["title"] in PLACES) == (cluster["count"] == 1)
        assert cluster["expansion_zoom"] > zoom or zoom == 22


async def test_a_cluster_falls_apart_at_its_expansion_zoom(world: tuple[Client, Cast, dict[str, Any]]) -> None:
    viewer, _, airports = world
    box = "19,9,21,11"
    [whole] = await clusters(viewer, airports, zoom=3, bbox=box)
    assert (whole["count"], whole["bounds"], whole["id"]) == (3, [20.0, 10.0, 20.2, 10.2], None)
    parts = await clusters(viewer, airports, zoom=whole["expansion_zoom"], bbox=box)
    assert [(part["count"], part["title"]) for part in parts] == [(2, None), (1, "C")]
    # Two records in one place never part.
    assert parts[0]["expansion_zoom"] == 22


async def test_across_the_antimeridian(world: tuple[Client, Cast, dict[str, Any]]) -> None:
    viewer, _, airports = world
    found = await clusters(viewer, airports, zoom=7, bbox="179,-20,-179,-10")
    assert {cluster["title"] for cluster in found} == {"Fiji", "Taveuni", "Line"}
    west = await clusters(viewer, airports, zoom=7, bbox="-180,-20,-179,-10")
    assert {cluster["title"] for cluster in west} >= {"Taveuni"}
    assert "Fiji" not in {cluster["title"] for cluster in west}


async def test_filters(world: tuple[Client, Cast, dict[str, Any]]) -> None:
    viewer, _, airports = world
    found = await clusters(viewer, airports, zoom=22, numeric_filters={"elevation": {"max": 2}})
    assert sum(cluster["count"] for cluster in found) == 3
    assert not await clusters(viewer, airports, zoom=5, geometry_types="Polygon")


async def test_shapes_count_where_their_middle_lies(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    fields = [{"key": "shape", "name": "Shape", "type": "geometry"}]
    recordset = await create_recordset(owner, fields=fields, settings={"map": {"geometry_field": "shape"}})
    ring = [[170, 0], [-170, 0], [-170, 10], [170, 10], [170, 0]]
    await create_record(owner, recordset, {"shape": {"type": "Polygon", "coordinates": [ring]}})
    await create_record(owner, recordset, {"shape": {"type": "LineString", "coordinates": [[-179, 1], [-169, 2]]}})
    found = await clusters(owner, recordset, zoom=6)
    assert sorted((cluster["lng"], cluster["bounds"]) for cluster in found) == [
        (-174.0, [-179.0, 1.0, -169.0, 2.0]),
        (180.0, [170.0, 0.0, 190.0, 10.0]),
    ]
    assert all(cluster["id"] for cluster in found)


async def test_an_answer_is_kept_until_something_changes(client: Client, cast: Cast) -> None:
    airports = await create_airports(client, cast)
    owner, viewer = client.as_(cast.owner), client.as_(cast.viewer)
    record = await create_record(owner, airports, {"name": "One", "lat": 1, "lng": 2})
    first = await ask(viewer, airports, zoom=3)
    tag = first.headers["etag"]
    assert first.headers["cache-control"] == "private, no-cache"
    again = await ask(viewer, airports, zoom=3, headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    changes = [
        ("patch", f"{RECORDS}/{record['id']}", {"field_values": {"lat": 30}}),
        ("post", RECORDS, {"recordset_id": airports["id"], "field_values": {"name": "Two", "lat": 1, "lng": 2}}),
        ("delete", f"{RECORDS}/{record['id']}", None),
        ("post", f"{RECORDS}/{record['id']}/restore", None),
    ]
    tags = [tag]
    for method, path, body in changes:
        answer = await getattr(owner, method)(path, **({} if body is None else {"json": body}))
        assert answer.status_code < 300, answer.text
        changed = await ask(viewer, airports, zoom=3, headers={"If-None-Match": tags[-1]})
        assert changed.status_code == 200
        tags.append(changed.headers["etag"])
    # Out of the trash, the record lies where it did before.
    assert (len(set(tags)), tags[2]) == (4, tags[4])


async def test_rights(client: Client, cast: Cast) -> None:
    airports = await create_airports(client, cast)
    recordset = await create_recordset(client.as_(cast.owner), name="Closed")
    assert refusal(await ask(client.as_(cast.stranger), airports, zoom=1)) == (404, "recordset_not_found")
    assert refusal(await ask(client.as_(cast.member), recordset, zoom=1)) == (404, "recordset_not_found")
    hidden = await ask(client.as_(cast.viewer), airports, zoom=1, column_filters={"secret": "x"})
    assert refusal(hidden) == (422, "filter_invalid")
    refused: tuple[tuple[dict[str, Any], str], ...] = (
        ({"zoom": 23}, "validation_failed"),
        ({}, "validation_failed"),
        ({"zoom": 1, "bbox": "1,2,3"}, "bbox_invalid"),
        ({"zoom": 1, "geometry_types": "Blob"}, "geometry_type_unknown"),
    )
    for params, code in refused:
        assert refusal(await ask(client.as_(cast.viewer), airports, **params)) == (422, code)


@given(
    west=st.floats(-180, 180),
    width=st.floats(0, 359),
    south=st.floats(-90, 90),
    height=st.floats(0, 90),
    zoom=st.integers(0, 12),
)
def test_cells_cover_the_box_that_was_asked_for(
    west: float, width: float, south: float, height: float, zoom: int
) -> None:
    asked = Bounds(west, south, west + width, min(90.0, south + height))
    found = cells_of(asked, 2**zoom * 4).bounds
    assert -180 <= found.west <= 180
    around = found.east - found.west >= 360
    assert around or any(
        found.west - 1e-9 <= asked.west + turn and asked.east + turn <= found.east + 1e-9 for turn in (-360, 0, 360)
    )
    assert found.south <= asked.south + 1e-9
    assert found.north >= asked.north - 1e-9


@given(lat=st.floats(-85, 85), zoom=st.integers(0, 20))
def test_a_latitude_lies_in_its_row(lat: float, zoom: int) -> None:
    row = math.floor(down_of(lat) * 2**zoom)
    assert row_lat(row + 1, 2**zoom) - 1e-9 <= lat <= row_lat(row, 2**zoom) + 1e-9
    bounds = tile_bounds(zoom, 0, row, margin=0.1)
    assert bounds.south <= lat <= bounds.north
    assert expansion_zoom(Bounds(0, lat, 0, lat), zoom=zoom, cells_per_tile=4) == 22
