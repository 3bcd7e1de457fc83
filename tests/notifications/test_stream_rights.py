"""What ends an open stream or narrows it: at once, and before anything that happens afterwards is told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias

import pytest

from fostr.kernel import clock
from fostr.kernel.auth.credentials import COOKIE
from fostr.kernel.runtime import Runtime
from tests.identity.people import login, new_email, sign_up
from tests.support.cast import Cast, Person, create_token
from tests.support.client import Client, Response
from tests.support.events import repeat_newest
from tests.support.lights import light, looks
from tests.support.listening import Ear, listen
from tests.support.live import LiveServer
from tests.support.records import create_record, create_recordset, grant
from tests.support.rules import create_rule, leaf
from tests.workspaces.sessions import signed_in


@dataclass(frozen=True, slots=True)
class Scene:
    """What the ways of revoking something need."""

    client: Client
    cast: Cast
    runtime: Runtime

    @property
    def owner(self) -> Client:
        """The owner's client."""
        return self.client.as_(self.cast.owner)


Headers: TypeAlias = dict[str, str]
Revoke: TypeAlias = Callable[[], Awaitable[Any]]
Opening: TypeAlias = tuple[Headers, Revoke, str]
"""How a stream is opened, what ends it, and the code that it says."""


@pytest.fixture
def scene(client: Client, cast: Cast, runtime: Runtime) -> Scene:
    """The cast, and their clients."""
    return Scene(client, cast, runtime)


def bearer(token: str, person: Person | None = None) -> Headers:
    return {"Authorization": f"Bearer {token}"} | ({"X-Workspace-Id": str(person.workspace_id)} if person else {})


def ok(response: Response) -> Response:
    assert response.is_success, response.text
    return response


async def signing_out(scene: Scene) -> Opening:
    session = await signed_in(scene.client, scene.runtime, scene.cast.member)
    return session.headers, lambda: session.post("/api/v1/auth/logout"), "unauthorized"


async def ending_the_session_elsewhere(scene: Scene) -> Opening:
    session = await signed_in(scene.client, scene.runtime, scene.cast.member)
    other = await signed_in(scene.client, scene.runtime, scene.cast.member)
    listed = ok(await session.get("/api/v1/auth/sessions")).json()["items"]
    [own] = [one for one in listed if one["is_current"]]
    return session.headers, lambda: other.delete(f"/api/v1/auth/sessions/{own['id']}"), "unauthorized"


async def revoking_a_token(scene: Scene) -> Opening:
    member = await signed_in(scene.client, scene.runtime, scene.cast.member)
    body = {"name": "Phone", "scope": "read"}
    made = ok(await member.post("/api/v1/personal-access-tokens", json=body)).json()
    path = f"/api/v1/personal-access-tokens/{made['id']}"
    return bearer(made["token"], scene.cast.member), lambda: member.delete(path), "unauthorized"


def ending_a_key(method: str, path: str) -> Callable[[Scene], Awaitable[Opening]]:
    async def opened(scene: Scene) -> Opening:
        made = ok(await scene.owner.post("/api/v1/api-keys", json={"name": "Sync"})).json()
        address = f"/api/v1/api-keys/{made['id']}{path}"
        return {"X-Api-Key": made["key"]}, lambda: scene.owner.request(method, address), "unauthorized"

    opened.__name__ = f"ending_a_key_by_{method}{path}"
    return opened


async def removing_the_member(scene: Scene) -> Opening:
    path = f"/api/v1/members/{scene.cast.member.member_id}"
    return bearer(scene.cast.member.token, scene.cast.member), lambda: scene.owner.delete(path), "not_found"


async def deleting_the_account(scene: Scene) -> Opening:
    owner = await signed_in(scene.client, scene.runtime, scene.cast.owner)
    path = f"/api/v1/members/{scene.cast.member.member_id}/permanent"
    return bearer(scene.cast.member.token, scene.cast.member), lambda: owner.delete(path), "unauthorized"


async def ending_an_impersonation(scene: Scene) -> Opening:
    cast = scene.cast
    acting = await signed_in(scene.client, scene.runtime, cast.member, acting=cast.stranger)
    listed = ok(await scene.client.as_(cast.member).get("/api/v1/auth/sessions")).json()["items"]
    [session] = [one for one in listed if not one["is_current"]]
    path = f"/api/v1/auth/sessions/{session['id']}"
    return acting.headers, lambda: scene.client.as_(cast.member).delete(path), "unauthorized"


async def changing_the_password(scene: Scene) -> Opening:
    """Everybody who is signed in elsewhere has to sign in anew."""
    email = new_email()
    made = await sign_up(scene.client, email=email)
    other = scene.client.with_token((await login(scene.client, email)).json()["access_token"])
    ended = lambda: other.delete("/api/v1/auth/sessions")  # noqa: E731 - one of many
    scene.client.inner.cookies.clear()
    return bearer(made["access_token"]), ended, "unauthorized"


