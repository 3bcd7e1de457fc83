"""Cursors: from page to page, whatever happens in between, for nobody else and no other list."""

from __future__ import annotations

from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fostr.kernel.ids import new_id
from fostr.kernel.runtime import Runtime
from tests.support.airports import RECORDS, create_airports, list_page
from tests.support.cast import Cast, create_cast
from tests.support.client import Client, refusal
from tests.support.inspection import StatementInspector
from tests.support.records import create_record, create_recordset, grant

FIELDS: Final[list[dict[str, Any]]] = [
    {"key": "text_in", "name": "T1", "type": "text"},
    {"key": "text_out", "name": "T2", "type": "text", "is_promoted": False},
    {"key": "number_in", "name": "N1", "type": "number"},
    {"key": "number_out", "name": "N2", "type": "number", "is_promoted": False},
    {"key": "moment_in", "name": "M1", "type": "datetime"},
    {"key": "day_out", "name": "D1", "type": "date", "is_promoted": False},
    {"key": "flag", "name": "B", "type": "boolean"},
]
# Few values, so that many are equal; long ones that differ where a promoted column no longer holds them.
TEXTS: Final = st.sampled_from(["a", "B", "b'", "x" * 400 + "y", "x" * 400 + "z", "ä"])
NUMBERS: Final = st.sampled_from([0, -1, 0.1, 1e-300, 1e300, 3])
VALUES: Final[dict[str, st.SearchStrategy[Any]]] = {
    "text_in": TEXTS,
    "text_out": TEXTS,
    "number_in": NUMBERS,
    "number_out": NUMBERS,
    "moment_in": st.sampled_from(["2026-01-31T12:00:00.000001Z", "2026-01-31T12:00:00Z", "1999-01-01T00:00:00Z"]),
    "day_out": st.sampled_from(["2026-01-31", "2025-01-31"]),
    "flag": st.booleans(),
}
ROWS: Final = st.lists(st.fixed_dictionaries({}, optional=VALUES), min_size=1, max_size=8)
KEYS: Final = st.lists(st.sampled_from([*VALUES, "title", "updated_at", "id"]), max_size=3, unique=True)
SLOW: Final = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]


async def walk(client: Client, recordset: dict[str, Any] | None, **params: Any) -> list[str]:
    """Return the ids of a whole list, from page to page."""
    ids: list[str] = []
    cursor = None
    while True:
        sent = params if cursor is None else {**params, "cursor": cursor}
        page = await list_page(client, recordset, **sent)
        ids += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        assert page["has_more"] is (cursor is not None)
        if cursor is None:
            return ids


@pytest.fixture(scope="module")
async def place(client: Client, runtime: Runtime) -> tuple[Client, dict[str, Any]]:
    """A recordset for all examples; each marks its records by a tag of its own."""
    cast = await create_cast(runtime)
    owner = client.as_(cast.owner)
    return owner, await create_recordset(owner, fields=FIELDS)


@given(
    rows=ROWS,
    orders=st.lists(st.tuples(KEYS, st.lists(st.booleans(), min_size=3, max_size=3)), min_size=4, max_size=4),
    size=st.integers(1, 4),
)
@settings(max_examples=15, deadline=None, suppress_health_check=SLOW)
async def test_walking_gives_the_list(
    place: tuple[Client, dict[str, Any]],
    rows: list[dict[str, Any]],
    orders: list[tuple[list[str], list[bool]]],
    size: int,
) -> None:
    owner, recordset = place
    tag = new_id().hex
    for row in rows:
        body = {"recordset_id": recordset["id"], "field_values": row, "tags": [tag]}
        assert (await owner.post(RECORDS, json=body)).status_code == 201
    for keys, down in orders:
        words = ["desc" if is_down else "asc" for is_down in down[: max(len(keys), 1)]]
        order = {"sort_order": ",".join(words)} | ({"sort_by": ",".join(keys)} if keys else {})
        whole = await list_page(owner, recordset, tags=tag, page_size=50, **order)
        assert whole["next_cursor"] is None
        walked = await walk(owner, recordset, tags=tag, page_size=size, **order)
        assert walked == [item["id"] for item in whole["items"]], (order, rows)


