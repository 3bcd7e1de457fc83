"""What members are told beside what all of their class are told, and what is kept from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fostr.domains.records.public import see_changes
from fostr.domains.workspaces.members.removal.repository import anonymise_member
from fostr.kernel import clock
from fostr.kernel.events.visibility import expand_seen, see_events, see_for_class
from tests.support.activity import FEED
from tests.support.client import Client
from tests.support.records import create_record, create_recordset, grant
from tests.support.rules import create_rule, leaf
from tests.support.seeing import act, list_events, see_all, write
from tests.support.webhooks import change_permission

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fostr.kernel.events.visibility import Seen
    from fostr.kernel.runtime import Runtime
    from tests.support.cast import Cast, Person

FIELDS: Final = [
    {"key": "name", "name": "Name", "type": "text"},
    {"key": "state", "name": "State", "type": "select", "options": {"choices": ["CA", "TX"]}},
    {"key": "secret", "name": "Secret", "type": "text", "hidden_from": ["viewer"]},
]


def types_of(seen: list[Seen]) -> set[str]:
    return {one.event.type for one in seen}


async def see_as_class(runtime: Runtime, person: Person) -> list[Seen]:
    async with runtime.database.unit(person.workspace_id) as unit:
        context = await act(runtime, unit, person.member_id)
        return [one for one in await see_for_class(context, await list_events(unit)) if one is not None]


async def see(runtime: Runtime, person: Person, type: str) -> list[Seen]:
    return [one for one in await see_all(runtime, person) if one.event.type == type]


async def test_personal_views_are_told_to_their_owner(client: Client, cast: Cast, runtime: Runtime) -> None:
    recordset = await create_recordset(client.as_(cast.owner), fields=FIELDS)
    await grant(client.as_(cast.owner), recordset, cast.member, "can_edit")
    member, path = client.as_(cast.member), f"/api/v1/recordsets/{recordset['id']}/views"
    view = (await member.post(path, json={"name": "Quiet", "type": "grid", "visibility": "personal"})).json()

    assert [one.name for one in await see(runtime, cast.member, "view.created")] == ["Quiet"]
    assert "view.created" not in types_of(await see_as_class(runtime, cast.member))
    for person in (cast.owner, cast.admin, cast.viewer):
        assert "Quiet" not in write(await see_all(runtime, person))

    shared = await member.patch(f"{path}/{view['id']}", json={"name": "Loud", "visibility": "shared"})
    assert shared.status_code == 200, shared.text
    # From now on everybody sees the view; what it was called while it was personal stays with its owner.
    [changed] = await see(runtime, cast.owner, "view.updated")
    assert (changed.event.before, (changed.event.after or {})["name"]) == (None, "Loud")
    assert "Quiet" not in write(await see_all(runtime, cast.owner))


async def test_jobs_are_told_to_who_asked_for_them(
    client: Client, cast: Cast, runtime: Runtime, run_jobs: Callable[[], Awaitable[None]]
) -> None:
    recordset = await create_recordset(client.as_(cast.owner), fields=FIELDS)
    for person in (cast.member, cast.viewer):
        await grant(client.as_(cast.owner), recordset, person, "can_view")
    body = {"recordset_id": recordset["id"], "format": "csv"}
    assert (await client.as_(cast.viewer).post("/api/v1/export", json=body)).status_code == 200
    await run_jobs()

    exported = {"export.requested", "export.completed"}
    assert types_of(await see_all(runtime, cast.viewer)) & exported == exported
    assert not types_of(await see_all(runtime, cast.member)) & exported
    assert types_of(await see_as_class(runtime, cast.admin)) & exported == exported
    assert not types_of(await see_as_class(runtime, cast.viewer)) & exported


async def test_access_is_told_to_who_got_it(client: Client, cast: Cast, runtime: Runtime) -> None:
    recordset = await create_recordset(client.as_(cast.owner), fields=FIELDS)
    await grant(client.as_(cast.owner), recordset, cast.member, "can_view")
    assert [one.scope_name for one in await see(runtime, cast.member, "recordset.access_granted")] == ["Airports"]
    assert not await see(runtime, cast.viewer, "recordset.access_granted")

    path = f"/api/v1/recordsets/{recordset['id']}/access/members/{cast.member.member_id}"
    assert (await client.as_(cast.owner).delete(path)).status_code == 204
    [lost] = await see(runtime, cast.member, "recordset.access_revoked")
    assert (lost.name, lost.scope_name) == (None, None)


async def test_what_a_deleted_comment_said_is_told_to_nobody(client: Client, cast: Cast, runtime: Runtime) -> None:
    owner = client.as_(cast.owner)
    record = await create_record(owner, await create_recordset(owner, fields=FIELDS), {"name": "R"})
    path = f"/api/v1/records/{record['id']}/comments"
    kept = (await owner.post(path, json={"text": "stays here"})).json()
    gone = (await owner.post(path, json={"text": "goes away"})).json()
    assert "goes away" in write(await see_all(runtime, cast.owner))
    assert (await owner.delete(f"{path}/{gone['id']}")).status_code == 204

    seen = await see_all(runtime, cast.owner)
    assert "stays here" in write(seen)
    assert "goes away" not in write(seen)
    assert {"comment.created", "comment.deleted"} <= types_of(seen)
    assert {str(one.event.entity_id) for one in seen if one.event.entity == "comment"} == {kept["id"], gone["id"]}


async def test_a_deleted_record_is_told_without_its_values(client: Client, cast: Cast, runtime: Runtime) -> None:
    owner = client.as_(cast.owner)
    recordset = await create_recordset(owner, fields=FIELDS)
    await grant(owner, recordset, cast.member, "can_view")
    await grant(owner, recordset, cast.viewer, "can_view")
    record = await create_record(owner, recordset, {"name": "Gone soon"})
    await owner.post(f"/api/v1/records/{record['id']}/comments", json={"text": "farewell"})
    assert "Gone soon" in write(await see_all(runtime, cast.member))
    assert (await owner.delete(f"/api/v1/records/{record['id']}")).status_code == 204

    [deleted] = await see(runtime, cast.member, "record.deleted")
    assert (str(deleted.record_id), deleted.name) == (record["id"], None)
    told = write(await see_all(runtime, cast.member))
    assert "Gone soon" not in told
    assert "farewell" not in told
    await grant(owner, recordset, cast.member, "can_delete")
    assert [one.name for one in await see(runtime, cast.member, "record.deleted")] == ["Gone soon"]


async def test_what_is_gone_for_good_is_for_administrators(client: Client, cast: Cast, runtime: Runtime) -> None:
    owner = client.as_(cast.owner)
    recordset = await create_recordset(owner, fields=[*FIELDS, {**FIELDS[2], "key": "inner", "hidden_from": ["admin"]}])
    await grant(owner, recordset, cast.member, "can_view", "can_delete")
    await create_record(owner, recordset, {"name": "Lost", "inner": "most inward"})
    assert (await owner.delete(f"/api/v1/recordsets/{recordset['id']}")).status_code == 204
    assert not any(one.event.entity == "record" for one in await see_all(runtime, cast.member))
    [trashed] = await see(runtime, cast.admin, "recordset.trashed")
    assert trashed.name == "Airports"
    assert (await owner.delete(f"/api/v1/recordsets/trash/{recordset['id']}")).status_code == 204

    assert {"record.created", "recordset.purged"} <= types_of(await see_all(runtime, cast.admin))
    told = write(await see_all(runtime, cast.admin))
    assert "most inward" not in told
    assert "inner" not in told
    assert "most inward" in write(await see_all(runtime, cast.owner))
    for person, title in ((cast.owner, "Lost"), (cast.admin, None)):
        assert [one.name for one in await see(runtime, person, "recordset.purged")] == ["Airports"]
        # Which of its fields the title came from, and from whom that was hidden, went with the recordset.
        assert [one.name for one in await see(runtime, person, "record.created")] == [title]
    assert not types_of(await see_all(runtime, cast.member)) & {"record.created", "recordset.purged"}


async def test_values_of_a_removed_field_are_told_to_nobody(
    client: Client, cast: Cast, runtime: Runtime, run_jobs: Callable[[], Awaitable[None]]
) -> None:
    owner = client.as_(cast.owner)
    recordset = await create_recordset(owner, fields=FIELDS)
    await grant(owner, recordset, cast.viewer, "can_view")
    record = await create_record(owner, recordset, {"name": "R", "secret": "once hidden"})
    path = f"/api/v1/recordsets/{recordset['id']}"
    removed = await owner.patch(path, json={"remove_fields": ["secret"]})
    assert removed.status_code == 200, removed.text
    await run_jobs()
    assert "once hidden" not in write(await see_all(runtime, cast.viewer))
    # A field of the same key that is open to everybody does not bring them back.
    added = await owner.patch(path, json={"fields": [{"key": "secret", "name": "Secret", "type": "text"}]})
    assert added.status_code == 200, added.text
    assert (await owner.patch(f"/api/v1/records/{record['id']}", json={"field_values": {"secret": "plain"}})).is_success
    told = write(await see_all(runtime, cast.viewer))
    assert "plain" in told
    assert "once hidden" not in told


async def test_a_title_that_came_from_a_hidden_field_is_not_told(client: Client, cast: Cast, runtime: Runtime) -> None:
    owner = client.as_(cast.owner)
    recordset = await create_recordset(owner, fields=FIELDS[:2], settings={"title_field": "name"})
    await grant(owner, recordset, cast.viewer, "can_view")
    await create_record(owner, recordset, {"name": "Old name", "state": "CA"})
    path = f"/api/v1/recordsets/{recordset['id']}"
    named = await owner.patch(
        path,
        json={
            "fields": [
                {"key": "label", "name": "Label", "type": "text"},
                {"key": "name", "name": "Name", "type": "text", "hidden_from": ["viewer"]},
            ],
            "settings": {"title_field": "label"},
        },
    )
    assert named.status_code == 200, named.text
    seen = await see(runtime, cast.viewer, "record.created")
    assert len(seen) == 1
    assert "Old name" not in write(await see_all(runtime, cast.viewer))
    assert "Old name" in write(await see_all(runtime, cast.owner))


async def test_changes_of_a_bulk_write_are_told_one_by_one(client: Client, cast: Cast, runtime: Runtime) -> None:
    owner = client.as_(cast.owner)
    recordset = await create_recordset(owner, fields=FIELDS)
    await grant(owner, recordset, cast.viewer, "can_view")
    await create_rule(owner, recordset, leaf("state", "eq", "CA"), roles=["viewer"])
    rows = [{"field_values": {"name": f"R{n}", "state": s, "secret": "hush"}} for n, s in enumerate(["CA", "TX", "CA"])]
    body: dict[str, Any] = {"recordset_id": recordset["id"], "records": rows}
    made = (await owner.post("/api/v1/records/bulk-create", json=body)).json()["results"]

    async with runtime.database.unit(cast.acme) as unit:
        context = await act(runtime, unit, cast.viewer.member_id)
        [event] = [one for one in await list_events(unit) if one.type == "records.created"]
        [whole] = await see_events(context, [event])
        seen = [one async for one in expand_seen(context, event)]
        again = [one async for one in see_changes(context, event)]
        rest = [one async for one in see_changes(context, event, after=seen[0].event.id)]
    assert whole is not None
    assert "count" not in {**(whole.event.after or {}), **(whole.event.cause or {})}
    assert [str(one.record_id) for one in seen] == [made[0]["record_id"], made[2]["record_id"]]
    assert [one.event.type for one in seen] == ["record.created"] * 2
    assert (seen[0].event.after or {})["field_values"] == {"name": "R0", "state": "CA"}
    assert seen[0].name == "R0"
    assert again == seen
    assert rest == seen[1:]


async def test_a_field_that_got_another_type_is_told_behind_the_records(
    client: Client, cast: Cast, runtime: Runtime
) -> None:
    owner = client.as_(cast.owner)
    recordset = await create_recordset(owner, fields=[*FIELDS, {"key": "size", "name": "Size", "type": "text"}])
    await grant(owner, recordset, cast.viewer, "can_view")
    record = await create_record(owner, recordset, {"name": "R", "size": "12"})
    path = f"/api/v1/recordsets/{recordset['id']}"
    changed = await owner.patch(path, json={"fields": [{"key": "size", "name": "Size", "type": "number"}]})
    assert changed.status_code == 200, changed.text

    async with runtime.database.unit(cast.acme) as unit:
        context = await act(runtime, unit, cast.viewer.member_id)
        [event] = [one for one in await list_events(unit) if one.type == "recordset.field_retyped"]
        seen = [one async for one in expand_seen(context, event)]
        [rest] = [one async for one in expand_seen(context, event, after=seen[0].event.id)]
    assert [one.event.type for one in seen] == ["record.updated", "recordset.field_retyped"]
    assert (str(seen[0].record_id), seen[0].event.after) == (
        record["id"],
        {"recordset_id": recordset["id"], "version": 2, "field_values": {"size": 12}},
    )
    assert rest == seen[1]
    assert [one.event.id for one in seen] == sorted(one.event.id for one in seen)


async def test_nothing_is_told_of_records_where_they_are_switched_off(
    client: Client, cast: Cast, runtime: Runtime
) -> None:
    owner = client.as_(cast.owner)
    await create_record(owner, await create_recordset(owner, fields=FIELDS), {"name": "R"})
    assert {"record.created", "recordset.created"} <= types_of(await see_all(runtime, cast.owner))
    assert (await owner.post("/api/v1/modules/records/toggle")).status_code == 200
    assert not types_of(await see_all(runtime, cast.owner)) & {"record.created", "recordset.created"}


async def test_members_see_what_happens_to_themselves(client: Client, cast: Cast, runtime: Runtime) -> None:
    owner, viewer = client.as_(cast.owner), client.as_(cast.viewer)
    await change_permission(owner, "viewer", "can_view_members", holds=False)
    await change_permission(owner, "viewer", "can_view_teams", holds=False)
    team = (await owner.post("/api/v1/teams", json={"name": "Crew"})).json()
    for person in (cast.viewer, cast.member):
        path = f"/api/v1/members/{person.member_id}"
        assert (await owner.patch(path, json={"title": "Surveyor"})).status_code == 200
        body = {"member_id": str(person.member_id)}
        assert (await owner.post(f"/api/v1/teams/{team['id']}/members", json=body)).status_code == 201
    assert (await viewer.post("/api/v1/members/me/tours", json={"tour_id": "map"})).is_success

    seen = await see_all(runtime, cast.viewer)
    updated = [one.event.entity_id for one in seen if one.event.type == "member.updated"]
    assert updated == [cast.viewer.member_id]
    assert [one.name for one in seen if one.event.type == "team.member_added"] == ["Crew"]
    assert "member.tours_changed" in types_of(seen)
    as_class = types_of(await see_as_class(runtime, cast.viewer))
    assert not as_class & {"member.updated", "team.member_added", "member.tours_changed", "team.created"}
    assert "member.tours_changed" not in types_of(await see_all(runtime, cast.owner))


async def test_somebody_forgotten_is_named_to_nobody(cast: Cast, runtime: Runtime) -> None:
    assert cast.viewer.email in write(await see_all(runtime, cast.member))
    async with runtime.database.unit(cast.acme) as unit:
        await anonymise_member(unit, member_id=cast.viewer.member_id, now=clock.now())
    for person in (cast.owner, cast.member):
        told = write(await see_all(runtime, person))
        assert cast.viewer.email not in told
        assert "Viewer Example" not in told
        assert str(cast.viewer.member_id) in told


async def test_the_feed_is_made_of_what_its_reader_sees(client: Client, cast: Cast, runtime: Runtime) -> None:
    recordset = await create_recordset(client.as_(cast.owner), name="Hidden away", fields=FIELDS)
    await create_record(client.as_(cast.owner), recordset, {"name": "Nobody knows"})
    assert "Nobody knows" in write(await see_all(runtime, cast.admin))
    for person in (cast.member, cast.viewer):
        assert "Nobody knows" not in write(await see_all(runtime, person))
        assert "Hidden away" not in (await client.as_(person).get(FEED)).text
