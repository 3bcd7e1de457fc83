"""Spatial filters over HTTP: relations, buffers, exclusion, filters, rights, limits."""

from __future__ import annotations

from typing import Any

import pytest

from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast, create_cast
from tests.support.client import Client, refusal
from tests.support.records import create_record, create_recordset, grant

PATH = "/api/v1/records/spatial-filter"
FIELDS: list[dict[str, Any]] = [
    {"key": "name", "name": "Name", "type": "text"},
    {"key": "income", "name": "Income", "type": "number"},
    {"key": "shape", "name": "Shape", "type": "geometry"},
    {"key": "secret", "name": "Secret", "type": "text", "hidden_from": ["member", "viewer"]},
]
SETTINGS = {"title_field": "name", "map": {"geometry_field": "shape"}}
Named = dict[str, str]
World = tuple[Client, Cast, dict[str, Any], dict[str, Any], Named]


def area(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    """Return a rectangle; it crosses the antimeridian where west lies east of east."""
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def point(lng: float, lat: float) -> dict[str, Any]:
    """Return a point."""
    return {"type": "Point", "coordinates": [lng, lat]}


ZONES: dict[str, tuple[float, dict[str, Any]]] = {
    "rich": (90_000, area(0, 0, 10, 10)),
    "poor": (20_000, area(20, 0, 30, 10)),
    "fiji": (30_000, area(179, -20, -179, -10)),
    "arctic": (1, {"type": "Polygon", "coordinates": [[[-135, 80], [-45, 80], [45, 80], [135, 80], [-135, 80]]]}),
}
LEADS: dict[str, dict[str, Any] | None] = {
    "inside rich": point(5, 5),
    "edge of rich": point(10, 5),
    "inside poor": point(25, 5),
    "beside poor": point(30.01, 5),
    "east of the line": point(-179.5, -15),
    "west of the line": point(179.5, -15),
    "on the line": point(180, -15),
    "pole": point(77, 90),
    "near the pole": point(-170, 85),
    "nowhere else": point(100, 50),
    "field of rich": area(1, 1, 2, 2),
    "around poor": area(19, -1, 31, 11),
    "road": {"type": "LineString", "coordinates": [[5, 5], [25, 5]]},
    "no place": None,
}


@pytest.fixture(scope="module")
async def world(client: Client, runtime: Runtime) -> World:
    """Zones and leads, and a viewer who sees both."""
    cast = await create_cast(runtime)
    owner = client.as_(cast.owner)
    zones = await create_recordset(owner, name="Zones", fields=FIELDS, settings=SETTINGS)
    leads = await create_recordset(owner, name="Leads", fields=FIELDS, settings=SETTINGS)
    names: Named = {}
    for name, (income, shape) in ZONES.items():
        await create_record(owner, zones, {"name": name, "income": income, "shape": shape, "secret": name})
    for name, shape in LEADS.items():
        names[(await create_record(owner, leads, {"name": name, "shape": shape}))["id"]] = name
    for recordset in (zones, leads):
        await grant(owner, recordset, cast.viewer, "can_view")
    return client.as_(cast.viewer), cast, zones, leads, names


async def find(world: World, operation: str, *, zone: str | None = None, **data: Any) -> set[str]:
    """Return the names of the leads that are found by the zones, or one of them."""
    viewer, _, zones, leads, names = world
    source: dict[str, Any] = {"recordset_id": zones["slug"]}
    if zone is not None:
        source["column_filters"] = {"name": zone}
    body = {"source": source, "target": {"recordset_id": leads["id"]}, "operation": operation, **data}
    response = await viewer.post(PATH, json=body)
    assert response.status_code == 200, response.text
    answer = response.json()
    assert answer["record_ids"] == sorted(answer["record_ids"])
    assert (answer["count"], answer["truncated"]) == (len(answer["record_ids"]), False)
    return {names[record_id] for record_id in answer["record_ids"]}


@pytest.mark.parametrize(
    ("operation", "zone", "expected"),
    [
        ("intersects", "rich", {"inside rich", "edge of rich", "field of rich", "road"}),
        ("within", "rich", {"inside rich", "field of rich"}),
        ("contains", "rich", set[str]()),
        ("contains", "poor", {"around poor"}),
        ("intersects", "poor", {"inside poor", "around poor", "road"}),
        ("within", "fiji", {"east of the line", "west of the line", "on the line"}),
        ("within", "arctic", {"pole", "near the pole"}),
    ],
)
async def test_relations(world: World, operation: str, zone: str, expected: set[str]) -> None:
    assert await find(world, operation, zone=zone) == expected


async def test_distances_and_buffers(world: World) -> None:
    # A hundredth of a degree of longitude at 5 degrees north is 1,109 m.
    near = {"inside poor", "around poor", "road", "beside poor"}
    assert await find(world, "within_distance", zone="poor", buffer_meters=1_115) == near
    assert await find(world, "within_distance", zone="poor", buffer_meters=1_100) == near - {"beside poor"}
    assert await find(world, "intersects", zone="poor", buffer_meters=1_115) == near
    assert await find(world, "within", zone="poor", buffer_meters=1_115) == {"inside poor", "beside poor"}
    assert await find(world, "within", zone="poor", buffer_meters=250_000) >= {"around poor"}
    assert await find(world, "contains", zone="poor", buffer_meters=100_000) == {"around poor"}
    assert await find(world, "contains", zone="poor", buffer_meters=120_000) == set()


async def test_exclusion_is_the_rest_of_what_lies_somewhere(world: World) -> None:
    placed = {name for name, shape in LEADS.items() if shape is not None}
    for operation in ("intersects", "within", "contains"):
        found = await find(world, operation, zone="rich")
        assert await find(world, operation, zone="rich", exclude=True) == placed - found
    assert await find(world, "intersects", zone="no such zone") == set()
    assert await find(world, "intersects", zone="no such zone", exclude=True) == placed


async def test_sides_are_filtered(world: World) -> None:
    viewer, _, zones, leads, names = world
    target = {"recordset_id": leads["slug"], "column_filters": {"name": {"starts_with": "inside"}}}
    for narrowing in (
        {"numeric_filters": {"income": {"min": 80_000}}},
        {"filters": {"and": [{"field": "income", "op": "gt", "value": 80_000}]}},
    ):
        body = {"source": {"recordset_id": zones["id"], **narrowing}, "target": target}
        response = await viewer.post(PATH, json=body)
        if "filters" in narrowing and response.status_code == 422:
            assert response.json()["code"] == "filter_invalid"
            continue
        assert [names[record_id] for record_id in response.json()["record_ids"]] == ["inside rich"]
        assert (response.json()["source_count"], response.json()["count"]) == (1, 1)


async def test_chosen_records_among_themselves(world: World) -> None:
    viewer, _, _, leads, names = world
    ids = {name: record_id for record_id, name in names.items()}
    source = {"recordset_id": leads["id"], "record_ids": [ids["inside rich"], ids["no place"]]}
    target = {"recordset_id": leads["id"], "record_ids": [ids["road"], ids["inside rich"], ids["pole"]]}
    answer = (await viewer.post(PATH, json={"source": source, "target": target})).json()
    assert {names[record_id] for record_id in answer["record_ids"]} == {"road", "inside rich"}
    assert answer["source_count"] == 1


async def test_pages(world: World) -> None:
    viewer, _, zones, leads, names = world
    body: dict[str, Any] = {
        "source": {"recordset_id": zones["id"]},
        "target": {"recordset_id": leads["id"]},
        "exclude": False,
    }
    whole = (await viewer.post(PATH, json=body)).json()["record_ids"]
    seen: list[str] = []
    after: str | None = None
    while True:
        page = (await viewer.post(PATH, json={**body, "limit": 4, "after": after})).json()
        assert page["count"] == len(whole)
        seen += page["record_ids"]
        after = page["next_after"]
        assert page["truncated"] == (after is not None)
        if after is None:
            break
        assert after == seen[-1]
    assert seen == whole
    assert len(whole) > 8
    assert set(whole) <= names.keys()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"operation": "within_distance"}, "validation_failed"),
        ({"operation": "overlaps"}, "validation_failed"),
        ({"buffer_meters": -1}, "validation_failed"),
        ({"buffer_meters": 3_000_000}, "validation_failed"),
        ({"limit": 0}, "validation_failed"),
        ({"more": 1}, "validation_failed"),
        ({"side": {"column_filters": {"nothing": 1}}}, "filter_invalid"),
        ({"side": {"column_filters": {"secret": "rich"}}}, "filter_invalid"),
        ({"side": {"numeric_filters": {"name": 1}}}, "filter_invalid"),
        ({"side": {"time_zone": "Nowhere/Else", "date_filters": {}}}, None),
    ],
)
async def test_what_cannot_be_asked(world: World, change: dict[str, Any], code: str | None) -> None:
    viewer, _, zones, leads, _ = world
    given = dict(change)
    side = given.pop("side", {})
    body = {"source": {"recordset_id": zones["id"], **side}, "target": {"recordset_id": leads["id"]}, **given}
    answer = await viewer.post(PATH, json=body)
    if code is not None:
        assert refusal(answer) == (422, code)
    else:
        assert answer.status_code in {200, 422}


