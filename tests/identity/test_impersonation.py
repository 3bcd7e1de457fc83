"""Acting in somebody's name: asked for with a reason, seen by the workspace, over within the hour, stamped on all."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from fostr.domains.workspaces.public import add_member
from fostr.kernel import clock
from fostr.kernel.runtime import Runtime
from tests.identity.conftest import Visit
from tests.identity.people import COOKIE, PASSWORD, login, new_email, refresh, sign_up, who
from tests.support.cast import Cast, Person
from tests.support.client import Client, Response, refusal
from tests.support.events import event_types
from tests.support.records import create_record, create_recordset, grant

EXCHANGE = "/api/v1/auth/impersonate/exchange"
REASON = "Ticket 4711: the import shows no rows."


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody who administers the installation and is in no workspace of the cast."""

    client: Client
    user_id: str
    email: str


@pytest.fixture
async def operator(visit: Visit, runtime: Runtime) -> Operator:
    """A superuser who has just signed in."""
    client, email = visit(), new_email("operator")
    made = await sign_up(client, email=email, full_name="Olga Operator")
    async with runtime.database.unit() as unit:
        await unit.run("update users set is_superuser = true where id = :id", id=made["user"]["id"])
    return Operator(client, made["user"]["id"], email)


def of(person: Person) -> str:
    return f"/api/v1/workspaces/{person.workspace_id}/members/{person.member_id}/impersonate"


def at(cast: Cast, path: str = "") -> str:
    return f"/api/v1/workspaces/{cast.acme}/impersonations{path}"


async def ask(client: Client, person: Person, *, reason: str = REASON) -> Response:
    return await client.post(of(person), json={"reason": reason})


async def exchange(client: Client, token: str) -> Response:
    return await client.post(EXCHANGE, json={"token": token})


async def begin(operator: Operator, visit: Visit, person: Person) -> tuple[Client, dict[str, Any]]:
    """Begin to act in somebody's name; return a client that does, and the session."""
    asked = await ask(operator.client, person)
    assert asked.status_code == 201, asked.text
    begun = await exchange(visit(), asked.json()["token"])
    assert begun.status_code == 200, begun.text
    return visit().with_token(begun.json()["access_token"], workspace=person.workspace_id), begun.json()


async def test_it_is_asked_for_begun_and_seen(
    operator: Operator, visit: Visit, client: Client, cast: Cast, runtime: Runtime
) -> None:
    asked = (await ask(operator.client, cast.member)).json()
    assert (asked["status"], asked["reason"], asked["acting_as"]) == ("waiting", REASON, operator.user_id)
    begun = await exchange(visit(), asked["token"])
    assert COOKIE not in begun.cookies
    body = begun.json()
    assert (body["user_id"], body["workspace_id"]) == (str(cast.member.user_id), str(cast.acme))
    assert datetime.fromisoformat(body["expires_at"]) - clock.now() <= timedelta(hours=1)
    acting = visit().with_token(body["access_token"], workspace=cast.acme)
    me = (await who(acting)).json()
    assert (me["email"], me["acting_as"]) == (cast.member.email, operator.user_id)
    assert (await client.as_(cast.member).get("/api/v1/auth/me")).json()["acting_as"] is None
    own = (await acting.get("/api/v1/members/me")).json()
    assert own["id"] == str(cast.member.member_id)
    (seen,) = (await client.as_(cast.admin).get(at(cast))).json()["items"]
    assert (seen["id"], seen["status"], seen["acting_name"]) == (asked["id"], "active", "Olga Operator")
    assert (seen["member_id"], seen["acting_email"]) == (str(cast.member.member_id), operator.email)
    mine = (await client.as_(cast.member).get("/api/v1/auth/sessions")).json()["items"]
    assert [session["acting_user_id"] for session in mine] == [operator.user_id]
    assert (await acting.post("/api/v1/auth/logout")).status_code == 200
    assert refusal(await who(acting)) == (401, "unauthorized")
    told = await event_types(runtime, cast.acme, entity_id=UUID(asked["id"]))
    assert told == ["impersonation.requested", "impersonation.started", "impersonation.ended"]
    (over,) = (await client.as_(cast.admin).get(at(cast))).json()["items"]
    assert (over["status"], over["ended_reason"]) == ("ended", "signed_out")


