"""What belongs to a member: listed by kind, handed over at once, and complete over all domains."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

import pytest

from fostr.domains.workspaces.public import add_member
from fostr.kernel.belongings import list_belonging_kinds, register_belongings
from fostr.kernel.db.tables import workspace_tables
from fostr.kernel.jobs.dispatch import dispatch
from fostr.kernel.jobs.status import get_job
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast, Person, create_token
from tests.support.client import Client, refusal
from tests.support.events import event_types
from tests.support.records import create_record, create_recordset, grant

MANY: Final = 3000

REFERS: Final = re.compile(r"(?:owner|member|author|assignee|lead|user)_id|assigned_to.*|.*_by")
"""How columns are called that hold a member."""

NO_BELONGINGS: Final = {
    "members.user_id": "the member's own account",
    "member_tours.member_id": "the member's own progress",
    "record_comments.author_id": "who wrote it; it keeps their name",
    "invitations.member_id": "who is invited; it ends when they accept",
}
"""Columns that hold a member, and why nothing is handed over by them."""


def of(person: Person) -> str:
    return f"/api/v1/members/{person.member_id}"


def holds_member(table: str, column: str) -> bool:
    """Say whether a column holds a member, by its name or by what it refers to."""
    declared = workspace_tables()[table].columns[column]
    refers = any(key.target_fullname == "data.members.id" for key in declared.foreign_keys)
    return refers or REFERS.fullmatch(column) is not None


def test_every_column_that_holds_a_member_is_accounted_for() -> None:
    holding = {
        f"{name}.{column.name}"
        for name, table in workspace_tables().items()
        for column in table.columns
        if column.name != "workspace_id" and holds_member(name, column.name)
    }
    # Who made, changed or deleted something did so for good: such a column keeps the id, and with it the name.
    authorship = {column for column in holding if column.endswith("_by")}
    registered = {column for kind in list_belonging_kinds() for column in kind.columns}
    assert registered <= holding
    assert holding - authorship - registered - NO_BELONGINGS.keys() == set(), "register these, or say why not"
    assert NO_BELONGINGS.keys() <= holding
    assert authorship & registered == set()


def test_kinds_have_names_of_their_own() -> None:
    kind = list_belonging_kinds()[0]
    with pytest.raises(ValueError, match="twice"):
        register_belongings(replace(kind, label="Something else"))
    assert list_belonging_kinds()[0] == kind


@pytest.fixture
async def recordset(client: Client, cast: Cast) -> dict[str, Any]:
    """A recordset of the member's own, with two records that they own."""
    member = client.as_(cast.member)
    recordset = await create_recordset(member, fields=[{"name": "Name", "type": "text"}])
    for name in ("Moffett", "Palo Alto"):
        body = {"recordset_id": recordset["id"], "field_values": {"name": name}, "owner_id": str(cast.member.member_id)}
        assert (await member.post("/api/v1/records", json=body)).status_code == 201
    return recordset


async def items(client: Client, path: str, **params: Any) -> dict[str, dict[str, Any]]:
    response = await client.get(f"{path}/items", params=params)
    assert response.status_code == 200, response.text
    return {group["kind"]: group for group in response.json()["groups"]}


async def lead_team(client: Client, cast: Cast) -> str:
    team = (await client.as_(cast.admin).post("/api/v1/teams", json={"name": "Crew"})).json()["id"]
    body = {"member_id": str(cast.member.member_id), "role": "lead"}
    joined = await client.as_(cast.admin).post(f"/api/v1/teams/{team}/members", json=body)
    assert joined.status_code == 201, joined.text
    return team


async def test_what_belongs_to_a_member_is_listed_by_kind(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any]
) -> None:
    other = await create_recordset(client.as_(cast.owner), name="Ships")
    await grant(client.as_(cast.owner), other, cast.member, "can_view")
    await create_token(runtime, cast.member.user_id, workspace_id=cast.acme)
    team = await lead_team(client, cast)
    async with runtime.database.unit(cast.acme) as unit:
        job = await dispatch(unit, "records.export", {}, workspace=cast.acme, created_by=cast.member.member_id)

    groups = await items(client.as_(cast.admin), of(cast.member))

    totals = {kind: group["total"] for kind, group in groups.items()}
    owned = {"api_key": 1, "job": 1, "record": 2, "recordset": 1, "recordset_grant": 1, "team_lead": 1, "view": 0}
    assert totals == owned | {"notification": 0, "webhook": 0}
    assert [item["name"] for item in groups["record"]["items"]] == ["Moffett", "Palo Alto"]
    assert [item["id"] for item in groups["recordset"]["items"]] == [recordset["id"]]
    assert [item["name"] for item in groups["recordset_grant"]["items"]] == ["Ships"]
    assert [item["id"] for item in groups["team_lead"]["items"]] == [team]
    assert [item["id"] for item in groups["job"]["items"]] == [str(job)]
    reassignable = {kind for kind, group in groups.items() if group["can_reassign"]}
    assert reassignable == {"record", "recordset", "team_lead", "view", "webhook"}

    page = await items(client.as_(cast.admin), of(cast.member), kind="record", limit=1, skip=1)
    assert [item["name"] for item in page["record"]["items"]] == ["Palo Alto"]
    assert (list(page), page["record"]["total"], page["record"]["has_more"]) == (["record"], 2, False)
    unknown = await client.as_(cast.admin).get(f"{of(cast.member)}/items", params={"kind": "ship"})
    assert refusal(unknown) == (422, "item_kind_unknown")


