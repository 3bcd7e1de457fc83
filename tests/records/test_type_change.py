"""Fields get another type: what becomes of their values, what would be lost, and how all of it is told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast, Person
from tests.support.client import Client, Response, refusal
from tests.support.events import event_types
from tests.support.records import create_record, create_recordset, grant
from tests.support.rows import insert_records, kept_records

RECORDSETS = "/api/v1/recordsets"
RECORDS = "/api/v1/records"
RunJobs = Callable[[], Awaitable[None]]


async def retype(client: Client, person: Person, recordset: dict[str, Any], type: str, **more: Any) -> Response:
    body = {"fields": [{"key": "field", "type": type, **more}]}
    return await client.as_(person).patch(f"{RECORDSETS}/{recordset['id']}", json=body)


async def preview(client: Client, person: Person, recordset: dict[str, Any], type: str, **more: Any) -> Response:
    path = f"{RECORDSETS}/{recordset['id']}/fields/field/type-change/preview"
    return await client.as_(person).post(path, json={"type": type, **more})


async def make(client: Client, cast: Cast, type: str, values: list[Any], **field: Any) -> dict[str, Any]:
    """Make a recordset whose records have these values of one field, in their order."""
    owner = client.as_(cast.owner)
    made = await create_recordset(owner, fields=[{"name": "Field", "key": "field", "type": type, **field}])
    for value in values:
        await create_record(owner, made, {"field": value})
    return made


async def values_of(runtime: Runtime, cast: Cast, recordset: dict[str, Any]) -> list[Any]:
    return [row["field_values"].get("field") for row in await kept_records(runtime, cast.acme, recordset)]


CONVERSIONS: list[tuple[dict[str, Any], str, dict[str, Any], list[tuple[Any, Any]]]] = [
    ({"type": "text"}, "number", {}, [("12.5", 12.5), ("1,000", 1000)]),
    ({"type": "text"}, "date", {}, [("2026-01-31", "2026-01-31"), ("2026-01-31T10:00", "2026-01-31")]),
    ({"type": "text"}, "multi_select", {}, [("a, b", ["a", "b"]), ("c", ["c"])]),
    ({"type": "text"}, "percent", {}, [("25%", 0.25)]),
    ({"type": "text"}, "json", {}, [('{"a": 1}', {"a": 1}), ("plain", "plain")]),
    ({"type": "text"}, "location", {}, [("37.4, -122.1", {"lat": 37.4, "lng": -122.1})]),
    ({"type": "number"}, "text", {}, [(12, "12"), (0.5, "0.5"), (3.0, "3")]),
    ({"type": "number"}, "boolean", {}, [(1, True), (0.0, False)]),
    ({"type": "number"}, "duration", {}, [(5400, 5400)]),
    ({"type": "duration"}, "text", {}, [("1:30:00", "1:30:00")]),
    ({"type": "boolean"}, "number", {}, [(True, 1), (False, 0)]),
    ({"type": "boolean"}, "text", {}, [(True, "true")]),
    ({"type": "select"}, "multi_select", {}, [("a", ["a"])]),
    ({"type": "multi_select"}, "text", {}, [(["a", "b"], "a, b")]),
    ({"type": "multi_select"}, "select", {}, [(["a"], "a")]),
    ({"type": "date"}, "datetime", {"time_zone": "Europe/Berlin"}, [("2026-07-01", "2026-06-30T22:00:00Z")]),
    (
        {"type": "datetime", "options": {"time_zone": "Europe/Berlin"}},
        "date",
        {},
        [("2026-06-30T22:30:00Z", "2026-07-01")],
    ),
    ({"type": "location"}, "geometry", {}, [({"lat": 1, "lng": 2}, {"type": "Point", "coordinates": [2.0, 1.0]})]),
    ({"type": "geometry"}, "location", {}, [({"type": "Point", "coordinates": [2, 1]}, {"lat": 1.0, "lng": 2.0})]),
    ({"type": "json"}, "text", {}, [({"a": 1}, '{"a":1}'), ("b", "b")]),
]


@pytest.mark.parametrize(("field", "type", "options", "values"), CONVERSIONS)
async def test_values_become_those_of_the_other_type(
    client: Client,
    cast: Cast,
    runtime: Runtime,
    field: dict[str, Any],
    type: str,
    options: dict[str, Any],
    values: list[tuple[Any, Any]],
) -> None:
    made = await make(client, cast, values=[before for before, _ in values], **field)
    response = await retype(client, cast.owner, made, type, options=options)
    assert response.status_code == 200, response.text
    changed = response.json()["fields"][0]
    assert (changed["type"], changed["options"], changed["becomes"]) == (type, options, None)
    kept = await values_of(runtime, cast, made)
    assert kept == [after for _, after in values]
    assert [isinstance(value, bool) for value in kept] == [isinstance(after, bool) for _, after in values]


async def test_members_become_texts_by_their_names(client: Client, cast: Cast, runtime: Runtime) -> None:
    made = await make(client, cast, "member", [str(cast.member.member_id)])
    person = (await client.as_(cast.owner).get(f"/api/v1/members/{cast.member.member_id}")).json()
    assert (await retype(client, cast.owner, made, "text")).status_code == 200
    assert await values_of(runtime, cast, made) == [person["display_name"] or person["full_name"] or person["email"]]


async def test_texts_become_members_who_are_there(client: Client, cast: Cast, runtime: Runtime) -> None:
    member, viewer = str(cast.member.member_id), str(cast.viewer.member_id)
    made = await make(client, cast, "text", [member, f"{viewer}, {member}", str(cast.stranger.member_id), "Jane"])
    seen = (await preview(client, cast.owner, made, "member", options={"multiple": True})).json()
    assert [entry["reason"] for entry in seen["examples"]] == [
        "names somebody who is no member of this workspace",
        "is not the id of a member",
    ]
    done = await retype(client, cast.owner, made, "member", options={"multiple": True}, accept_loss=True)
    assert done.status_code == 200, done.text
    assert await values_of(runtime, cast, made) == [[member], [viewer, member], None, None]


async def test_what_would_be_lost_is_said_before(client: Client, cast: Cast, runtime: Runtime) -> None:
    made = await make(client, cast, "text", ["1", "many", "2", None, "few"])
    ids = [str(row["id"]) for row in await kept_records(runtime, cast.acme, made)]
    await client.as_(cast.owner).delete(f"{RECORDS}/{ids[4]}")
    response = await preview(client, cast.owner, made, "number", options={"min": 2})
    assert response.status_code == 200, response.text
    seen = response.json()
    examples = seen.pop("examples")
    assert seen == {
        "key": "field",
        "type": "number",
        "options": {"min": 2.0},
        "values": 4,
        "unchanged": 0,
        "converted": 1,
        "lost": 3,
    }
    assert examples == [
        {"record_id": ids[0], "value": "1", "reason": "is less than 2.0"},
        {"record_id": ids[1], "value": "many", "reason": "is not a number"},
        {"record_id": ids[4], "value": "few", "reason": "is not a number"},
    ]
    # Nothing has changed by it, and nothing does unless the caller says that values may be lost.
    refused = await retype(client, cast.owner, made, "number")
    assert refusal(refused) == (409, "type_change_loses_values")
    assert (refused.json()["field"], refused.json()["lost"], refused.json()["values"]) == ("field", 2, 4)
    assert await values_of(runtime, cast, made) == ["1", "many", "2", None, "few"]

    done = await retype(client, cast.owner, made, "number", accept_loss=True)
    assert (done.status_code, done.json()["fields"][0]["type"]) == (200, "number")
    assert await values_of(runtime, cast, made) == [1, None, 2, None, None]


async def test_a_type_change_is_one_thing_in_the_history(client: Client, cast: Cast, runtime: Runtime) -> None:
    made = await make(client, cast, "text", ["1", "many", None], options={"max_length": 9}, is_promoted=True)
    done = await retype(client, cast.owner, made, "number", accept_loss=True)
    assert done.json()["version"] == made["version"] + 1
    async with runtime.database.unit(cast.acme) as unit:
        event = await unit.row(
            """
            select e.before, e.after, e.cause, e.actor from events e
            where e.workspace_id = :workspace and e.type = 'recordset.field_retyped'
            """
        )
        versions = await unit.rows(
            """
            select v.operation, v.version, v.before, v.after, v.cause, v.changed_by from record_versions v
            where v.workspace_id = :workspace order by v.record_id
            """
        )
    assert event is not None
    told = {"key": "field", "is_promoted": True}
    assert event["before"] == {**told, "type": "text", "options": {"max_length": 9}}
    assert event["after"] == {**told, "type": "number", "options": {}, "changed": 2, "lost": 1}
    assert (event["cause"]["kind"], event["cause"]["count"]) == ("request", 2)
    assert [(row["operation"], row["version"], row["before"], row["after"]) for row in versions] == [
        ("update", 2, {"field_values": {"field": "1"}}, {"field_values": {"field": 1}}),
        ("update", 2, {"field_values": {"field": "many"}}, {"field_values": {"field": None}}),
    ]
    assert {row["cause"]["id"] for row in versions} == {event["cause"]["id"]}
    assert {row["changed_by"] for row in versions} == {cast.owner.member_id}
    assert (await event_types(runtime, cast.acme, entity_id=made["id"]))[-1] == "recordset.field_retyped"


async def test_what_derives_from_the_values_follows(client: Client, cast: Cast, runtime: Runtime) -> None:
    owner = client.as_(cast.owner)
    made = await make(client, cast, "number", [12, 7.5], is_promoted=True)
    assert (await retype(client, cast.owner, made, "text")).json()["is_in_step"] is True
    kept = await kept_records(runtime, cast.acme, made)
    assert [(row["title"], row["text_1"], row["number_1"]) for row in kept] == [
        ("12", "12", None),
        ("7.5", "7.5", None),
    ]
    found = await owner.get(
        RECORDS, params={"recordset_id": made["id"], "column_filters": '{"field": {"contains": "7"}}'}
    )
    assert found.json()["total"] == 1
    listed = await owner.get(RECORDS, params={"recordset_id": made["id"], "sort_by": "field"})
    assert [item["field_values"]["field"] for item in listed.json()["items"]] == ["12", "7.5"]
    # And back: nothing is lost, and the numbers are compared as numbers again.
    assert (await retype(client, cast.owner, made, "number")).status_code == 200
    found = await owner.get(RECORDS, params={"recordset_id": made["id"], "numeric_filters": '{"field": {"min": 8}}'})
    assert [item["field_values"]["field"] for item in found.json()["items"]] == [12]


async def test_options_that_the_new_type_knows_stay(client: Client, cast: Cast) -> None:
    made = await make(client, cast, "select", ["a"], options={"choices": ["a", "b"], "default": "b"})
    changed = (await retype(client, cast.owner, made, "multi_select")).json()["fields"][0]
    assert changed["options"] == {"choices": ["a", "b"], "default": ["b"]}


async def test_a_job_converts_many_and_nobody_sees_two_types(
    client: Client, cast: Cast, runtime: Runtime, run_jobs: RunJobs
) -> None:
    owner = client.as_(cast.owner)
    made = await make(client, cast, "text", [], is_promoted=True)
    await insert_records(runtime, cast.acme, made, [{"field": str(number)} for number in range(1100)])
    await owner.post(f"{RECORDSETS}/{made['id']}/resync-promoted")
    await run_jobs()
    begun = (await retype(client, cast.owner, made, "number")).json()
    field = begun["fields"][0]
    assert (field["type"], field["becomes"], field["is_read_only"], begun["is_in_step"]) == (
        "text",
        "number",
        True,
        True,
    )
    query = {"recordset_id": made["id"], "column_filters": '{"field": {"starts_with": "109"}}'}
    assert (await owner.get(RECORDS, params=query)).json()["total"] == 11
    body = {"recordset_id": made["id"], "field_values": {"field": "x"}}
    assert refusal(await owner.post(RECORDS, json=body)) == (403, "field_read_only")
    path = f"{RECORDSETS}/{made['id']}"
    for change in ({"remove_fields": ["field"]}, {"fields": [{"key": "field", "type": "date"}]}):
        assert refusal(await owner.patch(path, json=change)) == (409, "retyping_under_way")

    await run_jobs()
    after = (await owner.get(path)).json()
    assert (after["fields"][0]["type"], after["fields"][0]["becomes"], after["is_in_step"]) == ("number", None, True)
    query = {"recordset_id": made["id"], "numeric_filters": '{"field": {"min": 1090}}', "sort_by": "field"}
    listed = (await owner.get(RECORDS, params=query)).json()["items"]
    assert [item["field_values"]["field"] for item in listed] == list(range(1090, 1100))
    assert {item["version"] for item in listed} == {2}
    assert (await event_types(runtime, cast.acme, entity_id=made["id"]))[-2:] == [
        "recordset.field_retyped",
        "recordset.resynced",
    ]
    async with runtime.database.unit(cast.acme) as unit:
        statement = "select count(*) from retyped_values d where d.workspace_id = :workspace"
        assert await unit.value(statement) == 0


async def test_a_type_change_is_called_off(client: Client, cast: Cast, runtime: Runtime, run_jobs: RunJobs) -> None:
    owner = client.as_(cast.owner)
    made = await make(client, cast, "text", [])
    await insert_records(runtime, cast.acme, made, [{"field": "many"} for _ in range(1100)])
    assert refusal(await retype(client, cast.owner, made, "number")) == (409, "type_change_loses_values")
    assert (await retype(client, cast.owner, made, "number", accept_loss=True)).status_code == 200
    path = f"{RECORDSETS}/{made['id']}/fields/field/type-change"
    assert (await owner.delete(path)).status_code == 204
    assert (await owner.delete(path)).status_code == 204
    await run_jobs()
    field = (await owner.get(f"{RECORDSETS}/{made['id']}")).json()["fields"][0]
    assert (field["type"], field["becomes"], field["is_read_only"]) == ("text", None, False)
    assert set(await values_of(runtime, cast, made)) == {"many"}
    assert "recordset.field_retyped" not in await event_types(runtime, cast.acme, entity_id=made["id"])


async def test_who_may_not_does_not(client: Client, cast: Cast) -> None:
    made = await make(client, cast, "text", ["secret"], read_only_for=["member"], hidden_from=["admin"])
    path = f"{RECORDSETS}/{made['id']}/fields/field/type-change"
    await grant(client.as_(cast.owner), made, cast.viewer, "can_view")
    for person, expected in (
        (cast.stranger, (404, "recordset_not_found")),
        (cast.viewer, (403, "recordset_action_forbidden")),
        (cast.admin, (422, "field_unknown")),
    ):
        assert refusal(await preview(client, person, made, "number")) == expected
        assert refusal(await client.as_(person).delete(path)) == expected
    await grant(client.as_(cast.owner), made, cast.member, "can_admin")
    assert refusal(await preview(client, cast.member, made, "number")) == (403, "field_read_only")
    assert refusal(await retype(client, cast.member, made, "number")) == (403, "field_read_only")


async def test_a_type_that_does_not_fit_is_refused(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    made = await make(client, cast, "number", [1])
    for type, more, expected in (
        ("autonumber", {}, (422, "field_type_fixed")),
        ("created_at", {}, (422, "field_type_fixed")),
        ("select", {"options": {"decimals": 2}}, (422, "field_options_invalid")),
        ("picture", {}, (422, "validation_failed")),
    ):
        assert refusal(await preview(client, cast.owner, made, type, **more)) == expected
        assert refusal(await retype(client, cast.owner, made, type, **more)) == expected
    await owner.patch(f"{RECORDSETS}/{made['id']}", json={"settings": {"title_field": "field"}})
    assert refusal(await retype(client, cast.owner, made, "json")) == (422, "settings_invalid")