async def test_everything_done_names_who_acted(
    operator: Operator, visit: Visit, client: Client, cast: Cast, runtime: Runtime
) -> None:
    recordset = await create_recordset(client.as_(cast.owner), fields=[{"name": "Name", "type": "text"}])
    await grant(client.as_(cast.owner), recordset, cast.member, "can_create", "can_edit")
    acting, _ = await begin(operator, visit, cast.member)
    record = await create_record(acting, recordset, {"name": "Moffett"})
    changed = await acting.patch(f"/api/v1/records/{record['id']}", json={"field_values": {"name": "Palo Alto"}})
    assert changed.status_code == 200, changed.text
    async with runtime.database.unit(cast.acme) as unit:
        actors = await unit.rows(
            "select e.actor from events e where e.workspace_id = :workspace and e.entity_id = :id order by e.id",
            id=UUID(record["id"]),
        )
    assert [row["actor"]["acting_as"] for row in actors] == [operator.user_id] * 2
    assert {row["actor"]["member_id"] for row in actors} == {str(cast.member.member_id)}
    history = (await acting.get(f"/api/v1/records/{record['id']}/history")).json()["items"]
    assert [entry["acting_as"] for entry in history] == [operator.user_id] * 2
    own = await create_record(client.as_(cast.member), recordset, {"name": "Reno"})
    plain = (await client.as_(cast.member).get(f"/api/v1/records/{own['id']}/history")).json()["items"]
    assert [entry["acting_as"] for entry in plain] == [None]


async def test_jobs_name_who_acted_too(
    operator: Operator, visit: Visit, client: Client, cast: Cast, runtime: Runtime, run_jobs: Any
) -> None:
    recordset = await create_recordset(client.as_(cast.owner), fields=[{"name": "Name", "type": "text"}])
    acting, _ = await begin(operator, visit, cast.admin)
    started = await acting.post("/api/v1/export", json={"recordset_id": recordset["id"], "format": "csv"})
    assert started.status_code in {200, 201, 202}, started.text
    await run_jobs()
    async with runtime.database.unit(cast.acme) as unit:
        actors = await unit.rows(
            """
            select e.type, e.actor from events e where e.workspace_id = :workspace and e.entity_id = :id order by e.id
            """,
            id=UUID(started.json()["job_id"]),
        )
    assert [row["type"] for row in actors] == ["export.requested", "export.completed"]
    assert [row["actor"]["acting_as"] for row in actors] == [operator.user_id] * 2


async def test_it_ends_within_the_hour_however_often_it_is_refreshed(
    operator: Operator, visit: Visit, cast: Cast, runtime: Runtime, run_jobs: Any
) -> None:
    acting, session = await begin(operator, visit, cast.member)
    start = clock.now()
    with clock.travel(to=start + timedelta(minutes=50)):
        pair = await refresh(visit(), session["refresh_token"])
        assert pair.status_code == 200
        acting = visit().with_token(pair.json()["access_token"], workspace=cast.acme)
        assert (await who(acting)).status_code == 200
    with clock.travel(to=start + timedelta(minutes=61)):
        assert refusal(await who(acting)) in {(401, "token_expired"), (401, "unauthorized")}
        assert (await refresh(visit(), pair.json()["refresh_token"])).status_code == 401
        await end_what_is_over(runtime, run_jobs)
    told = await event_types(runtime, cast.acme, entity_id=UUID(session["impersonation_id"]))
    assert told[-1] == "impersonation.ended"


async def end_what_is_over(runtime: Runtime, run_jobs: Any) -> None:
    from fostr.kernel.jobs.dispatch import dispatch

    async with runtime.database.unit() as unit:
        await dispatch(unit, "identity.end_impersonations", {}, workspace=None)
    await run_jobs()


