"""Lookups, rollups, counts and formulas: what they show, to whom, and how records are found and sorted by them."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast, create_cast
from tests.support.client import Client, refusal
from tests.support.inspection import StatementInspector
from tests.support.records import create_record, create_recordset, grant

SLOW = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]
PROJECT_FIELDS: list[dict[str, Any]] = [
    {"name": "Name", "type": "text"},
    {"name": "Budget", "type": "number"},
    {"name": "Due", "type": "date"},
    {"name": "Done", "type": "boolean"},
    {"name": "Labels", "type": "multi_select"},
    {"name": "Secret", "type": "number", "hidden_from": ["member"]},
]


def field(name: str, type: str, **options: Any) -> dict[str, Any]:
    return {"name": name, "type": type, "options": options}


def rollup(name: str, function: str, of: str) -> dict[str, Any]:
    return field(name, "rollup", link="projects", field=of, function=function)


async def make(client: Client, *fields: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Projects, and clients that link to them in `projects`, with more fields."""
    projects = await create_recordset(client, name="Projects", fields=PROJECT_FIELDS)
    link = field("Projects", "link", recordset=projects["id"])
    clients = await create_recordset(client, name="Clients", fields=[{"name": "Name", "type": "text"}, link, *fields])
    return projects, clients


async def three(client: Client, projects: dict[str, Any]) -> list[str]:
    values: list[dict[str, Any]] = [
        {"name": "a", "budget": 10, "due": "2026-03-01", "done": True, "labels": ["x", "y"], "secret": 1},
        {"name": "b", "budget": 2.5, "due": "2026-01-01", "done": False, "labels": ["y"], "secret": 2},
        {"name": "c"},
    ]
    return [(await create_record(client, projects, entry))["id"] for entry in values]


async def values_of(client: Client, record_id: str, **params: Any) -> dict[str, Any]:
    response = await client.get(f"/api/v1/records/{record_id}", params=params)
    assert response.status_code == 200, response.text
    return response.json()["field_values"]


async def listed(client: Client, recordset: dict[str, Any], **params: Any) -> list[dict[str, Any]]:
    response = await client.get("/api/v1/records", params={"recordset_id": recordset["id"], **params})
    assert response.status_code == 200, response.text
    return [item["field_values"] for item in response.json()["items"]]


EVERYTHING = [
    field("Names", "lookup", link="projects", field="name"),
    field("Budgets", "lookup", link="projects", field="budget"),
    field("Labels", "lookup", link="projects", field="labels"),
    field("Number", "count", link="projects"),
    rollup("Sum", "sum", "budget"),
    rollup("Avg", "avg", "budget"),
    rollup("Least", "min", "name"),
    rollup("Most", "max", "budget"),
    rollup("Filled", "count", "budget"),
    rollup("Differing", "count_distinct", "labels"),
    rollup("Some done", "any", "done"),
    rollup("All done", "all", "done"),
    rollup("Joined", "join", "name"),
    rollup("First", "earliest", "due"),
    rollup("Last", "latest", "due"),
    field("Text", "formula", expression="{Name} & ': ' & {sum} & ' until ' & {Last}"),
    field("Each", "formula", expression="ROUND({sum} / {Number}, 2)"),
]
EXPECTED: dict[str, Any] = {
    "names": ["b", "a", "c"],
    "budgets": [2.5, 10],
    "labels": ["y", "x", "y"],
    "number": 3,
    "sum": 12.5,
    "avg": 6.25,
    "least": "a",
    "most": 10,
    "filled": 2,
    "differing": 2,
    "some_done": True,
    "all_done": False,
    "joined": "b, a, c",
    "first": "2026-01-01",
    "last": "2026-03-01",
    "text": "Ann: 12.5 until 2026-03-01",
    "each": 4.17,
}


