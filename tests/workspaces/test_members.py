"""Members, and what other domains ask about them."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from fostr.domains.workspaces.members.errors import AlreadyMember, MemberNotFound, PersonNotFound, RoleUnknown
from fostr.domains.workspaces.public import (
    add_member,
    bump_rights_epoch,
    check_member_exists,
    check_team_exists,
    get_member,
    list_member_names,
    team_ids,
)
from fostr.domains.workspaces.teams.errors import TeamNotFound
from fostr.kernel.ids import new_id
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast, create_user
from tests.support.client import Client, refusal
from tests.support.events import event_types


def path(workspace: UUID) -> str:
    return f"/api/v1/workspaces/{workspace}/members"


async def epoch_of(runtime: Runtime, workspace: UUID) -> int:
    async with runtime.database.unit() as unit:
        return await unit.value("select rights_epoch from workspaces where id = :id", id=workspace)


async def test_every_member_sees_the_members(client: Client, cast: Cast) -> None:
    for person in cast.people():
        listed = (await client.as_(person).get(path(cast.acme))).json()
        assert [item["id"] for item in listed["items"]] == [str(member.member_id) for member in cast.people()]
        assert [item["role"] for item in listed["items"]] == ["owner", "admin", "member", "viewer"]
        assert (listed["total"], listed["has_more"]) == (4, False)
    assert refusal(await client.as_(cast.stranger).get(path(cast.acme))) == (404, "not_found")


async def test_the_path_counts_and_not_the_header(client: Client, cast: Cast) -> None:
    elsewhere = client.as_(cast.stranger, workspace=cast.acme)
    listed = (await elsewhere.get(path(cast.globex))).json()
    assert [item["id"] for item in listed["items"]] == [str(cast.stranger.member_id)]
    named = client.as_(cast.stranger, workspace=cast.globex)
    assert refusal(await named.get(path(cast.acme))) == (404, "not_found")


async def test_pages_hold_the_oldest_first(client: Client, cast: Cast) -> None:
    rest = (await client.as_(cast.owner).get(path(cast.acme), params={"limit": 3, "offset": 3})).json()
    assert [item["id"] for item in rest["items"]] == [str(cast.viewer.member_id)]
    assert (rest["total"], rest["has_more"]) == (4, False)
    for params in ({"limit": 0}, {"limit": 101}, {"offset": -1}, {"limit": "x"}):
        response = await client.as_(cast.owner).get(path(cast.acme), params=params)
        assert refusal(response) == (422, "validation_failed")


async def test_a_person_joins_once(runtime: Runtime, cast: Cast) -> None:
    user_id, email = await create_user(runtime, "joiner")
    before = await epoch_of(runtime, cast.acme)
    async with runtime.database.unit() as unit:
        member = await add_member(unit, workspace_id=cast.acme, user_id=user_id, role="member")
    assert (member.user_id, member.email, member.name) == (user_id, email, "Joiner Example")
    assert await epoch_of(runtime, cast.acme) == before + 1
    assert await event_types(runtime, cast.acme, entity_id=member.id) == ["member.added"]
    with pytest.raises(AlreadyMember):
        async with runtime.database.unit() as unit:
            await add_member(unit, workspace_id=cast.acme, user_id=user_id, role="admin")
    assert await epoch_of(runtime, cast.acme) == before + 1


async def test_of_many_at_once_one_joins(runtime: Runtime, cast: Cast) -> None:
    user_id, _ = await create_user(runtime, "joiner")

    async def join() -> bool:
        try:
            async with runtime.database.unit() as unit:
                await add_member(unit, workspace_id=cast.acme, user_id=user_id, role="member")
        except AlreadyMember:
            return False
        return True

    assert sorted(await asyncio.gather(*(join() for _ in range(8)))) == [*[False] * 7, True]


async def test_nobody_and_unknown_roles_are_refused(runtime: Runtime, cast: Cast) -> None:
    user_id, _ = await create_user(runtime, "joiner")
    with pytest.raises(PersonNotFound):
        async with runtime.database.unit() as unit:
            await add_member(unit, workspace_id=cast.acme, user_id=new_id(), role="member")
    with pytest.raises(RoleUnknown):
        async with runtime.database.unit() as unit:
            await add_member(unit, workspace_id=cast.acme, user_id=user_id, role="emperor")


async def test_a_role_of_the_workspace_will_do_there_and_nowhere_else(
    client: Client, runtime: Runtime, cast: Cast
) -> None:
    user_id, _ = await create_user(runtime, "joiner")
    async with runtime.database.unit() as unit:
        await unit.run(
            "insert into roles (workspace_id, key, name, base) values (:of, 'auditor', 'Auditor', 'viewer')",
            of=cast.acme,
        )
    with pytest.raises(RoleUnknown):
        async with runtime.database.unit() as unit:
            await add_member(unit, workspace_id=cast.globex, user_id=user_id, role="auditor")
    async with runtime.database.unit() as unit:
        member = await add_member(unit, workspace_id=cast.acme, user_id=user_id, role="auditor")
    listed = (await client.as_(cast.owner).get(path(cast.acme))).json()
    assert listed["items"][-1]["id"] == str(member.id)
    assert listed["items"][-1]["role"] == "auditor"


async def test_other_domains_ask_for_members_of_their_workspace_alone(runtime: Runtime, cast: Cast) -> None:
    async with runtime.database.unit(cast.acme) as unit:
        assert (await get_member(unit, member_id=cast.viewer.member_id)).user_id == cast.viewer.user_id
        await check_member_exists(unit, member_id=cast.viewer.member_id)
        ids = [cast.owner.member_id, cast.viewer.member_id, cast.stranger.member_id, new_id()]
        assert await list_member_names(unit, member_ids=ids) == {
            cast.owner.member_id: "Owner Example",
            cast.viewer.member_id: "Viewer Example",
        }
        assert await list_member_names(unit, member_ids=[]) == {}
        for nobody in (cast.stranger.member_id, new_id()):
            with pytest.raises(MemberNotFound):
                await check_member_exists(unit, member_id=nobody)


async def test_other_domains_ask_for_teams_of_their_workspace_alone(runtime: Runtime, cast: Cast) -> None:
    teams = [new_id(), new_id()]
    async with runtime.database.unit(cast.acme) as unit:
        for team in teams:
            await unit.run(
                "insert into teams (workspace_id, id, name) values (:workspace, :id, :id::uuid::text)", id=team
            )
            await unit.run(
                """
                insert into team_members (workspace_id, team_id, member_id) values (:workspace, :team_id, :member_id)
                """,
                team_id=team,
                member_id=cast.member.member_id,
            )
    async with runtime.database.unit(cast.acme) as unit:
        assert await team_ids(unit, member_id=cast.member.member_id) == teams
        assert await team_ids(unit, member_id=cast.viewer.member_id) == []
        await check_team_exists(unit, team_id=teams[0])
        with pytest.raises(TeamNotFound):
            await check_team_exists(unit, team_id=new_id())
    async with runtime.database.unit(cast.globex) as unit:
        assert await team_ids(unit, member_id=cast.member.member_id) == []
        with pytest.raises(TeamNotFound):
            await check_team_exists(unit, team_id=teams[0])


async def test_rights_change_in_one_workspace_at_a_time(runtime: Runtime, cast: Cast) -> None:
    before = await epoch_of(runtime, cast.acme), await epoch_of(runtime, cast.globex)
    async with runtime.database.unit() as unit:
        await bump_rights_epoch(unit, workspace_id=cast.acme)
    assert (await epoch_of(runtime, cast.acme), await epoch_of(runtime, cast.globex)) == (before[0] + 1, before[1])