async def test_the_token_works_once_and_for_a_quarter_of_an_hour(operator: Operator, visit: Visit, cast: Cast) -> None:
    replaced = (await ask(operator.client, cast.member)).json()["token"]
    token = (await ask(operator.client, cast.member)).json()["token"]
    assert refusal(await exchange(visit(), replaced)) == (403, "link_invalid")
    both = await asyncio.gather(*[exchange(visit(), token) for _ in range(2)])
    assert sorted(response.status_code for response in both) == [200, 403]
    late = (await ask(operator.client, cast.member)).json()["token"]
    with clock.travel(to=clock.now() + timedelta(minutes=16)):
        assert refusal(await exchange(visit(), late)) == (403, "link_invalid")
    assert refusal(await exchange(visit(), "fos_lnk_nonsense")) == (403, "link_invalid")


async def test_the_workspace_ends_it_and_takes_tokens_back(
    operator: Operator, visit: Visit, client: Client, cast: Cast
) -> None:
    acting, session = await begin(operator, visit, cast.viewer)
    path = at(cast, f"/{session['impersonation_id']}/end")
    assert refusal(await client.as_(cast.member).post(path)) == (403, "forbidden")
    assert refusal(await client.as_(cast.stranger).post(path)) == (404, "not_found")
    other = f"/api/v1/workspaces/{cast.globex}/impersonations/{session['impersonation_id']}/end"
    assert refusal(await client.as_(cast.stranger).post(other)) == (404, "impersonation_not_found")
    ended = await client.as_(cast.admin).post(path)
    assert (ended.json()["status"], ended.json()["ended_reason"]) == ("ended", "ended_by_workspace")
    assert refusal(await who(acting)) == (401, "unauthorized")
    assert refusal(await client.as_(cast.admin).post(path)) == (409, "impersonation_ended")
    waiting = (await ask(operator.client, cast.member)).json()
    assert (await client.as_(cast.owner).post(at(cast, f"/{waiting['id']}/end"))).status_code == 200
    assert refusal(await exchange(visit(), waiting["token"])) == (403, "link_invalid")
    assert refusal(await client.as_(cast.member).get(at(cast))) == (403, "forbidden")


async def test_the_person_ends_it(operator: Operator, visit: Visit, client: Client, cast: Cast) -> None:
    acting, _ = await begin(operator, visit, cast.member)
    (session,) = (await client.as_(cast.member).get("/api/v1/auth/sessions")).json()["items"]
    assert (await client.as_(cast.member).delete(f"/api/v1/auth/sessions/{session['id']}")).status_code == 204
    assert refusal(await who(acting)) == (401, "unauthorized")
    (seen,) = (await client.as_(cast.admin).get(at(cast))).json()["items"]
    assert (seen["status"], seen["ended_reason"]) == ("ended", "session_ended")


async def test_the_account_and_the_keys_are_out_of_reach(operator: Operator, visit: Visit, cast: Cast) -> None:
    acting, _ = await begin(operator, visit, cast.owner)
    member, api = f"/api/v1/members/{cast.member.member_id}", "/api/v1"
    refused = [
        ("PATCH", f"{api}/auth/me", {"full_name": "Mallory"}),
        ("PATCH", f"{api}/auth/{cast.owner.user_id}", {"full_name": "Mallory"}),
        ("PATCH", f"{api}/auth/{cast.member.user_id}", {"email": new_email()}),
        ("POST", f"{api}/auth/me/password", {"current_password": PASSWORD, "new_password": PASSWORD}),
        ("POST", f"{api}/auth/confirm", {"password": PASSWORD}),
        ("POST", f"{api}/personal-access-tokens", {"name": "Back door", "scope": "admin"}),
        ("POST", f"{api}/api-keys", {"name": "Back door", "scope": "read"}),
        ("GET", f"{api}/api-keys", None),
        ("PATCH", member, {"role": "owner"}),
        ("PATCH", member, {"role": "viewer"}),
        ("DELETE", member, None),
        ("POST", f"{api}/permissions/roles", {"name": "Back door", "base": "viewer"}),
        ("POST", f"{api}/workspaces/{cast.acme}/invite", {"email": new_email(), "role": "admin"}),
        ("POST", f"{api}/workspaces/{cast.acme}/members/{cast.member.user_id}/password-reset", None),
        ("POST", f"{api}/workspaces", {"name": "Elsewhere"}),
        ("POST", f"{api}/workspaces/switch", {"workspace_id": str(cast.acme)}),
        ("DELETE", f"{api}/auth/sessions", None),
    ]
    for method, path, body in refused:
        response = await acting.request(method, path, **({} if body is None else {"json": body}))
        assert refusal(response) == (403, "impersonating"), (method, path)
    assert (await acting.get(member)).status_code == 200