async def test_all_of_them_are_shown_wherever_records_are(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    projects, clients = await make(owner, *EVERYTHING)
    a, b, c = await three(owner, projects)
    created = await create_record(owner, clients, {"name": "Ann", "projects": [b, a, c]})
    expected = {"name": "Ann", "projects": [b, a, c], **EXPECTED}
    assert created["field_values"] == expected
    assert await values_of(owner, created["id"]) == expected
    assert await listed(owner, clients) == [expected]
    changed = await owner.patch(f"/api/v1/records/{created['id']}", json={"field_values": {"projects": []}})
    shown = changed.json()["field_values"]
    assert (shown["number"], shown["sum"], shown["names"], shown["last"], shown["all_done"]) == (0, 0, [], None, True)
    assert shown["text"] == "Ann: 0 until "


async def test_what_is_computed_follows_the_linked_records(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    projects, clients = await make(owner, rollup("Sum", "sum", "budget"), field("Number", "count", link="projects"))
    a, b, _ = await three(owner, projects)
    ann = await create_record(owner, clients, {"name": "Ann", "projects": [a, b]})
    assert (await owner.patch(f"/api/v1/records/{a}", json={"field_values": {"budget": 1}})).status_code == 200
    assert (await values_of(owner, ann["id"]))["sum"] == 3.5
    assert (await owner.delete(f"/api/v1/records/{b}")).status_code == 204
    shown = await values_of(owner, ann["id"])
    assert (shown["sum"], shown["number"], shown["projects"]) == (1, 1, [a])


async def test_fields_narrow_what_is_computed(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    projects, clients = await make(owner, *EVERYTHING)
    ann = await create_record(owner, clients, {"name": "Ann", "projects": await three(owner, projects)})
    assert await values_of(owner, ann["id"], fields="name,sum") == {"name": "Ann", "sum": 12.5}
    assert await listed(owner, clients, fields="number") == [{"number": 3}]
    assert await listed(owner, clients, fields="name") == [{"name": "Ann"}]


async def test_records_are_found_and_sorted_by_what_is_computed(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    more = field("Rich", "formula", expression="{sum} > 5")
    projects, clients = await make(owner, *EVERYTHING, more)
    a, b, c = await three(owner, projects)
    for name, links in (("none", []), ("all", [a, b, c]), ("small", [b]), ("large", [a])):
        await create_record(owner, clients, {"name": name, "projects": links})

    async def find(**filters: Any) -> list[str]:
        found = await listed(owner, clients, column_filters=json.dumps(filters), fields="name")
        return [values["name"] for values in found]

    assert await find(sum={"gte": 10}) == ["all", "large"]
    assert await find(number=1) == ["small", "large"]
    assert await find(names={"has": "a"}) == ["all", "large"]
    assert await find(projects={"has": b}) == ["all", "small"]
    assert await find(last={"empty": True}) == ["none"]
    assert await find(first={"lt": "2026-02-01"}) == ["all", "small"]
    assert await find(rich=True) == ["all", "large"]
    assert await find(joined={"contains": "a, b"}) == ["all"]
    for key, ordered in (("sum", ["all", "large", "small", "none"]), ("last", ["large", "all", "small", "none"])):
        found = await listed(owner, clients, sort_by=key, sort_order="desc", fields="name")
        assert [values["name"] for values in found] == ordered
    listing = {"recordset_id": clients["id"], "sort_by": "sum", "sort_order": "desc", "page_size": 2, "page": 2}
    page = (await owner.get("/api/v1/records", params=listing)).json()
    assert [item["field_values"]["name"] for item in page["items"]] == ["small", "none"]


async def test_who_may_not_see_the_linked_records_learns_nothing_of_them(client: Client, cast: Cast) -> None:
    owner, member = client.as_(cast.owner), client.as_(cast.member)
    projects, clients = await make(owner, *EVERYTHING)
    ann = await create_record(owner, clients, {"name": "Ann", "projects": await three(owner, projects)})
    await grant(owner, clients, cast.member, "can_view")
    shown = await values_of(member, ann["id"])
    assert shown.pop("projects") == []
    assert shown.pop("text") == "Ann:  until "
    assert shown.pop("name") == "Ann"
    assert set(map(str, shown.values())) == {"None"}
    for filters in ({"sum": 12.5}, {"number": 3}, {"names": {"has": "a"}}):
        assert await listed(member, clients, column_filters=json.dumps(filters)) == []
    await grant(owner, projects, cast.member, "can_view")
    assert (await values_of(member, ann["id"]))["sum"] == 12.5


async def test_a_hidden_field_is_nothing_to_whom_it_is_hidden_from(client: Client, cast: Cast) -> None:
    owner, member = client.as_(cast.owner), client.as_(cast.member)
    projects, clients = await make(
        owner,
        rollup("Secrets", "sum", "secret"),
        field("Each", "lookup", link="projects", field="secret"),
        {"name": "Own", "type": "number", "hidden_from": ["member"]},
        field("Told", "formula", expression="{own} + 1"),
        field("Twice", "formula", expression="{told} * 2"),
        field("Plus", "formula", expression="COALESCE({secrets}, 0) + 1"),
    )
    ann = await create_record(owner, clients, {"name": "Ann", "own": 5, "projects": await three(owner, projects)})
    for recordset in (projects, clients):
        await grant(owner, recordset, cast.member, "can_view")
    seen = await values_of(owner, ann["id"])
    assert [seen[key] for key in ("secrets", "each", "told", "twice", "plus")] == [3, [1, 2], 6, 12, 4]
    seen = await values_of(member, ann["id"])
    assert [seen.get(key) for key in ("secrets", "each", "told", "twice", "plus", "own")] == [
        None, None, None, None, 1, None
    ]  # fmt: skip
    assert await listed(member, clients, column_filters=json.dumps({"twice": 12})) == []
    body: dict[str, Any] = {"fields": [{"key": "own", "hidden_from": []}]}
    assert (await owner.patch(f"/api/v1/recordsets/{clients['slug']}", json=body)).status_code == 200
    assert (await values_of(member, ann["id"]))["twice"] == 12


async def test_a_field_that_others_are_computed_of_keeps_its_name_free_and_its_place(
    client: Client, cast: Cast
) -> None:
    owner = client.as_(cast.owner)
    formula = field("Double", "formula", expression="{Old name} * 2")
    recordset = await create_recordset(owner, fields=[{"name": "Old name", "type": "number"}, formula])
    assert recordset["fields"][1]["options"] == {"expression": "{old_name} * 2"}
    record = await create_record(owner, recordset, {"old_name": 4})
    path = f"/api/v1/recordsets/{recordset['slug']}"
    renamed = await owner.patch(path, json={"fields": [{"key": "old_name", "name": "New name"}]})
    assert renamed.status_code == 200
    assert (await values_of(owner, record["id"]))["double"] == 8
    refused = await owner.patch(path, json={"remove_fields": ["old_name"]})
    assert refusal(refused) == (409, "field_in_use")
    assert (refused.json()["field"], refused.json()["used_by"]) == ("old_name", "double")
    both = await owner.patch(path, json={"remove_fields": ["old_name", "double"]})
    assert both.status_code == 200


async def test_a_field_removed_elsewhere_leaves_a_visible_problem(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    projects, clients = await make(owner, rollup("Sum", "sum", "budget"), field("More", "formula", expression="sum+1"))
    ann = await create_record(owner, clients, {"projects": await three(owner, projects)})
    path = f"/api/v1/recordsets/{projects['slug']}"
    assert (await owner.patch(path, json={"remove_fields": ["budget"]})).status_code == 200
    shown = await values_of(owner, ann["id"])
    assert (shown["sum"], shown["more"]) == (None, None)
    fields = (await owner.get(f"/api/v1/recordsets/{clients['slug']}")).json()["fields"]
    problems = {entry["key"]: entry["problem"] for entry in fields}
    assert problems["name"] is None
    assert "budget" in problems["sum"]
    assert "budget" in problems["more"]


@pytest.mark.parametrize(
    ("entry", "position"),
    [
        (field("F", "formula", expression="1 +"), 3),
        (field("F", "formula", expression="{nope}"), 0),
        (field("F", "formula", expression="{f} + 1"), None),
        (field("F", "formula", expression="'a' * 2"), 0),
        (field("F", "formula"), None),
        (field("F", "lookup", link="projects"), None),
        (field("F", "lookup", link="projects", field="nope"), None),
        (field("F", "lookup", link="name", field="name"), None),
        (field("F", "rollup", link="projects", field="name", function="sum"), None),
        (field("F", "count", link="nope"), None),
        (field("F", "count", link="projects", field="name"), None),
        (field("F", "backlink", recordset="nowhere", field="x"), None),
        ({**field("F", "count", link="projects"), "is_required": True}, None),
    ],
)
async def test_what_cannot_be_computed_is_refused(
    client: Client, cast: Cast, entry: dict[str, Any], position: int | None
) -> None:
    owner = client.as_(cast.owner)
    _, clients = await make(owner)
    response = await owner.patch(f"/api/v1/recordsets/{clients['slug']}", json={"fields": [entry]})
    assert refusal(response) == (422, "field_options_invalid"), response.text
    assert response.json().get("position") == position
    assert len((await owner.get(f"/api/v1/recordsets/{clients['slug']}")).json()["fields"]) == 2


async def test_values_come_through_three_links_at_most_and_never_in_a_circle(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    below = await create_recordset(owner, name="L0", fields=[{"name": "Value", "type": "number"}])
    record = await create_record(owner, below, {"value": 5})
    for level in range(1, 4):
        fields = [field("Below", "link", recordset=below["id"]), rollup_of("Value", "below")]
        below = await create_recordset(owner, name=f"L{level}", fields=fields)
        record = await create_record(owner, below, {"below": record["id"]})
        assert record["field_values"]["value"] == 5
    fields = [field("Below", "link", recordset=below["id"]), rollup_of("Value", "below")]
    body = {"name": "L4", "fields": fields}
    assert refusal(await owner.post("/api/v1/recordsets", json=body)) == (422, "field_options_invalid")
    circle = [
        field("Next", "link"),
        rollup_of("Sum", "next", "plus"),
        field("Plus", "formula", expression="{sum} + 1"),
    ]
    refused = await owner.post("/api/v1/recordsets", json={"name": "Circle", "fields": circle})
    assert refusal(refused) == (422, "field_options_invalid")


def rollup_of(name: str, link: str, key: str = "value") -> dict[str, Any]:
    return field(name, "rollup", link=link, field=key, function="sum")


async def test_the_other_direction_is_counted_and_summed(client: Client, cast: Cast) -> None:
    owner, member = client.as_(cast.owner), client.as_(cast.member)
    teams = await create_recordset(owner, name="Teams", fields=[{"name": "Name", "type": "text"}])
    link = {"name": "Team", "type": "link", "options": {"recordset": teams["id"], "inverse": "People"}}
    people = await create_recordset(owner, name="People", fields=[{"name": "Age", "type": "number"}, link])
    more = [
        field("Heads", "count", link="people"),
        field("Age", "rollup", link="people", field="age", function="sum"),
        field("Ages", "lookup", link="people", field="age"),
    ]
    assert (await owner.patch(f"/api/v1/recordsets/{teams['slug']}", json={"fields": more})).status_code == 200
    team = await create_record(owner, teams, {"name": "Reds"})
    ids = [(await create_record(owner, people, {"age": age, "team": team["id"]}))["id"] for age in (30, 40)]
    shown = await values_of(owner, team["id"])
    assert (shown["heads"], shown["age"], shown["ages"], shown["people"]) == (2, 70, [30, 40], ids)
    await grant(owner, teams, cast.member, "can_view")
    shown = await values_of(member, team["id"])
    assert (shown["heads"], shown["age"], shown["ages"], shown["people"]) == (None, None, None, [])


async def test_a_single_link_looks_up_one_value_and_sorts_by_it(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    projects = await create_recordset(owner, name="Projects", fields=PROJECT_FIELDS)
    fields = [
        {"name": "Name", "type": "text"},
        field("Project", "link", recordset=projects["slug"], multiple=False),
        field("Budget", "lookup", link="project", field="budget"),
        field("Due", "lookup", link="project", field="due"),
        field("Late", "formula", expression="DATEADD({due}, 1, 'weeks')"),
    ]
    tasks = await create_recordset(owner, name="Tasks", fields=fields)
    a, b, _ = await three(owner, projects)
    for name, project in (("first", a), ("second", b), ("third", None)):
        await create_record(owner, tasks, {"name": name, "project": project})
    found = await listed(owner, tasks, sort_by="budget", fields="name,budget,due,late")
    assert found == [
        {"name": "second", "budget": 2.5, "due": "2026-01-01", "late": "2026-01-08"},
        {"name": "first", "budget": 10, "due": "2026-03-01", "late": "2026-03-08"},
        {"name": "third", "budget": None, "due": None, "late": None},
    ]
    assert len(await listed(owner, tasks, column_filters=json.dumps({"due": "2026-01-01"}))) == 1


async def test_what_is_computed_is_written_by_nobody(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    _, clients = await make(owner, field("Number", "count", link="projects"))
    body = {"recordset_id": clients["id"], "field_values": {"number": 3}}
    assert refusal(await owner.post("/api/v1/records", json=body)) == (403, "field_read_only")


async def test_a_recordset_that_computes_nothing_pays_nothing(
    client: Client, cast: Cast, inspector: StatementInspector
) -> None:
    owner = client.as_(cast.owner)
    plain = await create_recordset(owner, fields=[{"name": "Name", "type": "text"}])
    body = {"recordset_id": plain["id"], "field_values": {"name": "x"}}
    assert (await owner.post("/api/v1/records", json=body)).status_code == 201
    before = inspector.count
    assert (await owner.post("/api/v1/records", json=body)).status_code == 201
    created = inspector.count - before
    before = inspector.count
    assert (await owner.get("/api/v1/records", params={"recordset_id": plain["id"]})).status_code == 200
    assert (created, inspector.count - before) == (2, 2)


_BUDGETS = st.lists(st.one_of(st.none(), st.integers(-5, 5), st.sampled_from([0.1, 0.2, 1e300, -1e300])), max_size=5)


@settings(max_examples=12, deadline=None, suppress_health_check=SLOW)
@given(groups=st.lists(_BUDGETS, min_size=1, max_size=3))
async def test_rollups_agree_with_python(runtime: Runtime, client: Client, groups: list[list[float | None]]) -> None:
    owner = client.as_((await create_cast(runtime)).owner)
    functions = ("sum", "min", "max", "count")
    projects, clients = await make(owner, *(rollup(name.upper(), name, "budget") for name in functions))
    for budgets in groups:
        ids = [(await create_record(owner, projects, {"budget": budget}))["id"] for budget in budgets]
        await create_record(owner, clients, {"projects": ids})
    shown = await listed(owner, clients)
    for values, budgets in zip(shown, groups, strict=True):
        known = [budget for budget in budgets if budget is not None]
        expected = [_exact_sum(known), min(known, default=None), max(known, default=None), len(known)]
        # JSON writes large numbers with all their digits.
        assert [values[name] and float(values[name]) for name in functions] == expected


def _exact_sum(values: list[float]) -> float:
    return float(sum((Fraction(Decimal(str(value))) for value in values), Fraction(0)))
