"""Row rules: which records are within whose reach, in force at once and on every surface."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import pytest

from fostr.domains.records import public
from fostr.kernel import clock
from fostr.kernel.ids import new_id
from fostr.kernel.jobs.behalf import act_as_member
from fostr.kernel.runtime import Runtime
from tests.support.airports import RECORDS, create_airports, list_names, list_page
from tests.support.cast import Cast, Person
from tests.support.client import Client, refusal
from tests.support.events import event_types
from tests.support.records import create_record, grant
from tests.support.rules import VIEWER, create_rule, leaf

PATH = "/api/v1/recordsets"
IN_TEXAS = leaf("state", "eq", "TX")
STATES = {"Livingston": "TX", "Dallas": "TX", "Fresno": "CA", "Albany": "NY"}


@pytest.fixture
async def airports(client: Client, cast: Cast) -> dict[str, Any]:
    return await create_airports(client, cast)


@pytest.fixture
async def records(client: Client, cast: Cast, airports: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Four airports, two of them in Texas; each lies somewhere."""
    owner = client.as_(cast.owner)
    return {
        name: await create_record(owner, airports, {"name": name, "state": state, "lat": 30.0, "lng": -95.0})
        for name, state in STATES.items()
    }


def path_of(recordset: dict[str, Any]) -> str:
    return f"{PATH}/{recordset['id']}/rules"


async def create_team(runtime: Runtime, cast: Cast, *people: Person, is_active: bool = True) -> UUID:
    team_id = new_id()
    async with runtime.database.unit(cast.acme) as unit:
        await unit.run(
            "insert into teams (workspace_id, id, name, is_active) values (:workspace, :id, :name, :is_active)",
            id=team_id,
            name=f"Team {team_id.hex[-6:]}",
            is_active=is_active,
        )
        for person in people:
            await unit.run(
                "insert into team_members (workspace_id, team_id, member_id) values (:workspace, :team, :member)",
                team=team_id,
                member=person.member_id,
            )
    return team_id


async def map_names(client: Client, recordset: dict[str, Any]) -> set[str]:
    response = await client.get(f"{RECORDS}/map", params={"recordset_id": recordset["id"]})
    lines = [orjson.loads(line) for line in response.text.splitlines()]
    assert lines[-1]["__meta__"]["count"] == len(lines) - 1
    return {line["title"] for line in lines[:-1]}


async def test_what_a_rule_leaves_out_is_not_there(
    client: Client, cast: Cast, airports: dict[str, Any], records: dict[str, dict[str, Any]]
) -> None:
    await create_rule(client.as_(cast.owner), airports, IN_TEXAS, roles=["member"])
    for person, expected in (
        (cast.owner, set(STATES)),
        (cast.admin, set(STATES)),
        (cast.member, {"Livingston", "Dallas"}),
        (cast.viewer, set(STATES)),
    ):
        reader = client.as_(person)
        for page in (
            await list_page(reader, airports),
            await list_page(reader, airports, count="exact"),
            await list_page(reader, airports, sort_by="name"),
            await list_page(reader, None),
            await list_page(reader, None, sort_by="created_at", sort_order="desc"),
        ):
            assert {item["title"] for item in page["items"]} == expected
            assert (page["total"], page["has_more"]) == (len(expected), False)
        assert (await list_page(reader, airports, search="fresno"))["total"] == ("Fresno" in expected)
        assert (await list_page(reader, None, search="fresno"))["total"] == ("Fresno" in expected)
        assert await list_names(reader, airports, column_filters={"state": "CA"}) == sorted({"Fresno"} & expected)
        assert await map_names(reader, airports) == expected
        for name, record in records.items():
            for path in ("", "/history", "/comments"):
                response = await reader.get(f"{RECORDS}/{record['id']}{path}")
                assert response.status_code == (200 if name in expected else 404), response.text