async def test_everything_is_handed_over_at_once(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any]
) -> None:
    team = await lead_team(client, cast)
    record = (await items(client.as_(cast.admin), of(cast.member), kind="record"))["record"]["items"][0]
    assert refusal(await client.as_(cast.viewer).get(f"/api/v1/records/{record['id']}")) == (404, "record_not_found")

    done = await client.as_(cast.admin).post(f"{of(cast.member)}/reassign", json={"to_member_id": viewer_id(cast)})

    assert done.status_code == 200
    assert done.json() == {
        "from_member_id": str(cast.member.member_id),
        "to_member_id": viewer_id(cast),
        "reassigned": {"record": 2, "recordset": 1, "team_lead": 1, "view": 0, "webhook": 0},
        "total": 4,
    }
    assert (await client.as_(cast.viewer).get(f"/api/v1/records/{record['id']}")).json()["owner_id"] == viewer_id(cast)
    groups = await items(client.as_(cast.admin), of(cast.member))
    assert {groups[kind]["total"] for kind in ("record", "recordset", "team_lead")} == {0}
    people = (await client.as_(cast.admin).get(f"/api/v1/teams/{team}/members")).json()
    roles = {item["member_id"]: item["role"] for item in people["items"]}
    assert roles == {str(cast.member.member_id): "member", viewer_id(cast): "lead"}
    told = await event_types(runtime, cast.acme, entity_id=cast.member.member_id)
    assert told[-3:] == ["recordsets.reassigned", "teams.reassigned", "member.items_reassigned"]


def viewer_id(cast: Cast) -> str:
    return str(cast.viewer.member_id)


async def test_only_some_kinds_are_handed_over(client: Client, cast: Cast, recordset: dict[str, Any]) -> None:
    body = {"to_member_id": viewer_id(cast), "kinds": ["recordset"]}
    done = await client.as_(cast.admin).post(f"{of(cast.member)}/reassign", json=body)
    assert done.json()["reassigned"] == {"recordset": 1}
    assert (await items(client.as_(cast.admin), of(cast.member)))["record"]["total"] == 2


async def test_who_gets_things_must_be_there(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any]
) -> None:
    admin, path = client.as_(cast.admin), f"{of(cast.member)}/reassign"
    itself = await admin.post(path, json={"to_member_id": str(cast.member.member_id)})
    assert refusal(itself) == (422, "target_is_source")
    foreign = await admin.post(path, json={"to_member_id": str(cast.stranger.member_id)})
    assert refusal(foreign) == (404, "member_not_found")
    await admin.patch(of(cast.viewer), json={"is_active": False})
    assert refusal(await admin.post(path, json={"to_member_id": viewer_id(cast)})) == (422, "target_not_active")
    own = {"to_member_id": str(cast.admin.member_id)}
    assert refusal(await admin.post(path, json={**own, "kinds": ["ship"]})) == (422, "item_kind_unknown")
    assert refusal(await admin.post(path, json={**own, "kinds": []})) == (422, "validation_failed")
    # Recordsets come first; that they were handed over is undone with the refusal.
    bound = await admin.post(path, json={**own, "kinds": ["recordset", "recordset_grant"]})
    assert refusal(bound) == (422, "item_kind_bound")
    assert (await items(admin, of(cast.member)))["recordset"]["total"] == 1
    for person in (cast.member, cast.viewer):
        response = await client.as_(person).post(f"{of(cast.owner)}/reassign", json=own)
        assert response.status_code in {403, 404}
    assert refusal(await client.as_(cast.stranger).post(path, json=own)) == (404, "member_not_found")
    assert refusal(await client.as_(cast.member).get(f"{of(cast.owner)}/items")) == (403, "forbidden")