@pytest.fixture
async def airports(client: Client, cast: Cast) -> dict[str, Any]:
    """Ten airports, the even ones with an elevation."""
    airports = await create_airports(client, cast)
    for number in range(10):
        values = {"name": f"No. {number}", "secret": f"hush-hush-{number}", "runways": number // 4}
        values |= {"elevation": number // 4} if number % 2 == 0 else {}
        await create_record(client.as_(cast.owner), airports, values)
    return airports


def names(page: dict[str, Any]) -> str:
    return "".join(item["field_values"]["name"][-1] for item in page["items"])


@pytest.mark.parametrize(
    ("order", "first", "second"),
    [
        ({}, "0123", "4567"),
        ({"sort_by": "elevation"}, "0246", "8135"),
        ({"sort_by": "elevation", "sort_order": "desc"}, "8642", "0975"),
        ({"sort_by": "runways,name", "sort_order": "desc,asc"}, "8945", "6701"),
        ({"sort_by": "name", "sort_order": "desc"}, "9876", "5432"),
    ],
)
async def test_what_comes_and_goes_in_between_moves_nothing(
    client: Client, cast: Cast, airports: dict[str, Any], order: dict[str, str], first: str, second: str
) -> None:
    owner = client.as_(cast.owner)
    page = await list_page(owner, airports, page_size=4, **order)
    assert names(page) == first
    # Before the cursor: the whole first page goes, the last of it included, and others come.
    for item in page["items"]:
        await owner.delete(f"{RECORDS}/{item['id']}")
    front = page["items"][0]["field_values"]
    for _ in range(3):
        await create_record(owner, airports, {**front, "name": f"{front['name']}"} if order else {"name": "Later"})
    following = await list_page(owner, airports, page_size=4, cursor=page["next_cursor"], **order)
    assert names(following) == second
    assert following["total"] == 9


async def test_a_cursor_goes_with_its_own_list_only(client: Client, cast: Cast, airports: dict[str, Any]) -> None:
    owner = client.as_(cast.owner)
    asked = {"recordset_id": airports["id"], "sort_by": "name", "column_filters": '{"runways": {"gte": 0}}'}
    cursor = (await owner.get(RECORDS, params={**asked, "page_size": 2})).json()["next_cursor"]
    # The size of the page, the fields and the count are free.
    free = {**asked, "cursor": cursor, "page_size": 3, "fields": "name", "count": "exact"}
    assert names((await owner.get(RECORDS, params=free)).json()) == "234"
    other = await create_airports(client, cast, name="Others")
    for changed in (
        {"sort_order": "desc"},
        {"sort_by": "name,elevation"},
        {"sort_by": "runways"},
        {"column_filters": '{"runways": {"gte": 1}}'},
        {"search": "No"},
        {"time_zone": "Europe/Paris"},
        {"recordset_id": other["id"]},
        {"cursor": cursor[:-6] + "AAAAA" + cursor[-1]},
        {"cursor": "nonsense"},
        {"cursor": "é"},
        {"page": 2},
    ):
        refused = await owner.get(RECORDS, params={**asked, "cursor": cursor, **changed})
        assert refusal(refused) == (422, "cursor_invalid"), changed
    refused = await client.as_(cast.admin).get(RECORDS, params={**asked, "cursor": cursor})
    assert refusal(refused) == (422, "cursor_invalid")
    elsewhere = await client.as_(cast.stranger).get(RECORDS, params={**asked, "cursor": cursor})
    assert refusal(elsewhere) == (404, "recordset_not_found")


async def test_a_cursor_tells_nothing(client: Client, cast: Cast, airports: dict[str, Any]) -> None:
    page = await list_page(client.as_(cast.owner), airports, page_size=2, sort_by="secret")
    assert page["items"][1]["field_values"]["secret"] == "hush-hush-1"
    assert "hush-hush" not in page["next_cursor"]
    again = await list_page(client.as_(cast.owner), airports, page_size=2, sort_by="secret")
    assert again["next_cursor"] != page["next_cursor"]


async def test_a_field_that_was_hidden_since_ends_its_cursors(
    client: Client, cast: Cast, airports: dict[str, Any]
) -> None:
    admin, owner = client.as_(cast.admin), client.as_(cast.owner)
    page = await list_page(admin, airports, page_size=2, sort_by="runways")
    hidden = {"fields": [{"key": "runways", "hidden_from": ["admin"]}]}
    assert (await owner.patch(f"/api/v1/recordsets/{airports['id']}", json=hidden)).status_code == 200
    params = {"recordset_id": airports["id"], "sort_by": "runways", "cursor": page["next_cursor"]}
    assert refusal(await admin.get(RECORDS, params=params)) == (422, "sort_invalid")


async def test_totals_stay_what_they_are(client: Client, cast: Cast, airports: dict[str, Any]) -> None:
    owner = client.as_(cast.owner)
    for params in (
        {},
        {"sort_by": "elevation"},
        {"column_filters": {"runways": {"lt": 2}}},
        {"column_filters": {"runways": {"lt": 2}}, "sort_by": "elevation"},
    ):
        total = (await list_page(owner, airports, **params))["total"]
        cursor = None
        while True:
            sent = params if cursor is None else {**params, "cursor": cursor}
            page = await list_page(owner, airports, page_size=3, **sent)
            assert (page["total"], page["total_is_exact"]) == (total, True), params
            cursor = page["next_cursor"]
            if cursor is None:
                break


async def test_through_all_recordsets(client: Client, cast: Cast, airports: dict[str, Any]) -> None:
    owner, member = client.as_(cast.owner), client.as_(cast.member)
    private = await create_recordset(owner, name="Private", fields=[{"key": "name", "name": "N", "type": "text"}])
    shared = await create_recordset(owner, name="Shared", fields=[{"key": "name", "name": "N", "type": "text"}])
    await grant(owner, shared, cast.member, "can_view")
    for number in range(3):
        await create_record(owner, private, {"name": f"P{number}"})
        await create_record(owner, shared, {"name": f"S{number}"})
    assert len(await walk(owner, None, page_size=5)) == 16
    for order in ({}, {"sort_order": "desc"}, {"sort_by": "updated_at"}, {"search": "no"}):
        whole = [item["id"] for item in (await list_page(member, None, page_size=50, **order))["items"]]
        assert len(whole) == (10 if order == {"search": "no"} else 13)
        assert await walk(member, None, page_size=4, **order) == whole


async def test_a_later_page_takes_no_more_statements(
    client: Client, cast: Cast, airports: dict[str, Any], inspector: StatementInspector
) -> None:
    owner = client.as_(cast.owner)
    counts: list[int] = []
    cursor = (await list_page(owner, airports, page_size=2, sort_by="name"))["next_cursor"]
    for params in ({}, {"cursor": cursor}):
        before = inspector.count
        await list_page(owner, airports, page_size=2, sort_by="name", **params)
        counts.append(inspector.count - before)
    assert counts[0] == counts[1]
