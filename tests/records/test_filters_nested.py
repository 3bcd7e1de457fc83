"""Conditions in groups: what they select, dates around the present, operands that name the viewer, and refusals."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fostr.domains.records.query.conditions import DEEPEST, MOST_CONDITIONS
from fostr.domains.records.query.moments import find_clock, parse_period
from fostr.kernel import clock
from fostr.kernel.ids import new_id
from fostr.kernel.runtime import Runtime
from tests.records.test_filters_properties import FIELDS, ROWS, SLOW, VALUES, insert, meets
from tests.support.airports import RECORDS, create_airports, list_names, list_page
from tests.support.cast import Cast, create_cast
from tests.support.client import Client, refusal
from tests.support.records import create_record, create_recordset, grant

Tree: TypeAlias = dict[str, Any]

ROWS_LISTED: list[dict[str, Any]] = [
    {"name": "Alpha", "state": "CA", "elevation": 30, "opened": "2026-03-14", "uses": ["cargo"]},
    {"name": "Bravo", "state": "NY", "elevation": 10, "opened": "2026-03-15", "checked": "2026-03-15T23:30:00Z"},
    {"name": "Charlie", "state": "CA", "opened": "2026-02-28", "uses": ["mail", "cargo"]},
    {"name": "delta", "elevation": 20, "opened": "2026-03-16", "checked": "2026-03-15T11:00:00Z"},
    {"name": "Echo", "state": "TX", "elevation": 20.5, "opened": "2025-12-31", "uses": ["mail"]},
]
NOON = datetime(2026, 3, 15, 12, tzinfo=UTC)
"""A Sunday."""
YES = True


def leaf(field: str, op: str, value: Any) -> Tree:
    return {"field": field, "op": op, "value": value}


@dataclass(frozen=True)
class Listed:
    """Five airports, and somebody who may look at them."""

    recordset: dict[str, Any]
    viewer: Client

    async def initials(self, tree: Tree, **params: Any) -> str:
        names = await list_names(self.viewer, self.recordset, filters=tree, **params)
        return "".join(name[0].upper() for name in names)


@pytest.fixture(scope="module")
async def listed(client: Client, runtime: Runtime) -> Listed:
    cast = await create_cast(runtime)
    airports = await create_airports(client, cast)
    for row in ROWS_LISTED:
        await create_record(client.as_(cast.owner), airports, row)
    return Listed(airports, client.as_(cast.viewer))


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        ({}, "ABCDE"),
        ({"and": []}, "ABCDE"),
        (leaf("state", "eq", "CA"), "AC"),
        ({"or": [leaf("state", "eq", "NY"), leaf("elevation", "gt", 20)]}, "ABE"),
        ({"and": [leaf("state", "in", ["CA", "TX"]), {"not": leaf("uses", "has", "mail")}]}, "A"),
        # What is missing meets nothing, and so not to meet it is met.
        ({"not": leaf("elevation", "gte", 20)}, "BC"),
        ({"not": {"not": leaf("elevation", "gte", 20)}}, "ADE"),
        ({"not": {"or": [leaf("state", "eq", "CA"), leaf("elevation", "lt", 15)]}}, "DE"),
        ({"and": [{"or": [leaf("state", "eq", "CA"), leaf("state", "empty", YES)]}, leaf("name", "ne", "X")]}, "ACD"),
        (leaf("name", "ieq", "DELTA"), "D"),
        (leaf("name", "ine", "ALPHA"), "BCDE"),
        (leaf("name", "iin", ["ALPHA", "Delta", "x"]), "AD"),
        (leaf("elevation", "between", [10, 20]), "BD"),
        (leaf("opened", "between", ["2026-02-28", "2026-03-14"]), "AC"),
        (leaf("checked", "between", ["2026-03-15", "2026-03-15"]), "BD"),
        (leaf("uses", "has_none", ["cargo"]), "BDE"),
        (leaf("uses", "has_all", ["cargo", "mail"]), "C"),
        (leaf("uses", "exactly", ["cargo", "mail"]), "C"),
        (leaf("uses", "exactly", "cargo"), "A"),
        (leaf("uses", "count", 0), "BD"),
        (leaf("uses", "count", {"gte": 1, "lt": 2}), "AE"),
        (leaf("uses", "empty", not YES), "ACE"),
        (leaf("extra", "empty", YES), "ABCDE"),
        (leaf("@title", "contains", "LT"), "D"),
        (leaf("@status", "eq", "active"), "ABCDE"),
        (leaf("@tags", "empty", YES), "ABCDE"),
        (leaf("@created_at", "lt", "2020-01-01"), ""),
        (leaf("@import_id", "empty", YES), "ABCDE"),
        (leaf("@id", "in", ["00000000-0000-0000-0000-000000000000"]), ""),
        (leaf("state", "eq", "x' or true --"), ""),
    ],
)  # fmt: skip
async def test_groups_select(listed: Listed, tree: Tree, expected: str) -> None:
    assert await listed.initials(tree) == expected
    assert await listed.initials(tree, sort_by="elevation", column_filters={"name": {"empty": False}}) is not None
    assert (await list_page(listed.viewer, listed.recordset, filters=tree))["total"] == len(expected)


async def test_groups_go_with_the_other_filters(listed: Listed) -> None:
    tree = {"or": [leaf("elevation", "lt", 25), leaf("elevation", "empty", YES)]}
    assert await listed.initials(tree, column_filters={"state": ["CA", "NY"]}) == "BC"
    assert await listed.initials(tree, column_filters={"state": "CA"}, search="charl") == "C"


@pytest.mark.parametrize(
    ("value", "opened", "checked"),
    [
        ("today", "B", "BD"),
        ("yesterday", "A", ""),
        ("tomorrow", "D", ""),
        ("this_week", "AB", "BD"),
        ("next_week", "D", ""),
        ("last_month", "C", ""),
        ("this_quarter", "ABCD", "BD"),
        ("last_year", "E", ""),
        ({"last": 2, "unit": "days"}, "AB", "BD"),
        ({"last": 1, "unit": "months"}, "ABC", "BD"),
        ({"next": 2}, "BD", "BD"),
        ({"next": 1, "unit": "weeks"}, "BD", "BD"),
    ],
)
async def test_dates_around_the_present(listed: Listed, value: Any, opened: str, checked: str) -> None:
    with clock.travel(to=NOON, frozen=True):
        assert await listed.initials(leaf("opened", "within", value)) == opened
        assert await listed.initials(leaf("checked", "within", value)) == checked
        assert await listed.initials({"not": leaf("opened", "eq", value)}) == "".join(
            letter for letter in "ABCDE" if letter not in opened
        )


async def test_days_belong_to_a_time_zone(listed: Listed) -> None:
    today = leaf("checked", "eq", "today")
    with clock.travel(to=NOON, frozen=True):
        assert await listed.initials(today, time_zone="Europe/Berlin") == "D"
        assert await listed.initials(leaf("checked", "eq", "2026-03-16"), time_zone="Europe/Berlin") == "B"
        assert await listed.initials(leaf("checked", "within", {"last": 1, "unit": "hours"})) == "D"
        assert await listed.initials(leaf("checked", "gt", "now")) == "B"
        # A date is the same day everywhere; which day is today is not.
        assert await listed.initials(leaf("opened", "eq", "2026-03-15"), time_zone="Asia/Tokyo") == "B"
    with clock.travel(to=NOON.replace(hour=23), frozen=True):
        assert await listed.initials(leaf("opened", "eq", "today"), time_zone="Asia/Tokyo") == "D"
    refused = await listed.viewer.get(
        RECORDS, params={"recordset_id": listed.recordset["id"], "column_filters": "{}", "time_zone": "../etc"}
    )
    assert refusal(refused) == (422, "time_zone_unknown")


@pytest.mark.parametrize(
    ("tree", "told"),
    [
        ([], {"path": ""}),
        ({"or": []}, {"path": "or"}),
        ({"and": {}}, {"path": "and"}),
        ({"and": [], "or": []}, {"path": ""}),
        ({"and": [leaf("name", "eq", "A"), {"not": leaf("none", "eq", 1)}]}, {"field": "none", "path": "and[1].not"}),
        (leaf("secret", "eq", "x"), {"field": "secret"}),
        (leaf("@nothing", "eq", "x"), {"field": "@nothing"}),
        (leaf("is_open", "gt", YES), {"field": "is_open", "operators": ["eq", "ne", "empty"]}),
        (leaf("extra", "eq", "x"), {"field": "extra", "operators": ["empty"]}),
        (leaf("@owner_id", "eq", "me"), {"field": "@owner_id"}),
        (leaf("elevation", "between", [1]), {"field": "elevation"}),
        (leaf("elevation", "eq", {"$viewer": "member_id"}), {"field": "elevation"}),
        (leaf("name", "eq", {"$viewer": "password"}), {"field": "name"}),
        (leaf("name", "eq", {"$viewer": "team_ids"}), {"field": "name"}),
        (leaf("opened", "eq", {"last": 0}), {"field": "opened"}),
        (leaf("opened", "eq", {"last": 10_000, "unit": "years"}), {"field": "opened"}),
        (leaf("opened", "eq", {"last": 1, "unit": "hours"}), {"field": "opened"}),
        (leaf("opened", "eq", "now"), {"field": "opened"}),
        (leaf("checked", "within", "now"), {"field": "checked"}),
        (leaf("opened", "eq", "last_decade"), {"field": "opened"}),
        (leaf("uses", "count", {"like": 1}), {"field": "uses"}),
        (leaf("uses", "count", 1.5), {"field": "uses"}),
        ({"field": "state", "op": "eq"}, {"path": ""}),
        ({"field": "state", "op": ["eq"], "value": 1}, {"path": ""}),
        ({**leaf("state", "eq", "CA"), "and": []}, {"path": ""}),
        ({"and": [leaf("state", "eq", "CA")] * (MOST_CONDITIONS + 1)}, {"path": f"and[{MOST_CONDITIONS}]"}),
    ],
)  # fmt: skip
async def test_refusals_say_where_and_what(listed: Listed, tree: Any, told: dict[str, Any]) -> None:
    page = {"recordset_id": listed.recordset["id"], "filters": as_text(tree)}
    refused = await listed.viewer.get(RECORDS, params=page)
    assert refusal(refused) == (422, "filter_invalid")
    body = refused.json()
    assert body["parameter"] == "filters"
    if isinstance(tree, dict):
        assert told.items() <= body.items(), body


def as_text(tree: Any) -> str:
    return orjson.dumps(tree).decode()


async def test_groups_are_bounded(listed: Listed) -> None:
    tree = leaf("state", "eq", "CA")
    for _ in range(DEEPEST - 1):
        tree = {"and": [tree]}
    assert await listed.initials(tree) == "AC"
    page = {"recordset_id": listed.recordset["id"], "filters": as_text({"not": tree})}
    assert refusal(await listed.viewer.get(RECORDS, params=page)) == (422, "filter_invalid")
    # Without a recordset, there are no fields.
    everywhere = await listed.viewer.get(RECORDS, params={"filters": as_text(tree)})
    assert refusal(everywhere) == (422, "filter_invalid")


async def test_operands_name_the_viewer(client: Client, cast: Cast, runtime: Runtime) -> None:
    owner, member, viewer = client.as_(cast.owner), client.as_(cast.member), client.as_(cast.viewer)
    fields = [
        {"key": "name", "name": "Name", "type": "text"},
        {"key": "assignee", "name": "Assignee", "type": "text"},
        {"key": "teams", "name": "Teams", "type": "multi_select"},
    ]
    leads = await create_recordset(owner, name="Leads", fields=fields)
    await grant(owner, leads, cast.member, "can_create")
    await grant(owner, leads, cast.viewer, "can_view")
    team = new_id()
    async with runtime.database.unit(cast.acme) as unit:
        await unit.run("insert into teams (workspace_id, id, name) values (:workspace, :id, 'Pilots')", id=team)
        await unit.run(
            "insert into team_members (workspace_id, team_id, member_id) values (:workspace, :team, :member)",
            team=team,
            member=cast.viewer.member_id,
        )
        email = await unit.value(
            "select m.email from members m where m.workspace_id = :workspace and m.id = :id", id=cast.viewer.member_id
        )
    await create_record(owner, leads, {"name": "A", "assignee": str(cast.member.member_id)})
    await create_record(member, leads, {"name": "B", "assignee": email, "teams": [str(team), "other"]})
    await create_record(owner, leads, {"name": "C", "assignee": str(team)})
    me, teams = {"$viewer": "member_id"}, {"$viewer": "team_ids"}
    for tree, by_member, by_viewer in (
        (leaf("assignee", "eq", me), ["A"], []),
        (leaf("assignee", "ne", me), ["B", "C"], ["A", "B", "C"]),
        (leaf("assignee", "in", [me, str(team)]), ["A", "C"], ["C"]),
        (leaf("assignee", "in", teams), [], ["C"]),
        (leaf("assignee", "not_in", teams), ["A", "B", "C"], ["A", "B"]),
        (leaf("assignee", "eq", {"$viewer": "email"}), [], ["B"]),
        (leaf("assignee", "eq", {"$viewer": "user_id"}), [], []),
        (leaf("teams", "has_any", teams), [], ["B"]),
        (leaf("teams", "has_none", [teams, me]), ["A", "B", "C"], ["A", "C"]),
        (leaf("@created_by", "eq", me), ["B"], []),
        (leaf("@created_by", "in", [me, str(cast.owner.member_id)]), ["A", "B", "C"], ["A", "C"]),
        (leaf("@owner_id", "in", teams), [], []),
    ):
        assert await list_names(member, leads, filters=tree) == by_member, tree
        assert await list_names(viewer, leads, filters=tree) == by_viewer, tree
    assert await list_names(member, leads, column_filters={"assignee": me}) == ["A"]


LEAVES = st.sampled_from(sorted(VALUES)).flatmap(
    lambda key: st.tuples(st.just(key), st.sampled_from(operators_of(key)), VALUES[key])
)


def operators_of(key: str) -> list[str]:
    match key.partition("_")[0]:
        case "text":
            return ["eq", "ne", "contains", "not_contains", "starts_with", "ends_with"]
        case "flag":
            return ["eq", "ne"]
        case "labels":
            return ["has_any", "has_all"]
        case _:
            return ["eq", "ne", "lt", "lte", "gt", "gte"]


TREES = st.recursive(
    LEAVES.map(lambda parts: leaf(*parts)),
    lambda inner: st.one_of(
        inner.map(lambda tree: {"not": tree}),
        st.lists(inner, min_size=1, max_size=3).map(lambda trees: {"and": trees}),
        st.lists(inner, min_size=1, max_size=3).map(lambda trees: {"or": trees}),
    ),
    max_leaves=6,
).filter(lambda tree: depth_of(tree) <= DEEPEST)


def depth_of(tree: Tree) -> int:
    if "field" in tree:
        return 1
    children = [tree["not"]] if "not" in tree else tree.get("and") or tree["or"]
    return 1 + max(depth_of(child) for child in children)


def holds(tree: Tree, values: dict[str, Any]) -> bool:
    if "not" in tree:
        return not holds(tree["not"], values)
    if "and" in tree:
        return all(holds(child, values) for child in tree["and"])
    if "or" in tree:
        return any(holds(child, values) for child in tree["or"])
    return meets(tree["field"], values.get(tree["field"]), tree["op"], tree["value"])


@pytest.fixture(scope="module")
async def place(client: Client, runtime: Runtime) -> tuple[Client, dict[str, Any]]:
    cast = await create_cast(runtime)
    owner = client.as_(cast.owner)
    return owner, await create_recordset(owner, fields=FIELDS)


@given(rows=ROWS, trees=st.lists(TREES, min_size=3, max_size=6))
@settings(max_examples=20, deadline=None, suppress_health_check=SLOW)
async def test_groups_select_what_they_say(
    place: tuple[Client, dict[str, Any]], rows: list[dict[str, Any]], trees: list[Tree]
) -> None:
    tag, made = await insert(place, rows)
    for tree in trees:
        expected = [record["id"] for record in made if holds(tree, record["field_values"])]
        page = await list_page(*place, tags=tag, filters=tree)
        assert [item["id"] for item in page["items"]] == expected, (tree, [r["field_values"] for r in made])


@given(
    now=st.integers(0, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Apia"]),
    unit=st.sampled_from(["week", "month", "quarter", "year"]),
)
@settings(max_examples=100, deadline=None)
def test_periods_follow_each_other(now: datetime, zone: str, unit: str) -> None:
    for of_days in (False, True):
        asked = find_clock(now, zone)
        last, this, following = (
            parse_period(f"{turn}_{unit}", of_days=of_days, clock=asked) for turn in ("last", "this", "next")
        )
        assert (last.end, this.end) == (this.start, following.start)
        today = parse_period("today", of_days=of_days, clock=asked)
        assert today.end is not None
        assert this.end is not None
        assert this.start <= today.start < today.end <= this.end
        if not of_days:
            assert today.start <= now < today.end
        week = parse_period({"last": 7, "unit": "days"}, of_days=of_days, clock=asked)
        assert week == parse_period({"last": 1, "unit": "weeks"}, of_days=of_days, clock=asked)
        assert week.end == today.end