CLOSING = [
    signing_out,
    ending_the_session_elsewhere,
    revoking_a_token,
    ending_a_key("POST", "/revoke"),
    ending_a_key("POST", "/toggle"),
    ending_a_key("DELETE", ""),
    removing_the_member,
    deleting_the_account,
    ending_an_impersonation,
    changing_the_password,
]


@pytest.mark.parametrize("way", CLOSING, ids=lambda way: way.__name__)
async def test_a_void_credential_closes_the_stream_before_anything_more_is_told(
    scene: Scene, live: LiveServer, way: Callable[[Scene], Awaitable[Opening]]
) -> None:
    headers, revoke, code = await way(scene)
    async with listen(live, headers=headers, greeted=False) as ear:
        workspace = (await ear.next("ready")).data["workspace_id"]
        told = await light(scene.runtime, workspace)
        assert (await ear.next()).id == str(told)
        response = await revoke()
        assert response.is_success, response.text
        secret = await light(scene.runtime, workspace)
        heard = await ear.until_end()
    assert (heard[-1].event, heard[-1].data["code"]) == ("closed", code)
    # What the revocation itself wrote may have been told before it was looked at, and nothing else.
    assert str(secret) not in {one.id for one in heard}


@pytest.mark.parametrize("kind", ["token", "cookie", "jwt"])
async def test_a_credential_that_ends_by_time_closes_the_stream(scene: Scene, live: LiveServer, kind: str) -> None:
    member = scene.cast.member
    if kind == "token":
        token = await create_token(scene.runtime, member.user_id, lifetime=timedelta(minutes=5))
        headers = bearer(token, member)
    elif kind == "cookie":
        headers = (await signed_in(scene.client, scene.runtime, member)).headers
        assert COOKIE in headers["Cookie"]
    else:
        made = await sign_up(scene.client)
        scene.client.inner.cookies.clear()
        headers = bearer(made["access_token"])
    async with listen(live, headers=headers) as ear:
        with clock.travel(to=clock.now() + timedelta(days=2)):
            heard = await ear.until_end()
    assert [(one.event, one.data["code"]) for one in heard] == [
        ("closed", "token_expired" if kind == "jwt" else "unauthorized")
    ]


async def test_a_change_of_rights_that_no_notice_told_of_is_found(scene: Scene, live: LiveServer) -> None:
    member = scene.cast.member
    async with listen(live, member) as ear:
        async with scene.runtime.database.unit() as unit:
            await unit.run(
                "update tokens set revoked_at = :now where user_id = :id", id=member.user_id, now=clock.now()
            )
            await unit.run("update workspaces set rights_epoch = rights_epoch + 1 where id = :id", id=scene.cast.acme)
        assert [one.event for one in await ear.until_end()] == ["closed"]


async def test_other_streams_of_a_person_go_on(scene: Scene, live: LiveServer) -> None:
    session = await signed_in(scene.client, scene.runtime, scene.cast.member)
    async with listen(live, headers=session.headers) as closed, listen(live, scene.cast.member) as ear:
        ok(await session.post("/api/v1/auth/logout"))
        event_id = await light(scene.runtime, scene.cast.acme)
        assert (await ear.next()).id == str(event_id)
        assert [one.event for one in await closed.until_end()] == ["closed"]


Narrow: TypeAlias = Callable[[Scene, dict[str, Any]], Awaitable[Revoke]]


async def taking_a_grant_back(scene: Scene, recordset: dict[str, Any]) -> Revoke:
    await grant(scene.owner, recordset, scene.cast.viewer, "can_view")
    path = f"/api/v1/recordsets/{recordset['slug']}/access/members/{scene.cast.viewer.member_id}"
    return lambda: scene.owner.delete(path)


async def leaving_a_team(scene: Scene, recordset: dict[str, Any]) -> Revoke:
    owner, viewer = scene.owner, scene.cast.viewer
    team = ok(await owner.post("/api/v1/teams", json={"name": "Crew"})).json()
    members = f"/api/v1/teams/{team['id']}/members"
    ok(await owner.post(members, json={"member_id": str(viewer.member_id)}))
    body = {"team_id": team["id"], "actions": ["can_view"]}
    ok(await owner.post(f"/api/v1/recordsets/{recordset['slug']}/access", json=body))
    return lambda: owner.delete(f"{members}/{viewer.member_id}")


async def changing_the_role(scene: Scene, recordset: dict[str, Any]) -> Revoke:
    del recordset
    path = f"/api/v1/auth/{scene.cast.viewer.user_id}"
    ok(await scene.owner.patch(path, json={"role": "admin"}))
    return lambda: scene.owner.patch(path, json={"role": "viewer"})


