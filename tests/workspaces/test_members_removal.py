"""Taking members out: at once, for good or not, and never the last who could let anybody back in."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

from fostr.domains.workspaces.members.removal.repository import NAME_OF_NOBODY
from fostr.domains.workspaces.public import add_member
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast, Person, create_token
from tests.support.client import Client, refusal
from tests.support.events import event_types
from tests.support.records import create_record, create_recordset, grant
from tests.workspaces.sessions import signed_in

PATH = "/api/v1/members"


def of(person: Person) -> str:
    return f"{PATH}/{person.member_id}"


def in_workspace(cast: Cast, person: Person) -> str:
    return f"/api/v1/workspaces/{cast.acme}/members/{person.member_id}"


async def has_account(runtime: Runtime, person: Person) -> bool:
    async with runtime.database.unit() as unit:
        return await unit.value("select exists (select 1 from users where id = :id)", id=person.user_id)


async def join_globex(runtime: Runtime, cast: Cast, person: Person, *, role: str = "member") -> None:
    async with runtime.database.unit() as unit:
        await add_member(unit, workspace_id=cast.globex, user_id=person.user_id, role=role)


async def rows_of(runtime: Runtime, cast: Cast, person: Person) -> dict[str, int]:
    async with runtime.database.unit(cast.acme) as unit:
        grants = await unit.value(
            "select count(*) from recordset_grants g where g.workspace_id = :workspace and g.member_id = :id",
            id=person.member_id,
        )
        teams = await unit.value(
            "select count(*) from team_members t where t.workspace_id = :workspace and t.member_id = :id",
            id=person.member_id,
        )
    return {"grants": grants, "teams": teams}


async def test_who_is_removed_is_out_at_once_and_what_they_made_stays(
    client: Client, cast: Cast, runtime: Runtime
) -> None:
    key = await create_token(runtime, cast.member.user_id, workspace_id=cast.acme)
    await join_globex(runtime, cast, cast.member)
    recordset = await create_recordset(client.as_(cast.owner), fields=[{"name": "Name", "type": "text"}])
    await grant(client.as_(cast.owner), recordset, cast.member, "can_create")
    record = await create_record(client.as_(cast.member), recordset, {"name": "Moffett"})
    comments = f"/api/v1/records/{record['id']}/comments"
    await client.as_(cast.member).post(comments, json={"text": "Closed."})
    team = (await client.as_(cast.admin).post("/api/v1/teams", json={"name": "Crew"})).json()
    joined = await client.as_(cast.admin).post(
        f"/api/v1/teams/{team['id']}/members", json={"member_id": str(cast.member.member_id)}
    )
    assert joined.status_code == 201, joined.text
    session = await signed_in(client, runtime, cast.member)
    assert await rows_of(runtime, cast, cast.member) == {"grants": 1, "teams": 1}

    assert (await client.as_(cast.admin).delete(of(cast.member))).status_code == 204

    assert refusal(await client.as_(cast.member).get(PATH)) == (404, "not_found")
    assert refusal(await client.with_token(key).get(PATH)) == (401, "unauthorized")
    assert (await session.get("/api/v1/auth/me")).status_code == 200
    assert (await client.as_(cast.member, workspace=cast.globex).get(PATH)).status_code == 200
    assert await rows_of(runtime, cast, cast.member) == {"grants": 0, "teams": 0}
    shown = (await client.as_(cast.owner).get(comments)).json()["items"][0]
    assert shown["author"]["full_name"] == "Member Example"
    assert (await client.as_(cast.owner).get(of(cast.member))).json()["status"] == "removed"
    assert (await client.as_(cast.owner).get(PATH)).json()["total"] == 3
    former = (await client.as_(cast.owner).get(PATH, params={"include_removed": True})).json()
    assert former["total"] == 4
    assert (await event_types(runtime, cast.acme, entity_id=cast.member.member_id))[-1] == "member.removed"
    assert refusal(await client.as_(cast.admin).delete(of(cast.member))) == (404, "member_not_found")


async def test_nothing_becomes_theirs_any_more(client: Client, cast: Cast) -> None:
    recordset = await create_recordset(client.as_(cast.owner), fields=[{"name": "Name", "type": "text"}])
    record = await create_record(client.as_(cast.owner), recordset, {"name": "Moffett"})
    await client.as_(cast.admin).delete(of(cast.member))
    granted = await client.as_(cast.owner).post(
        f"/api/v1/recordsets/{recordset['slug']}/access",
        json={"member_id": str(cast.member.member_id), "actions": ["can_view"]},
    )
    assert refusal(granted) == (404, "member_not_found")
    owned = await client.as_(cast.owner).patch(
        f"/api/v1/records/{record['id']}", json={"owner_id": str(cast.member.member_id)}
    )
    assert refusal(owned) == (422, "owner_unknown")


async def test_who_comes_back_is_the_same_member(client: Client, cast: Cast) -> None:
    admin = client.as_(cast.admin)
    await admin.delete(of(cast.member))
    back = await admin.post(PATH, json={"email": cast.member.email, "role": "viewer"})
    assert (back.json()["id"], back.json()["role"], back.json()["status"]) == (
        str(cast.member.member_id),
        "viewer",
        "active",
    )
    assert (await client.as_(cast.member).get(f"{PATH}/me")).json()["role"] == "viewer"
    assert (await admin.get(PATH)).json()["total"] == 4


async def test_of_many_who_add_somebody_back_one_does(client: Client, cast: Cast) -> None:
    await client.as_(cast.admin).delete(of(cast.member))
    body = {"email": cast.member.email}
    answers = await asyncio.gather(*(client.as_(cast.admin).post(PATH, json=body) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]


async def test_members_leave_and_the_last_owner_does_not(client: Client, cast: Cast, runtime: Runtime) -> None:
    assert (await client.as_(cast.viewer).delete(of(cast.viewer))).status_code == 204
    assert refusal(await client.as_(cast.member).delete(of(cast.admin))) == (403, "forbidden")
    assert refusal(await client.as_(cast.admin).delete(of(cast.owner))) == (403, "member_ranks_higher")
    assert refusal(await client.as_(cast.owner).delete(of(cast.owner))) == (409, "last_owner")
    impersonated = await signed_in(client, runtime, cast.member, acting=cast.owner)
    assert refusal(await impersonated.delete(of(cast.member))) == (403, "impersonating")
    reader = await create_token(runtime, cast.member.user_id, scope="read")
    refused = await client.with_token(reader, workspace=cast.acme).delete(of(cast.member))
    assert refusal(refused) == (403, "pat_scope_insufficient")


async def test_two_owners_who_remove_each_other_leave_one(client: Client, cast: Cast) -> None:
    for _ in range(3):
        await client.as_(cast.owner).patch(of(cast.admin), json={"role": "owner"})
        answers = await asyncio.gather(
            client.as_(cast.owner).delete(of(cast.admin)), client.as_(cast.admin).delete(of(cast.owner))
        )
        assert sorted(answer.status_code for answer in answers) in ([204, 404], [204, 409])
        left = (await client.as_(cast.member).get(PATH)).json()["items"]
        owners = [item for item in left if item["role"] == "owner"]
        assert len(owners) == 1
        winner = cast.owner if owners[0]["id"] == str(cast.owner.member_id) else cast.admin
        loser = cast.admin if winner is cast.owner else cast.owner
        back = await client.as_(winner).post(PATH, json={"email": loser.email, "role": "owner"})
        assert back.status_code == 201


async def test_two_owners_who_leave_at_once_leave_one(client: Client, cast: Cast) -> None:
    await client.as_(cast.owner).patch(of(cast.admin), json={"role": "owner"})
    answers = await asyncio.gather(
        client.as_(cast.owner).delete(of(cast.owner)), client.as_(cast.admin).delete(of(cast.admin))
    )
    assert sorted(answer.status_code for answer in answers) == [204, 409]
    left = (await client.as_(cast.member).get(PATH)).json()["items"]
    assert [item["role"] for item in left].count("owner") == 1


async def test_an_account_is_deleted_for_good(client: Client, cast: Cast, runtime: Runtime) -> None:
    comments = await create_comment(client, cast)
    info = (await client.as_(cast.admin).get(f"{of(cast.member)}/deletion-info")).json()
    assert info == {"workspace_count": 1, "can_delete_user": True, "item_count": 0}
    admin = await signed_in(client, runtime, cast.admin)
    assert (await admin.delete(f"{of(cast.member)}/permanent")).status_code == 204
    assert not await has_account(runtime, cast.member)
    assert refusal(await client.as_(cast.member).get("/api/v1/auth/me")) == (401, "unauthorized")
    shown = (await client.as_(cast.owner).get(comments)).json()["items"][0]
    assert shown["author"]["full_name"] == NAME_OF_NOBODY
    former = await client.as_(cast.owner).get(of(cast.member))
    assert (former.json()["email"], former.json()["status"]) == ("", "removed")
    assert (await event_types(runtime, cast.acme, entity_id=cast.member.member_id))[-1] == "member.deleted"
    gone = (await client.as_(cast.owner).get(f"{of(cast.member)}/deletion-info")).json()
    assert (gone["workspace_count"], gone["can_delete_user"]) == (0, False)


async def create_comment(client: Client, cast: Cast) -> str:
    recordset = await create_recordset(client.as_(cast.owner), fields=[{"name": "Name", "type": "text"}])
    await grant(client.as_(cast.owner), recordset, cast.member, "can_view")
    record = await create_record(client.as_(cast.owner), recordset, {"name": "Moffett"})
    path = f"/api/v1/records/{record['id']}/comments"
    assert (await client.as_(cast.member).post(path, json={"text": "Closed."})).status_code == 201
    return path


async def test_an_account_is_deleted_or_joins_elsewhere(client: Client, cast: Cast, runtime: Runtime) -> None:
    admin = await signed_in(client, runtime, cast.admin)
    for person in (cast.member, cast.viewer):
        deleted, joined = await asyncio.gather(
            admin.delete(f"{of(person)}/permanent"),
            client.as_(cast.stranger).post(PATH, json={"email": person.email}),
        )
        assert (deleted.status_code, joined.status_code) in {(204, 404), (409, 201)}
        assert await has_account(runtime, person) == (joined.status_code == 201)


async def test_deleting_for_good_is_guarded(client: Client, cast: Cast, runtime: Runtime) -> None:
    admin = await signed_in(client, runtime, cast.admin)
    permanent = f"{of(cast.member)}/permanent"
    assert refusal(await client.as_(cast.admin).delete(permanent)) == (403, "person_required")
    late = await signed_in(client, runtime, cast.admin, ago=timedelta(hours=1))
    assert refusal(await late.delete(permanent)) == (403, "recent_sign_in_required")
    impersonated = await signed_in(client, runtime, cast.admin, acting=cast.owner)
    assert refusal(await impersonated.delete(permanent)) == (403, "impersonating")
    assert refusal(await client.as_(cast.member).delete(f"{of(cast.viewer)}/permanent")) == (403, "forbidden")
    assert refusal(await admin.delete(f"{of(cast.admin)}/permanent")) == (409, "member_is_self")
    assert refusal(await admin.delete(f"{of(cast.owner)}/permanent")) == (403, "member_ranks_higher")
    owner = await signed_in(client, runtime, cast.owner)
    assert refusal(await owner.delete(f"{of(cast.owner)}/permanent")) == (409, "last_owner")
    stranger = await signed_in(client, runtime, cast.stranger)
    assert refusal(await stranger.delete(permanent)) == (404, "member_not_found")
    await join_globex(runtime, cast, cast.member)
    elsewhere = await admin.delete(permanent)
    assert refusal(elsewhere) == (409, "member_elsewhere")
    assert elsewhere.json()["workspace_count"] == 2
    assert await has_account(runtime, cast.member)
    assert (await client.as_(cast.member).get(PATH)).status_code == 200


async def test_who_administers_the_installation_keeps_their_account(
    client: Client, cast: Cast, runtime: Runtime
) -> None:
    async with runtime.database.unit() as unit:
        await unit.run("update users set is_superuser = true where id = :id", id=cast.member.user_id)
    admin = await signed_in(client, runtime, cast.admin)
    assert refusal(await admin.delete(f"{of(cast.member)}/permanent")) == (409, "member_is_superuser")
    removed = await admin.delete(in_workspace(cast, cast.member))
    assert removed.json() == {"invitation_withdrawn": False, "account_deleted": False}
    assert await has_account(runtime, cast.member)


async def test_removal_from_a_workspace_deletes_who_is_nowhere_else(
    client: Client, cast: Cast, runtime: Runtime
) -> None:
    await join_globex(runtime, cast, cast.member)
    kept = await client.as_(cast.admin).delete(in_workspace(cast, cast.member))
    assert kept.json() == {"invitation_withdrawn": False, "account_deleted": False}
    assert await has_account(runtime, cast.member)
    late = await signed_in(client, runtime, cast.admin, ago=timedelta(hours=1))
    assert refusal(await late.delete(in_workspace(cast, cast.viewer))) == (403, "recent_sign_in_required")
    assert await has_account(runtime, cast.viewer)
    gone = await client.as_(cast.admin).delete(in_workspace(cast, cast.viewer))
    assert gone.json() == {"invitation_withdrawn": False, "account_deleted": True}
    assert not await has_account(runtime, cast.viewer)
    own = await client.as_(cast.admin).delete(in_workspace(cast, cast.admin))
    assert own.json()["account_deleted"] is False
    assert await has_account(runtime, cast.admin)
    refused = await client.as_(cast.stranger).delete(in_workspace(cast, cast.owner))
    assert refusal(refused) == (404, "not_found")


async def test_an_invitation_that_nobody_accepted_leaves_nothing(client: Client, cast: Cast, runtime: Runtime) -> None:
    async with runtime.database.unit(cast.acme) as unit:
        await unit.run("update memberships set status = 'invited' where member_id = :id", id=cast.viewer.member_id)
        await unit.run(
            "update members m set status = 'invited' where m.workspace_id = :workspace and m.id = :id",
            id=cast.viewer.member_id,
        )
    kept_out = await client.as_(cast.admin).patch(of(cast.viewer), json={"is_active": True})
    assert refusal(kept_out) == (409, "member_not_joined")
    withdrawn = await client.as_(cast.admin).delete(in_workspace(cast, cast.viewer))
    assert withdrawn.json() == {"invitation_withdrawn": True, "account_deleted": False}
    assert refusal(await client.as_(cast.admin).get(of(cast.viewer))) == (404, "member_not_found")
    assert await has_account(runtime, cast.viewer)
    told = await event_types(runtime, cast.acme, entity_id=UUID(str(cast.viewer.member_id)))
    assert told[-1] == "member.removed"