async def test_what_somebody_left_behind_can_be_handed_over_later(
    client: Client, cast: Cast, recordset: dict[str, Any]
) -> None:
    admin = client.as_(cast.admin)
    info = (await admin.get(f"{of(cast.member)}/deletion-info")).json()
    assert info["item_count"] == 3
    await admin.delete(of(cast.member))
    assert (await items(admin, of(cast.member)))["record"]["total"] == 2
    done = await admin.post(f"{of(cast.member)}/reassign", json={"to_member_id": viewer_id(cast)})
    assert done.json()["total"] == 3


async def test_work_under_way_ends_with_the_membership(client: Client, cast: Cast, runtime: Runtime) -> None:
    async with runtime.database.unit(cast.acme) as unit:
        job = await dispatch(unit, "records.export", {}, workspace=cast.acme, created_by=cast.member.member_id)
        other = await dispatch(unit, "records.export", {}, workspace=cast.acme, created_by=cast.viewer.member_id)
        running = await dispatch(unit, "records.export", {}, workspace=cast.acme, created_by=cast.member.member_id)
        await unit.run("update jobs set status = 'running' where id = :id", id=running)
    await client.as_(cast.admin).delete(of(cast.member))
    async with runtime.database.unit(cast.acme) as unit:
        assert (await get_job(unit, job)).status == "cancelled"
        assert (await get_job(unit, running)).cancel_requested_at is not None
        # No worker has it, so that it would stay; the next test's workers must not wait for it.
        await unit.run("update jobs set status = 'cancelled' where id = :id", id=running)
        assert (await get_job(unit, other)).status == "queued"


async def test_many_records_cost_one_event_and_a_version_each(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any]
) -> None:
    source, target = cast.member.member_id, cast.viewer.member_id
    async with runtime.database.unit(cast.acme) as unit:
        await unit.run(
            """
            insert into records (workspace_id, id, recordset_id, owner_id)
            select :workspace, gen_random_uuid(), :recordset_id, :owner_id from generate_series(1, :many::int)
            """,
            recordset_id=UUID(recordset["id"]),
            owner_id=source,
            many=MANY,
        )
    body = {"to_member_id": str(target), "kinds": ["record"]}
    done = await client.as_(cast.admin).post(f"{of(cast.member)}/reassign", json=body)
    assert done.json()["total"] == MANY + 2
    async with runtime.database.unit(cast.acme) as unit:
        event = await unit.row(
            """
            select e.after, e.cause from events e
            where e.workspace_id = :workspace and e.type = 'records.reassigned' and e.entity_id = :recordset_id
            """,
            recordset_id=UUID(recordset["id"]),
        )
        assert event is not None
        versions = await unit.value(
            """
            select count(*) from record_versions v
            where v.workspace_id = :workspace and v.cause->>'id' = :cause and v.after = :after
            """,
            cause=event["cause"]["id"],
            after={"owner_id": str(target)},
        )
        total = await unit.value("select count(*) from events e where e.workspace_id = :workspace")
    assert (event["after"]["count"], event["cause"]["count"], versions) == (MANY + 2, MANY + 2, MANY + 2)
    assert total < 30


async def test_a_record_tells_of_its_new_owner(client: Client, cast: Cast, recordset: dict[str, Any]) -> None:
    record = (await items(client.as_(cast.admin), of(cast.member), kind="record"))["record"]["items"][0]
    await client.as_(cast.admin).post(f"{of(cast.member)}/reassign", json={"to_member_id": viewer_id(cast)})
    history = (await client.as_(cast.owner).get(f"/api/v1/records/{record['id']}/history")).json()
    assert history["items"][0]["changed_fields"] == ["owner_id"]


async def test_listing_costs_the_same_whatever_there_is(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any], inspector: Any
) -> None:
    before = inspector.count
    await items(client.as_(cast.admin), of(cast.member))
    few = inspector.count - before
    for number in range(5):
        record = await create_record(client.as_(cast.member), recordset, {"name": f"No. {number}"})
        own = {"owner_id": str(cast.member.member_id)}
        await client.as_(cast.member).patch(f"/api/v1/records/{record['id']}", json=own)
    before = inspector.count
    groups = await items(client.as_(cast.admin), of(cast.member))
    assert (groups["record"]["total"], inspector.count - before) == (7, few)


async def test_a_member_elsewhere_keeps_what_is_theirs_there(client: Client, cast: Cast, runtime: Runtime) -> None:
    async with runtime.database.unit() as unit:
        elsewhere = await add_member(unit, workspace_id=cast.globex, user_id=cast.member.user_id, role="member")
    there = client.as_(cast.member, workspace=cast.globex)
    await create_recordset(there, name="Ships")
    assert (await items(client.as_(cast.admin), of(cast.member)))["recordset"]["total"] == 0
    await client.as_(cast.admin).delete(of(cast.member))
    groups = await items(client.as_(cast.stranger), f"/api/v1/members/{elsewhere.id}")
    assert groups["recordset"]["total"] == 1