async def taking_a_permission_from_the_role(scene: Scene, recordset: dict[str, Any]) -> Revoke:
    await grant(scene.owner, recordset, scene.cast.viewer, "can_view")
    body = {"permission": "can_view_record", "allowed": False}
    return lambda: scene.owner.patch("/api/v1/permissions/roles/viewer/permission", json=body)


async def making_a_row_rule(scene: Scene, recordset: dict[str, Any]) -> Revoke:
    await grant(scene.owner, recordset, scene.cast.viewer, "can_view")

    async def make() -> None:
        await create_rule(scene.owner, recordset, leaf("code", "eq", "open"))

    return make


NARROWING: list[Narrow] = [
    taking_a_grant_back,
    leaving_a_team,
    changing_the_role,
    taking_a_permission_from_the_role,
    making_a_row_rule,
]


@pytest.mark.parametrize("way", NARROWING, ids=lambda way: way.__name__)
async def test_less_is_told_as_soon_as_less_may_be_known(scene: Scene, live: LiveServer, way: Narrow) -> None:
    recordset = await create_recordset(
        scene.owner, fields=[{"name": "Name", "type": "text"}, {"name": "Code", "type": "text"}]
    )
    narrow = await way(scene, recordset)
    async with listen(live, scene.cast.viewer) as ear, listen(live, scene.cast.owner) as owner:
        before = await create_record(scene.owner, recordset, {"name": "Before"})
        assert await record_of(ear) == before["id"]
        response = await narrow()
        assert response is None or response.is_success
        hidden = await create_record(scene.owner, recordset, {"name": "Hidden"})
        told = await light(scene.runtime, scene.cast.acme)
        heard = [await ear.next()]
        while heard[-1].id != str(told):
            heard.append(await ear.next())
        assert hidden["id"] not in {one.data["record_id"] for one in heard}
        # It is told, but to those who may still know.
        assert [await record_of(owner), await record_of(owner)] == [before["id"], hidden["id"]]


async def test_nothing_is_told_of_a_module_that_is_switched_off(scene: Scene, live: LiveServer) -> None:
    recordset = await create_recordset(scene.owner, fields=[{"name": "Name", "type": "text"}])
    await create_record(scene.owner, recordset, {"name": "Before"})
    async with listen(live, scene.cast.owner) as ear:
        shown = await repeat_newest(scene.runtime, scene.cast.acme, entity="record")
        told = await light(scene.runtime, scene.cast.acme)
        assert await ear.next_ids(2) == [str(shown), str(told)]
        ok(await scene.owner.post("/api/v1/modules/records/toggle"))
        hidden = await repeat_newest(scene.runtime, scene.cast.acme, entity="record")
        told = await light(scene.runtime, scene.cast.acme)
        heard = [await ear.next()]
        while heard[-1].id != str(told):
            heard.append(await ear.next())
    assert str(hidden) not in {one.id for one in heard}


async def record_of(ear: Ear) -> str:
    while (heard := await ear.next()).data["entity"] != "record":
        pass
    return heard.data["record_id"]


async def test_more_is_told_as_soon_as_more_may_be_known(scene: Scene, live: LiveServer) -> None:
    recordset = await create_recordset(scene.owner, fields=[{"name": "Name", "type": "text"}])
    async with listen(live, scene.cast.viewer) as ear:
        await create_record(scene.owner, recordset, {"name": "Hidden"})
        told = await light(scene.runtime, scene.cast.acme)
        while (await ear.next()).id != str(told):
            pass
        await grant(scene.owner, recordset, scene.cast.viewer, "can_view")
        shown = await create_record(scene.owner, recordset, {"name": "Shown"})
        assert await record_of(ear) == shown["id"]


async def test_rights_are_looked_at_once_for_each_class(scene: Scene, live: LiveServer) -> None:
    cast = scene.cast
    async with (
        listen(live, cast.viewer),
        listen(live, cast.viewer) as viewer,
        listen(live, cast.member),
        listen(live, cast.admin) as admin,
        listen(live, cast.admin),
    ):
        event_id = await light(scene.runtime, cast.acme, hidden_from=["viewer"])
        assert (await admin.next()).id == str(event_id)
        after = await light(scene.runtime, cast.acme)
        assert (await viewer.next()).id == str(after)
    for one in (event_id, after):
        assert sorted(role for seen, role in looks if seen == one) == ["admin", "member", "viewer"]


async def test_a_stream_of_a_small_scope_is_told_what_that_scope_may_read(scene: Scene, live: LiveServer) -> None:
    token = await create_token(scene.runtime, scene.cast.owner.user_id, scope="read")
    async with listen(live, headers=bearer(token, scene.cast.owner)) as ear:
        event_id = await light(scene.runtime, scene.cast.acme)
        assert (await ear.next()).id == str(event_id)