async def test_a_record_out_of_sight_can_be_touched_by_nothing(
    client: Client, cast: Cast, airports: dict[str, Any], records: dict[str, dict[str, Any]]
) -> None:
    await create_rule(client.as_(cast.owner), airports, IN_TEXAS, roles=["member"])
    member, path = client.as_(cast.member), f"{RECORDS}/{records['Fresno']['id']}"
    unknown = f"{RECORDS}/{new_id()}"
    for there, nowhere in (
        (await member.patch(path, json={"tags": ["a"]}), await member.patch(unknown, json={"tags": ["a"]})),
        (await member.delete(path), await member.delete(unknown)),
        (
            await member.post(f"{path}/comments", json={"text": "Hm."}),
            await member.post(f"{unknown}/comments", json={"text": "Hm."}),
        ),
        (
            await member.post(f"{path}/history/{records['Fresno']['id']}/restore"),
            await member.post(f"{unknown}/history/{records['Fresno']['id']}/restore"),
        ),
    ):
        assert refusal(there) == refusal(nowhere) == (404, "record_not_found")
        assert there.json()["detail"] == nowhere.json()["detail"]


async def test_one_rule_of_several_is_enough(
    client: Client, cast: Cast, airports: dict[str, Any], records: dict[str, dict[str, Any]]
) -> None:
    owner, member = client.as_(cast.owner), client.as_(cast.member)
    assert len(records) == 4
    await create_rule(owner, airports, leaf("state", "eq", "NY"), roles=["member"])
    assert await list_names(member, airports) == ["Albany"]
    second = await create_rule(owner, airports, leaf("state", "eq", "CA"), member_ids=[str(cast.member.member_id)])
    assert await list_names(member, airports, sort_by="name") == ["Albany", "Fresno"]
    everything = await create_rule(owner, airports, {}, roles=["viewer", "member"])
    assert len(await list_names(member, airports)) == 4
    assert (await owner.delete(f"{path_of(airports)}/{everything['id']}")).status_code == 204
    switched = await owner.patch(f"{path_of(airports)}/{second['id']}", json={"is_active": False})
    assert switched.json()["is_active"] is False
    assert await list_names(member, airports) == ["Albany"]


async def test_what_may_be_seen_need_not_be_changed(
    client: Client, cast: Cast, airports: dict[str, Any], records: dict[str, dict[str, Any]]
) -> None:
    owner, member = client.as_(cast.owner), client.as_(cast.member)
    await create_rule(owner, airports, IN_TEXAS, "edit", "delete", roles=["member"])
    assert len(await list_names(member, airports)) == 4
    texan, other = (f"{RECORDS}/{records[name]['id']}" for name in ("Dallas", "Fresno"))
    assert (await member.patch(texan, json={"tags": ["a"]})).status_code == 200
    for response in (await member.patch(other, json={"tags": ["a"]}), await member.delete(other)):
        assert refusal(response) == (403, "recordset_action_forbidden")
        assert "no rule" in response.json()["reason"]
    assert (await member.post(f"{other}/comments", json={"text": "Nice."})).status_code == 201
    assert (await member.delete(texan)).status_code == 204


async def test_bulk_deletes_stop_at_the_rules(
    client: Client, cast: Cast, airports: dict[str, Any], records: dict[str, dict[str, Any]]
) -> None:
    owner, member = client.as_(cast.owner), client.as_(cast.member)
    await create_rule(owner, airports, leaf("state", "ne", "NY"), roles=["member"])
    await create_rule(owner, airports, IN_TEXAS, "delete", roles=["member"])
    named = {"record_ids": [record["id"] for record in records.values()], "dry_run": True}
    results = (await member.post(f"{RECORDS}/bulk-delete", json=named)).json()["results"]
    assert [entry["result"] for entry in results] == ["would_be_deleted", "would_be_deleted", "forbidden", "not_found"]
    everything = {"recordset_id": airports["id"], "all": True}
    dry = await member.post(f"{RECORDS}/bulk-delete", json={**everything, "dry_run": True})
    assert dry.json()["matched"] == 2
    assert (await member.post(f"{RECORDS}/bulk-delete", json=everything)).json()["deleted"] == 2
    assert await list_names(owner, airports, sort_by="name") == ["Albany", "Fresno"]
    # The trash, too, shows and gives back only what is within reach.
    await owner.delete(f"{RECORDS}/{records['Fresno']['id']}")
    assert sorted(await list_names(member, airports, status="deleted")) == ["Dallas", "Livingston"]
    assert (await list_page(member, None, status="deleted"))["total"] == 2
    assert refusal(await member.post(f"{RECORDS}/{records['Fresno']['id']}/restore")) == (
        403,
        "recordset_action_forbidden",
    )
    assert (await member.post(f"{RECORDS}/{records['Dallas']['id']}/restore")).status_code == 200


