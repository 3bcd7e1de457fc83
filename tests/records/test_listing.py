"""Lists of records: pages, totals, order, search, filters, and what is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from fostr.domains.records.records.lists import LARGEST_PAGE
from fostr.domains.records.records.repository.listing import COUNTED
from fostr.kernel.runtime import Runtime
from tests.support.airports import RECORDS, as_json, create_airports, list_names, list_page
from tests.support.cast import Cast, create_cast
from tests.support.client import Client, Response, refusal
from tests.support.inspection import StatementInspector
from tests.support.records import create_record, create_recordset, grant

ROWS: list[dict[str, Any]] = [
    {"name": "Alpha", "state": "CA", "elevation": 30, "runways": 2, "opened": "2001-05-01", "city": "Los Angeles"},
    {"name": "Bravo", "state": "NY", "elevation": 10, "runways": 1, "opened": "1999-12-31", "city": "new york"},
    {"name": "Charlie", "state": "CA", "runways": 2, "uses": ["cargo", "mail"]},
    {"name": "Delta", "elevation": 20, "is_open": True, "city": "O'Hare_%", "checked": "2026-01-31T23:59:59Z"},
    {"name": "Echo", "state": "TX", "elevation": 20, "runways": 3, "is_open": False, "uses": ["mail"]},
    {"name": "Foxtrot", "state": "TX", "opened": "2001-05-02", "checked": "2026-02-01T00:00:00Z"},
]


@dataclass(frozen=True)
class Listed:
    """The recordset with its six rows, and somebody who may look at it; tests that only look share it."""

    recordset: dict[str, Any]
    viewer: Client

    async def get(self, **params: Any) -> Response:
        return await self.viewer.get(RECORDS, params={"recordset_id": self.recordset["id"], **params})

    async def page(self, **params: Any) -> dict[str, Any]:
        return await list_page(self.viewer, self.recordset, **params)

    async def initials(self, **params: Any) -> str:
        return "".join(name[0] for name in await list_names(self.viewer, self.recordset, **params))


@pytest.fixture(scope="module")
async def listed(client: Client, runtime: Runtime) -> Listed:
    """The six rows, for looking only."""
    cast = await create_cast(runtime)
    return Listed(recordset=await fill_airports(client, cast), viewer=client.as_(cast.viewer))


async def fill_airports(client: Client, cast: Cast) -> dict[str, Any]:
    airports = await create_airports(client, cast)
    for row in ROWS:
        await create_record(client.as_(cast.owner), airports, row)
    return airports


@pytest.mark.parametrize(
    ("sort_by", "sort_order", "expected"),
    [
        (None, None, "ABCDEF"),
        (None, "desc", "FEDCBA"),
        ("id", "desc", "FEDCBA"),
        ("created_at", "asc", "ABCDEF"),
        ("title", "desc", "FEDCBA"),
        ("name", "DESC", "FEDCBA"),
        # Promoted, with values missing; ties by id in the direction of the key.
        ("elevation", "asc", "BDEACF"),
        ("elevation", "desc", "AEDBFC"),
        ("opened", "asc", "BAFCDE"),
        ("opened", "desc", "FABEDC"),
        # Not promoted.
        ("runways", "asc", "BACEDF"),
        ("runways", "desc", "ECABFD"),
        ("checked", "desc", "FDECBA"),
        # Several keys, each with its own order.
        ("state,elevation", "asc", "ACBEFD"),
        ("state,elevation", "desc,asc", "EFBACD"),
        ("elevation,name", "asc,desc", "BEDAFC"),
        ("runways,state,name", "desc", "ECABFD"),
        ("state,id", "asc,desc", "CABFED"),
    ],
)
async def test_order(listed: Listed, sort_by: str | None, sort_order: str | None, expected: str) -> None:
    params = {key: value for key, value in (("sort_by", sort_by), ("sort_order", sort_order)) if value}
    assert await listed.initials(**params) == expected
    # Pages of any size, put together, are the same list; also where a page spans values and missing values.
    for size in (1, 2, 4):
        pages = [await listed.page(page=n, page_size=size, **params) for n in range(1, 8)]
        joined = [item["field_values"]["name"][0] for page in pages for item in page["items"]]
        assert "".join(joined) == expected
        assert [page["has_more"] for page in pages] == [n * size < 6 for n in range(1, 8)]
        assert {(page["total"], page["total_is_exact"]) for page in pages} == {(6, True)}


@pytest.mark.parametrize(
    "params",
    [
        {"sort_by": "nothing"},
        {"sort_by": "name,"},
        {"sort_by": "name; drop table records"},
        {"sort_by": "r.id"},
        {"sort_by": "uses"},
        {"sort_by": "extra"},
        {"sort_by": "name", "sort_order": "up"},
        {"sort_by": "name", "sort_order": "asc,desc"},
        {"sort_by": "name,state,city,elevation,runways,opened"},
    ],
)
async def test_an_order_that_there_is_not(listed: Listed, params: dict[str, str]) -> None:
    assert refusal(await listed.get(**params)) == (422, "sort_invalid")


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("alpha", "A"),
        ("ALPH", "A"),
        ("los ang", "A"),
        ("ang los", "A"),
        ("ca", "AC"),
        ("mail", "CE"),
        ("o'har", "D"),
        ("hare_%", "D"),
        ("york", "B"),
        ("ork", ""),
        ("alpha bravo", ""),
        ("!!! & | ' :*", ""),
        ("   ", "ABCDEF"),
        ("20", "DE"),
    ],
)
async def test_search(listed: Listed, search: str, expected: str) -> None:
    assert await listed.initials(search=search) == expected


async def test_search_finds_parts_of_addresses_and_other_scripts(client: Client, cast: Cast) -> None:
    airports = await create_airports(client, cast)
    owner = client.as_(cast.owner)
    await create_record(owner, airports, {"name": "jane.doe@Example-Air.com", "city": "ÅNGSTRÖM Zürich"})
    await create_record(owner, airports, {"name": "https://x.test/runway-9", "city": "e\u0301cole 東京タワー"})
    for search, count in (
        ("jane.doe@exam", 1), ("doe", 1), ("air.com", 1), ("ångs", 1), ("ZÜRI", 1), ("runway-9", 1), ("x.test/run", 1),
        ("\u00e9cole", 1), ("東京", 1), ("angstrom", 0),
    ):  # fmt: skip
        assert (await list_page(owner, airports, search=search))["total"] == count, search


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"column_filters": {"state": "CA"}}, "AC"),
        ({"column_filters": {"state": ["CA", "TX"]}}, "ACEF"),
        ({"column_filters": {"state": {"ne": "CA"}}}, "BDEF"),
        ({"column_filters": {"state": {"not_in": ["CA"]}}}, "BDEF"),
        ({"column_filters": {"state": None}}, "D"),
        ({"column_filters": {"state": {"empty": False}}}, "ABCEF"),
        ({"column_filters": {"city": {"contains": "_%"}}}, "D"),
        ({"column_filters": {"city": {"contains": "NEW"}}}, "B"),
        ({"column_filters": {"city": {"starts_with": "los"}}}, "A"),
        ({"column_filters": {"city": {"ends_with": "YORK"}}}, "B"),
        ({"column_filters": {"city": {"not_contains": "o"}}}, "CEF"),
        ({"column_filters": {"uses": "mail"}}, "CE"),
        ({"column_filters": {"uses": {"has_all": ["mail", "cargo"]}}}, "C"),
        ({"column_filters": {"uses": ["cargo", "x"]}}, "C"),
        ({"column_filters": {"is_open": True}}, "D"),
        ({"column_filters": {"is_open": {"ne": True}}}, "ABCEF"),
        ({"column_filters": {"elevation": 20, "runways": 3}}, "E"),
        ({"numeric_filters": {"elevation": {"min": 10, "max": 20}}}, "BDE"),
        ({"numeric_filters": {"runways": {"gt": 1, "lt": 3}}}, "AC"),
        ({"numeric_filters": {"elevation": {"lt": 1e300}}}, "ABDE"),
        ({"date_filters": {"opened": {"from": "2001-05-01", "to": "2001-05-01"}}}, "A"),
        ({"date_filters": {"opened": {"before": "2001-05-02"}}}, "AB"),
        ({"date_filters": {"checked": {"to": "2026-01-31"}}}, "D"),
        ({"date_filters": {"checked": "2026-02-01"}}, "F"),
        ({"date_filters": {"checked": {"after": "2026-01-31"}}}, "F"),
        ({"column_filters": {"state": "CA"}, "numeric_filters": {"elevation": 30}, "search": "al"}, "A"),
        ({"column_filters": {"state": "'; drop table records; --"}}, ""),
        ({"column_filters": {}}, "ABCDEF"),
        ({"column_filters": ""}, "ABCDEF"),
        ({"status": "active"}, "ABCDEF"),
        ({"status": "closed"}, ""),
    ],
)
async def test_filters(listed: Listed, params: dict[str, Any], expected: str) -> None:
    assert await listed.initials(**params) == expected
    # Sorted by a promoted field, the same records are found in two parts.
    in_parts = await listed.page(sort_by="elevation", page_size=2, **params)
    assert in_parts["total"] == len(expected)
    assert len(in_parts["items"]) == min(2, len(expected))


@pytest.mark.parametrize(
    "filters",
    [
        "{",
        "[]",
        "7",
        '"name"',
        "null",
        '{"a": NaN}',
        '{"nothing": 1}',
        '{"name\' or true --": "x"}',
        '{"name": {"like": "x"}}',
        '{"name": {"eq": null}}',
        '{"name": {"eq": {"a": 1}}}',
        '{"name": {"in": []}}',
        '{"name": {"in": "x"}}',
        '{"name": "a\\u0000b"}',
        '{"uses": "a\\u0000b"}',
        '{"elevation": "high"}',
        '{"elevation": true}',
        '{"elevation": 1e400}',
        '{"opened": "soon"}',
        '{"opened": {"from": 7}}',
        '{"checked": {"to": "9999-12-31"}}',
        '{"is_open": "perhaps"}',
        '{"uses": {"gt": "x"}}',
        '{"extra": "x"}',
        '{"state": {"empty": "yes"}}',
        '{"a": ' * 2000,
    ],
)
async def test_a_filter_that_cannot_be_used(listed: Listed, filters: str) -> None:
    assert refusal(await listed.get(column_filters=filters)) == (422, "filter_invalid")


@pytest.mark.parametrize(
    "params",
    [
        {"numeric_filters": {"name": 1}},
        {"date_filters": {"elevation": 1}},
        {"column_filters": {"name": ["x"] * 501}},
        {"column_filters": {"elevation": {"gt": 1}}, "numeric_filters": {"elevation": {"within": [1, 2]}}},
    ],
)
async def test_a_filter_of_the_wrong_kind(listed: Listed, params: dict[str, Any]) -> None:
    sent = {key: as_json(value) for key, value in params.items()}
    assert refusal(await listed.get(**sent)) == (422, "filter_invalid")


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({"search": "a\x00b"}, 422),
        ({"tags": "a\x00b"}, 422),
        ({"status": "a\x00b"}, 422),
        ({"search": "x" * 201}, 422),
        ({"page": 0}, 422),
        ({"page": 10**30}, 422),
        ({"page_size": 201}, 422),
        ({"page": 1_000_000, "page_size": 200}, 200),
        ({"count": "roughly"}, 422),
    ],
)
async def test_odd_parameters(listed: Listed, params: dict[str, Any], status: int) -> None:
    answer = await listed.get(**params)
    assert answer.status_code == status, answer.text


async def test_tags_and_status(client: Client, cast: Cast) -> None:
    airports = await fill_airports(client, cast)
    owner = client.as_(cast.owner)
    items = (await list_page(owner, airports))["items"]
    for item, tags, status in zip(items, (["a", "b c"], ["a"], ["b c"]), ("open", "open", "shut"), strict=False):
        await owner.patch(f"{RECORDS}/{item['id']}", json={"tags": tags, "status": status})
    assert await list_names(owner, airports, tags="a") == ["Alpha", "Bravo"]
    assert await list_names(owner, airports, tags=" b c , a ,") == ["Alpha"]
    assert await list_names(owner, airports, tags="c") == []
    assert await list_names(owner, airports, status="shut") == ["Charlie"]
    assert await list_names(owner, airports, status="open", tags="a", sort_by="name", sort_order="desc") == [
        "Bravo",
        "Alpha",
    ]


async def test_everywhere(client: Client, cast: Cast) -> None:
    await fill_airports(client, cast)
    owner, member, viewer = client.as_(cast.owner), client.as_(cast.member), client.as_(cast.viewer)
    shared = await create_recordset(member, name="Shared", fields=[{"key": "name", "name": "N", "type": "text"}])
    private = await create_recordset(owner, name="Private", fields=[{"key": "name", "name": "N", "type": "text"}])
    await create_record(member, shared, {"name": "Golf alpha"})
    await create_record(owner, private, {"name": "Hotel"})
    await grant(member, shared, cast.viewer, "can_view")

    async def initials(reader: Client, **params: Any) -> str:
        page = await list_page(reader, None, **params)
        assert (page["total"], page["total_is_exact"]) == (len(page["items"]), True)
        return "".join(item["title"][0] for item in page["items"])

    assert await initials(owner) == await initials(client.as_(cast.admin)) == "ABCDEFGH"
    assert await initials(member) == await initials(viewer) == "ABCDEFG"
    assert await initials(viewer, search="alph", sort_order="desc") == "GA"
    assert await initials(owner, sort_by="updated_at", sort_order="desc") == "HGFEDCBA"
    assert (await list_page(viewer, None, page_size=3, page=2))["total"] == 7
    assert await initials(client.as_(cast.stranger)) == ""
    for params, code in (
        ({"column_filters": as_json({"name": "A"})}, "filter_invalid"),
        ({"numeric_filters": as_json({"elevation": 1})}, "filter_invalid"),
        ({"sort_by": "name"}, "sort_invalid"),
        ({"fields": "name"}, "fields_invalid"),
    ):
        assert refusal(await viewer.get(RECORDS, params=params)) == (422, code)


async def test_a_large_total_is_a_lower_bound_unless_it_is_asked_for(
    client: Client, cast: Cast, runtime: Runtime
) -> None:
    airports = await create_airports(client, cast)
    many = COUNTED + 7
    async with runtime.database.unit(cast.acme) as unit:
        await unit.run(
            """
            insert into records (workspace_id, id, recordset_id, field_values, number_1)
            select :workspace, gen_random_uuid(), :id, jsonb_build_object('name', 'n', 'city', 'c', 'elevation', n), n
            from generate_series(1, :many::integer) n
            """,
            id=airports["id"],
            many=many,
        )
        await unit.run(
            """
            insert into recordset_counts (workspace_id, recordset_id, shard, count)
            values (:workspace, :id, 0, :many)
            """,
            id=airports["id"],
            many=many,
        )
    viewer = client.as_(cast.viewer)

    async def totals(**params: Any) -> tuple[int, bool, bool]:
        page = await list_page(viewer, airports, page_size=5, **params)
        return page["total"], page["total_is_exact"], page["has_more"]

    assert await totals() == (many, True, True)
    assert await totals(column_filters={"city": "c"}) == (COUNTED, False, True)
    assert await totals(column_filters={"city": "c"}, count="exact") == (many, True, True)
    assert await totals(numeric_filters={"elevation": {"max": COUNTED}}) == (COUNTED, True, True)
    last = many // 5 + 1
    assert await totals(column_filters={"city": "c"}, sort_by="elevation", page=last - 1) == (COUNTED + 6, False, True)
    assert await totals(column_filters={"city": "c"}, sort_by="elevation", page=last) == (many, True, False)
    assert await totals(column_filters={"city": "c"}, page=last + 5) == (COUNTED, False, False)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"sort_by": "elevation", "sort_order": "desc"},
        {"column_filters": '{"state": "CA"}', "sort_by": "elevation", "search": "a"},
    ],
)
@pytest.mark.parametrize("everywhere", [False, True])
async def test_as_many_statements_for_one_as_for_fifty(
    client: Client, cast: Cast, inspector: StatementInspector, params: dict[str, str], *, everywhere: bool
) -> None:
    if everywhere and "sort_by" in params:
        params = {"search": "a"}
    airports = await create_airports(client, cast)
    member = client.as_(cast.member)
    place = {} if everywhere else {"recordset_id": airports["id"]}
    counts: list[int] = []
    for wanted in (1, 50):
        missing = wanted - (await list_page(member, airports))["total"]
        for number in range(missing):
            await create_record(member, airports, {"name": f"Airport {number}", "state": "CA", "elevation": number})
        await member.get(RECORDS, params={**place, **params})  # What is remembered from then on is not counted.
        before = inspector.count
        answer = await member.get(RECORDS, params={**place, **params})
        counts.append(inspector.count - before)
        assert len(answer.json()["items"]) == wanted
    assert counts[0] == counts[1]


async def test_the_parameters_are_documented(openapi: dict[str, Any]) -> None:
    operation = openapi["paths"][RECORDS]["get"]
    described = {entry["name"]: entry for entry in operation["parameters"] if entry["in"] == "query"}
    assert described.keys() == {
        "recordset_id", "page", "page_size", "search", "status", "tags", "fields", "sort_by", "sort_order",
        "column_filters", "date_filters", "numeric_filters", "filters", "time_zone", "tool", "group_id",
        "exclude_recommendation", "cursor", "view_id", "count",
    }  # fmt: skip
    assert all(entry["description"] and not entry["required"] for entry in described.values())
    size = described["page_size"]["schema"]
    assert (size["type"], size["minimum"], size["maximum"], size["default"]) == ("integer", 1, LARGEST_PAGE, 50)
    assert "422" in operation["responses"]