async def test_it_stays_in_its_workspace(operator: Operator, visit: Visit, cast: Cast, runtime: Runtime) -> None:
    async with runtime.database.unit() as unit:
        await add_member(unit, workspace_id=cast.globex, user_id=cast.member.user_id, role="admin")
    acting, _ = await begin(operator, visit, cast.member)
    assert (await acting.get("/api/v1/members")).status_code == 200
    elsewhere = Client(acting.inner, acting.checker, {**acting.headers, "X-Workspace-Id": str(cast.globex)})
    assert refusal(await elsewhere.get("/api/v1/members")) == (404, "not_found")
    listed = (await elsewhere.get("/api/v1/workspaces")).json()
    assert ([one["id"] for one in listed["items"]], listed["total"]) == ([str(cast.acme)], 1)
    shown = await elsewhere.get("/api/v1/auth/me", params={"workspace_id": str(cast.globex)})
    assert refusal(shown) == (404, "workspace_not_found")


async def test_who_may_not_ask(operator: Operator, visit: Visit, client: Client, cast: Cast, runtime: Runtime) -> None:
    assert refusal(await ask(visit(), cast.member)) == (401, "unauthorized")
    plain = visit()
    await sign_up(plain)
    assert refusal(await ask(plain, cast.member)) == (404, "not_found")
    assert refusal(await ask(client.as_(cast.owner), cast.member)) == (404, "not_found")
    async with runtime.database.unit() as unit:
        await unit.run(
            "update users set is_superuser = true where id = any(:ids::uuid[])",
            ids=[cast.admin.user_id, cast.stranger.user_id],
        )
    # A token of such a person is no person.
    assert refusal(await ask(client.as_(cast.stranger), cast.member)) == (404, "not_found")
    assert refusal(await ask(operator.client, cast.admin)) == (403, "not_impersonable")
    wrong = f"/api/v1/workspaces/{cast.globex}/members/{cast.member.member_id}/impersonate"
    assert refusal(await operator.client.post(wrong, json={"reason": REASON})) == (404, "not_found")
    assert refusal(await ask(operator.client, cast.member, reason="  why ")) == (422, "validation_failed")
    with clock.travel(to=clock.now() + timedelta(minutes=30)):
        assert (await login(visit(), operator.email)).status_code == 200
        late = await ask(operator.client, cast.member)
        assert refusal(late)[0] in {401, 403}
        assert refusal(late)[1] in {"recent_sign_in_required", "unauthorized", "token_expired"}


async def test_what_was_decided_is_looked_at_again(
    operator: Operator, visit: Visit, client: Client, cast: Cast, runtime: Runtime
) -> None:
    async def demote(*, is_superuser: bool) -> None:
        async with runtime.database.unit() as unit:
            await unit.run(
                "update users set is_superuser = :yes where id = :id", id=UUID(operator.user_id), yes=is_superuser
            )

    token = (await ask(operator.client, cast.member)).json()["token"]
    await demote(is_superuser=False)
    assert refusal(await exchange(visit(), token)) == (403, "link_invalid")
    await demote(is_superuser=True)
    token = (await ask(operator.client, cast.member)).json()["token"]
    assert (await client.as_(cast.admin).delete(f"/api/v1/members/{cast.member.member_id}")).status_code == 204
    assert refusal(await exchange(visit(), token)) == (403, "link_invalid")
    acting, _ = await begin(operator, visit, cast.viewer)
    assert (await client.as_(cast.admin).delete(f"/api/v1/members/{cast.viewer.member_id}")).status_code == 204
    assert refusal(await acting.get("/api/v1/members")) in {(404, "not_found"), (400, "workspace_required")}
    async with runtime.database.unit() as unit:
        await unit.run("update users set is_active = false where id = :id", id=UUID(operator.user_id))
    assert refusal(await who(acting)) == (401, "unauthorized")