async def test_a_rule_may_name_the_viewer(
    client: Client, cast: Cast, airports: dict[str, Any], records: dict[str, dict[str, Any]]
) -> None:
    owner, member = client.as_(cast.owner), client.as_(cast.member)
    mine = {"or": [leaf("@owner_id", "eq", VIEWER), leaf("@created_by", "eq", VIEWER)]}
    await create_rule(owner, airports, mine)
    await owner.patch(f"{RECORDS}/{records['Fresno']['id']}", json={"owner_id": str(cast.member.member_id)})
    await owner.patch(f"{RECORDS}/{records['Albany']['id']}", json={"owner_id": str(cast.viewer.member_id)})
    await create_record(member, airports, {"name": "Waco"})
    assert sorted(await list_names(member, airports)) == ["Fresno", "Waco"]
    assert await list_names(client.as_(cast.viewer), airports) == ["Albany"]


async def test_a_rule_may_name_the_teams_of_the_viewer(
    client: Client, cast: Cast, runtime: Runtime, airports: dict[str, Any], records: dict[str, dict[str, Any]]
) -> None:
    owner, member = client.as_(cast.owner), client.as_(cast.member)
    ours, theirs = await create_team(runtime, cast, cast.member), await create_team(runtime, cast, cast.viewer)
    await create_rule(owner, airports, leaf("city", "in", {"$viewer": "team_ids"}), roles=["member"])
    assert await list_names(member, airports) == []
    for name, team in (("Dallas", ours), ("Albany", theirs)):
        await owner.patch(f"{RECORDS}/{records[name]['id']}", json={"field_values": {"city": str(team)}})
    assert await list_names(member, airports) == ["Dallas"]


async def test_a_team_is_limited_even_when_it_is_out_of_use(
    client: Client, cast: Cast, runtime: Runtime, airports: dict[str, Any], records: dict[str, dict[str, Any]]
) -> None:
    owner, member = client.as_(cast.owner), client.as_(cast.member)
    assert len(records) == 4
    for is_active in (True, False):
        team_id = await create_team(runtime, cast, cast.member, is_active=is_active)
        rule = await create_rule(owner, airports, IN_TEXAS, team_ids=[str(team_id)])
        assert len(await list_names(member, airports)) == 2
        assert len(await list_names(client.as_(cast.viewer), airports)) == 4
        await owner.delete(f"{path_of(airports)}/{rule['id']}")


async def test_a_rule_may_use_what_it_does_not_show(client: Client, cast: Cast, airports: dict[str, Any]) -> None:
    owner, member = client.as_(cast.owner), client.as_(cast.member)
    for name, secret in (("A", "open"), ("B", "hush")):
        await create_record(owner, airports, {"name": name, "secret": secret})
    await create_rule(owner, airports, leaf("secret", "eq", "open"), roles=["member"])
    listed = await member.get(RECORDS, params={"recordset_id": airports["id"]})
    assert [item["title"] for item in listed.json()["items"]] == ["A"]
    assert "open" not in listed.text.replace("opened", "").replace("is_open", "")


async def test_who_could_change_the_rules_is_not_limited(
    client: Client, cast: Cast, airports: dict[str, Any], records: dict[str, dict[str, Any]]
) -> None:
    owner, viewer = client.as_(cast.owner), client.as_(cast.viewer)
    assert len(records) == 4
    await create_rule(owner, airports, IN_TEXAS)
    assert len(await list_names(viewer, airports)) == 2
    await grant(owner, airports, cast.viewer, "can_admin")
    assert len(await list_names(viewer, airports)) == 4
    assert (await viewer.get(f"{PATH}/{airports['id']}")).json()["record_count"] == 4


async def test_how_many_there_are_is_not_told(
    client: Client, cast: Cast, airports: dict[str, Any], records: dict[str, dict[str, Any]]
) -> None:
    assert len(records) == 4
    await create_rule(client.as_(cast.owner), airports, IN_TEXAS, roles=["member"])
    for person, count in ((cast.admin, 4), (cast.member, None), (cast.viewer, 4)):
        reader = client.as_(person)
        assert (await reader.get(f"{PATH}/{airports['id']}")).json()["record_count"] == count
        assert (await reader.get(PATH)).json()["items"][0]["record_count"] == count