async def test_both_recordsets_must_be_seen(world: World, client: Client) -> None:
    _, cast, zones, leads, _ = world
    body = {"source": {"recordset_id": zones["id"]}, "target": {"recordset_id": leads["id"]}}
    swapped = {"source": body["target"], "target": body["source"]}
    member, owner = client.as_(cast.member), client.as_(cast.owner)
    assert refusal(await client.as_(cast.stranger).post(PATH, json=body)) == (404, "recordset_not_found")
    assert refusal(await member.post(PATH, json=body)) == (404, "recordset_not_found")
    await grant(owner, zones, cast.member, "can_view")
    assert refusal(await member.post(PATH, json=body)) == (404, "recordset_not_found")
    assert refusal(await member.post(PATH, json=swapped)) == (404, "recordset_not_found")
    await grant(owner, leads, cast.member, "can_view")
    assert (await member.post(PATH, json=body)).status_code == 200
    assert refusal(await client.post(PATH, json=body))[0] == 401


async def test_the_trash_is_not_compared(world: World, client: Client) -> None:
    _, cast, zones, leads, names = world
    owner = client.as_(cast.owner)
    gone = await create_record(owner, leads, {"name": "gone", "shape": point(6, 6)})
    names[gone["id"]] = "gone"
    assert "gone" in await find(world, "within", zone="rich")
    assert (await owner.delete(f"/api/v1/records/{gone['id']}")).status_code == 204
    assert "gone" not in await find(world, "within", zone="rich")
    assert zones["id"] != leads["id"]