async def test_a_record_may_be_moved_out_of_ones_own_reach(
    client: Client, cast: Cast, airports: dict[str, Any], records: dict[str, dict[str, Any]]
) -> None:
    member, path = client.as_(cast.member), f"{RECORDS}/{records['Dallas']['id']}"
    await create_rule(client.as_(cast.owner), airports, IN_TEXAS, roles=["member"])
    moved = await member.patch(path, json={"field_values": {"state": "NY"}})
    assert (moved.status_code, moved.json()["field_values"]["state"]) == (200, "NY")
    assert refusal(await member.get(path)) == (404, "record_not_found")
    created = await create_record(member, airports, {"name": "Elsewhere", "state": "CA"})
    assert (await member.get(f"{RECORDS}/{created['id']}")).status_code == 404


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_a_rule_holds_at_the_moment_of_the_write(
    client: Client, cast: Cast, runtime: Runtime, airports: dict[str, Any], method: str
) -> None:
    owner, member = client.as_(cast.owner), client.as_(cast.member)
    await create_rule(owner, airports, leaf("city", "eq", "Dallas"), "edit", "delete", roles=["member"])
    record = await create_record(owner, airports, {"name": "A", "city": "Dallas"})
    sent: dict[str, Any] = {"json": {"tags": ["a"]}} if method == "PATCH" else {}
    async with runtime.database.unit(cast.acme) as unit:
        # Somebody moves it to where the member may not change it, and has not committed yet.
        await unit.run(
            """
            update records r set field_values = r.field_values || '{"city": "Waco"}', version = r.version + 1
            where r.workspace_id = :workspace and r.id = :id
            """,
            id=UUID(record["id"]),
        )
        late = asyncio.create_task(member.request(method, f"{RECORDS}/{record['id']}", **sent))
        await somebody_waits(runtime)
    assert refusal(await late) == (403, "recordset_action_forbidden")
    assert (await owner.get(f"{RECORDS}/{record['id']}")).json()["tags"] == []


async def somebody_waits(runtime: Runtime) -> None:
    """Return once a statement waits for the lock of another."""
    waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    async with asyncio.timeout(30), runtime.database.unit() as unit:
        while not await unit.value(waiting):
            await unit.rollback()
            await asyncio.sleep(0.02)


async def test_today_is_the_day_of_the_request(client: Client, cast: Cast, airports: dict[str, Any]) -> None:
    owner, member = client.as_(cast.owner), client.as_(cast.member)
    for day in ("2026-03-01", "2026-03-02"):
        await create_record(owner, airports, {"name": day, "opened": day})
    await create_rule(owner, airports, leaf("opened", "within", "today"), roles=["member"])
    for day in ("2026-03-01", "2026-03-02"):
        with clock.travel(to=datetime.fromisoformat(f"{day}T10:00:00").replace(tzinfo=UTC)):
            assert await list_names(member, airports) == [day]
            assert await list_names(member, airports) == [day]


async def test_rules_of_one_recordset_do_not_touch_another(
    client: Client, cast: Cast, airports: dict[str, Any], records: dict[str, dict[str, Any]]
) -> None:
    owner, member = client.as_(cast.owner), client.as_(cast.member)
    assert len(records) == 4
    other = await create_airports(client, cast, name="Heliports")
    await create_record(owner, other, {"name": "Roof", "state": "CA", "elevation": 7})
    await create_rule(owner, airports, IN_TEXAS, roles=["member"])
    await create_rule(owner, other, leaf("elevation", "gt", 5), roles=["member"])
    assert (await list_page(member, None))["total"] == 3
    await create_rule(owner, other, leaf("elevation", "gt", 9), "view", member_ids=[str(cast.member.member_id)])
    assert (await list_page(member, None))["total"] == 3
    listed = (await member.get(path_of(other))).json()
    assert listed["code"] == "recordset_action_forbidden"


async def test_an_administrator_sees_what_somebody_would_see(
    client: Client, cast: Cast, airports: dict[str, Any], records: dict[str, dict[str, Any]]
) -> None:
    owner, path = client.as_(cast.owner), f"{path_of(airports)}/preview"
    rule = await create_rule(owner, airports, IN_TEXAS, "view", roles=["member"])
    await create_rule(owner, airports, leaf("name", "eq", "Dallas"), "delete", roles=["member"])

    async def preview(person: Person, action: str = "view") -> dict[str, Any]:
        response = await owner.post(path, json={"member_id": str(person.member_id), "action": action})
        assert response.status_code == 200, response.text
        return response.json()

    seen = await preview(cast.member)
    assert (seen["count"], seen["rules"]) == (2, [rule["name"]])
    assert set(seen["record_ids"]) == {records["Livingston"]["id"], records["Dallas"]["id"]}
    assert (await preview(cast.member, "delete"))["record_ids"] == [records["Dallas"]["id"]]
    assert ((await preview(cast.admin))["count"], (await preview(cast.admin))["rules"]) == (4, [])
    refused = await preview(cast.viewer, "edit")
    assert (refused["is_allowed"], refused["count"]) == (False, 0)
    assert "viewer" in refused["reason"]
    for nobody in (new_id(), cast.stranger.member_id):
        assert refusal(await owner.post(path, json={"member_id": str(nobody)})) == (404, "member_not_found")


async def test_why_is_told(client: Client, cast: Cast, airports: dict[str, Any]) -> None:
    await create_rule(client.as_(cast.owner), airports, IN_TEXAS, "edit", roles=["member"])
    report = (await client.as_(cast.member).get(f"{PATH}/{airports['id']}/permissions")).json()
    assert report["permissions"]["can_edit"] is True
    assert "row rules" in report["reasons"]["can_edit"]
    assert "row rules" not in report["reasons"]["can_view"]
    assert "row rules" not in str((await client.as_(cast.admin).get(f"{PATH}/{airports['id']}/permissions")).json())


async def test_other_domains_ask_the_same(
    client: Client, cast: Cast, runtime: Runtime, airports: dict[str, Any], records: dict[str, dict[str, Any]]
) -> None:
    await create_rule(client.as_(cast.owner), airports, IN_TEXAS, roles=["member"])
    await client.as_(cast.owner).delete(f"{RECORDS}/{records['Dallas']['id']}")
    ids = [UUID(record["id"]) for record in records.values()]
    texan = {UUID(records[name]["id"]) for name in ("Livingston", "Dallas")}
    for person, expected in ((cast.member, texan), (cast.viewer, set(ids)), (cast.owner, set(ids))):
        async with runtime.database.unit(cast.acme) as unit:
            context = await act_as_member(runtime, unit, member_id=person.member_id, cause_id=new_id())
            assert await public.may_see_records(context, [*ids, new_id()]) == expected
            reference = await public.get_recordset(context, reference=UUID(airports["id"]))
        assert reference.record_count == (None if person is cast.member else 3)


async def test_a_field_that_a_rule_uses_stays(client: Client, cast: Cast, airports: dict[str, Any]) -> None:
    owner, path = client.as_(cast.owner), f"{PATH}/{airports['id']}"
    rule = await create_rule(owner, airports, {"not": {"or": [IN_TEXAS, leaf("city", "eq", "X")]}}, roles=["member"])
    response = await owner.patch(path, json={"remove_fields": ["city"]})
    assert refusal(response) == (409, "field_used_by_rule"), response.text
    assert response.json()["rule"] == rule["name"]
    assert (await owner.patch(path, json={"remove_fields": ["runways"]})).status_code == 200
    await owner.delete(f"{path_of(airports)}/{rule['id']}")
    assert (await owner.patch(path, json={"remove_fields": ["city"]})).status_code == 200


async def test_rules_that_mean_nothing_are_refused(
    client: Client, cast: Cast, runtime: Runtime, airports: dict[str, Any]
) -> None:
    owner, path = client.as_(cast.owner), path_of(airports)
    good: dict[str, Any] = {
        "name": "R",
        "actions": ["view"],
        "applies_to": {"roles": ["member"]},
        "condition": IN_TEXAS,
    }
    cases: list[tuple[dict[str, Any], tuple[int, str]]] = [
        ({"condition": leaf("nothing", "eq", 1)}, (422, "filter_invalid")),
        ({"condition": leaf("state", "flies", 1)}, (422, "filter_invalid")),
        ({"condition": {"and": [{"or": []}]}}, (422, "filter_invalid")),
        ({"condition": {"state": "TX"}}, (422, "filter_invalid")),
        ({"applies_to": {"roles": ["admin"]}}, (422, "rule_role_invalid")),
        ({"applies_to": {"roles": ["pilot"]}}, (422, "rule_role_invalid")),
        ({"applies_to": {"member_ids": [str(cast.stranger.member_id)]}}, (404, "member_not_found")),
        ({"applies_to": {"team_ids": [str(new_id())]}}, (404, "team_not_found")),
        ({"applies_to": {}}, (422, "validation_failed")),
        ({"applies_to": {"everybody": True, "roles": ["member"]}}, (422, "validation_failed")),
        ({"actions": []}, (422, "validation_failed")),
        ({"actions": ["fly"]}, (422, "validation_failed")),
        ({"name": " "}, (422, "validation_failed")),
    ]
    for changes, expected in cases:
        assert refusal(await owner.post(path, json={**good, **changes})) == expected, changes
    assert (await owner.get(path)).json()["total"] == 0
    async with runtime.database.unit(cast.acme) as unit:
        await unit.run(
            """
            insert into recordset_rules (workspace_id, id, recordset_id, name, actions, condition, position)
            select :workspace, gen_random_uuid(), :recordset_id, 'R', '{view}', '{}', n from generate_series(1, 50) n
            """,
            recordset_id=UUID(airports["id"]),
        )
    assert refusal(await owner.post(path, json=good)) == (409, "too_many_rules")


async def test_rules_are_for_those_who_administer(client: Client, cast: Cast, airports: dict[str, Any]) -> None:
    owner, path = client.as_(cast.owner), path_of(airports)
    rule = await create_rule(owner, airports, IN_TEXAS, roles=["viewer"])
    body = {"name": "R", "actions": ["view"], "applies_to": {"everybody": True}, "condition": {}}
    for person, expected in (
        (cast.member, (403, "recordset_action_forbidden")),
        (cast.viewer, (403, "recordset_action_forbidden")),
    ):
        other = client.as_(person)
        for response in (
            await other.get(path),
            await other.post(path, json=body),
            await other.post(f"{path}/preview", json={"member_id": str(cast.member.member_id)}),
            await other.patch(f"{path}/{rule['id']}", json={"is_active": False}),
            await other.delete(f"{path}/{rule['id']}"),
        ):
            assert refusal(response) == expected
    assert refusal(await client.as_(cast.stranger).get(path)) == (404, "recordset_not_found")
    assert refusal(await owner.delete(f"{path}/{new_id()}")) == (404, "rule_not_found")
    other = await create_airports(client, cast, name="Heliports")
    assert refusal(await owner.delete(f"{path_of(other)}/{rule['id']}")) == (404, "rule_not_found")
    await grant(owner, airports, cast.member, "can_admin")
    assert (await client.as_(cast.member).get(path)).json()["items"] == [rule]


async def test_a_rule_is_changed_only_as_it_was_seen(client: Client, cast: Cast, airports: dict[str, Any]) -> None:
    owner = client.as_(cast.owner)
    rule = await create_rule(owner, airports, IN_TEXAS, "delete", "view", roles=["viewer", "member", "viewer"])
    assert (rule["actions"], rule["applies_to"]["roles"], rule["position"]) == (
        ["view", "delete"],
        ["member", "viewer"],
        0,
    )
    path = f"{path_of(airports)}/{rule['id']}"
    changed = await owner.patch(path, json={"name": "Texas", "position": 3}, headers={"If-Match": '"1"'})
    assert changed.json() | {"updated_at": ""} == {
        **rule,
        "name": "Texas",
        "position": 3,
        "version": 2,
        "updated_at": "",
    }
    assert refusal(await owner.patch(path, json={"name": "R", "expected_version": 1})) == (409, "stale_update")
    assert refusal(await owner.patch(path, json={"condition": leaf("no", "eq", 1)})) == (422, "filter_invalid")
    unchanged = await owner.patch(path, json={"name": "Texas"})
    assert unchanged.json()["version"] == 2
    assert (await create_rule(owner, airports, {}))["position"] == 4


async def test_every_change_of_the_rules_is_told(
    client: Client, cast: Cast, runtime: Runtime, airports: dict[str, Any]
) -> None:
    owner = client.as_(cast.owner)
    rule = await create_rule(owner, airports, IN_TEXAS, roles=["member"])
    await owner.patch(f"{path_of(airports)}/{rule['id']}", json={"is_active": False})
    await owner.delete(f"{path_of(airports)}/{rule['id']}")
    told = await event_types(runtime, cast.acme, entity_id=airports["id"])
    assert told[-3:] == ["recordset.rule_created", "recordset.rule_updated", "recordset.rule_deleted"]
