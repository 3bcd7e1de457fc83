"""What is decided once stays decided once, however many ask at the same moment."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest

from fostr.domains.workspaces.public import add_member
from fostr.kernel.runtime import Runtime
from tests.identity.conftest import Visit
from tests.identity.letters import last_letter
from tests.identity.people import PASSWORD, login, new_email, refresh, sign_up, who
from tests.identity.test_activation import params_of, provide
from tests.identity.test_second_factor import begin, complete, enable
from tests.support.cast import Cast, Person, create_token, create_user
from tests.support.client import Client, Response, refusal
from tests.support.events import PATIENCE

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable
    from uuid import UUID

AT_ONCE: Final = 8
MEMBERS: Final = "/api/v1/members"


async def volley(*requests: Awaitable[Response]) -> Counter[tuple[int, str]]:
    """Return how often each answer came, by status and code."""
    answers = await asyncio.gather(*requests)
    return Counter((answer.status_code, answer.json().get("code", "") if answer.content else "") for answer in answers)


async def test_one_recovery_code_lets_one_in(visit: Visit) -> None:
    browser, email = visit(), new_email()
    await sign_up(browser, email=email)
    _, codes = await enable(browser)
    tokens = [await begin(visit(), email) for _ in range(AT_ONCE)]
    answered = await volley(*(complete(visit(), token, codes[0]) for token in tokens))
    assert answered == {(200, ""): 1, (401, "second_factor_wrong"): AT_ONCE - 1}


async def test_one_pending_sign_in_opens_one_session(visit: Visit) -> None:
    browser, email = visit(), new_email()
    await sign_up(browser, email=email)
    _, codes = await enable(browser)
    token = await begin(visit(), email)
    answered = await volley(*(complete(visit(), token, code) for code in codes[:4]))
    assert answered[200, ""] == 1
    assert (await browser.get("/api/v1/auth/sessions")).json()["total"] == 2


async def test_one_reset_link_sets_one_password(visit: Visit, runtime: Runtime) -> None:
    email = new_email()
    await sign_up(visit(), email=email)
    await visit().post("/api/v1/auth/request-password-reset", json={"email": email})
    token = (await last_letter(runtime, email, "password_reset")).token
    wanted = [f"Note-G-Bernoulli-{number}" for number in range(AT_ONCE)]
    answers = await asyncio.gather(
        *(visit().post("/api/v1/auth/reset-password", json={"token": token, "new_password": new}) for new in wanted)
    )
    won = [new for new, answer in zip(wanted, answers, strict=True) if answer.status_code == 200]
    assert len(won) == 1
    assert (await login(visit(), email, password=won[0])).status_code == 200
    assert {refusal(answer) for answer in answers if answer.status_code != 200} == {(403, "link_invalid")}


async def test_one_activation_opens_one_session(visit: Visit, runtime: Runtime) -> None:
    email = new_email("grace")
    await provide(runtime, email)
    given = {**params_of(await last_letter(runtime, email, "activation")), "password": PASSWORD}
    answered = await volley(*(visit().post("/api/v1/auth/activation/complete", json=given) for _ in range(AT_ONCE)))
    assert answered == {(200, ""): 1, (403, "link_invalid"): AT_ONCE - 1}


async def test_parallel_refreshes_and_the_end_of_the_session_leave_nothing_alive(visit: Visit) -> None:
    browser = visit()
    made = await sign_up(browser)
    answers = await asyncio.gather(
        *(refresh(visit(), made["refresh_token"]) for _ in range(AT_ONCE)),
        browser.post("/api/v1/auth/logout"),
    )
    for answer in answers:
        if "access_token" in answer.json():
            assert refusal(await who(visit().with_token(answer.json()["access_token"]))) == (401, "unauthorized")
            assert (await refresh(visit(), answer.json()["refresh_token"])).status_code == 401


async def owners_of(runtime: Runtime, workspace: UUID) -> list[UUID]:
    async with runtime.database.unit() as unit:
        rows = await unit.rows(
            "select user_id from memberships where workspace_id = :of and role = 'owner' and status = 'active'",
            of=workspace,
        )
    return [row["user_id"] for row in rows]


async def test_three_owners_who_end_each_other_in_every_way_leave_one(
    client: Client, cast: Cast, runtime: Runtime
) -> None:
    """By a lower role, by being kept out, by removal, by leaving: all the ways count with all the others."""
    owner = client.as_(cast.owner)
    for person in (cast.admin, cast.member):
        assert (await owner.patch(f"{MEMBERS}/{person.member_id}", json={"role": "owner"})).status_code == 200
    first, second, third = cast.owner, cast.admin, cast.member

    def at(person: Person) -> str:
        return f"{MEMBERS}/{person.member_id}"

    answered = await volley(
        client.as_(first).patch(at(second), json={"role": "viewer"}),
        client.as_(second).patch(at(third), json={"is_active": False}),
        client.as_(third).delete(at(first)),
        client.as_(first).delete(at(first)),
        client.as_(second).patch(f"/api/v1/auth/{first.user_id}", json={"role": "admin"}),
        client.as_(third).delete(f"/api/v1/workspaces/{cast.acme}/members/{second.member_id}"),
    )
    assert len(await owners_of(runtime, cast.acme)) >= 1
    assert sum(count for (status, _), count in answered.items() if status < 300) >= 1
    assert not [status for status, _ in answered if status >= 500]


@asynccontextmanager
async def being_demoted(runtime: Runtime, person: Person) -> AsyncGenerator[None]:
    """Lower somebody's role in a transaction that is committed when the block ends."""
    async with runtime.database.unit() as unit:
        await unit.run(
            "update memberships set role = 'viewer' where workspace_id = :of and user_id = :id",
            of=person.workspace_id,
            id=person.user_id,
        )
        yield


async def is_waiting(runtime: Runtime) -> bool:
    async with runtime.database.unit() as unit:
        return await unit.value(
            "select exists (select 1 from pg_locks l join pg_stat_activity a using (pid)"
            " where not l.granted and a.datname = current_database())"
        )


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", MEMBERS + "/{member_id}", {"role": "admin"}),
        ("PATCH", MEMBERS + "/{member_id}", {"is_active": False}),
        ("PATCH", "/api/v1/auth/{user_id}", {"role": "admin"}),
        ("DELETE", MEMBERS + "/{member_id}", None),
        ("DELETE", "/api/v1/workspaces/{workspace_id}/members/{member_id}", None),
    ],
)
async def test_who_is_demoted_while_they_act_on_members_does_not_get_it_done(
    client: Client, cast: Cast, runtime: Runtime, method: str, path: str, body: dict[str, Any] | None
) -> None:
    """The guard has let them pass, the demotion is committed, and only then does the change reach its rows."""
    target, actor = cast.viewer, client.as_(cast.admin)
    address = path.format(member_id=target.member_id, user_id=target.user_id, workspace_id=cast.acme)
    async with being_demoted(runtime, cast.admin):
        acting = asyncio.create_task(actor.request(method, address, json=body))
        async with asyncio.timeout(PATIENCE):
            while not (acting.done() or await is_waiting(runtime)):  # noqa: ASYNC110 - locks announce themselves to nobody
                await asyncio.sleep(0.01)
        assert not acting.done(), "it did not look at the caller's own membership again"
    answered = await acting
    assert refusal(answered) == (409, "rights_changed")
    shown = await client.as_(cast.owner).get(f"{MEMBERS}/{target.member_id}")
    assert (shown.json()["role"], shown.json()["status"]) == ("viewer", "active")
    again = await actor.request(method, address, json=body)
    assert again.status_code == 403


async def test_after_a_demotion_nothing_more_is_administered_whatever_was_under_way(
    client: Client, cast: Cast, runtime: Runtime
) -> None:
    owner, key = client.as_(cast.owner), await create_token(runtime, cast.admin.user_id, workspace_id=cast.acme)
    actors = (client.as_(cast.admin), client.with_token(key))
    made = [
        actor.post("/api/v1/teams", json={"name": f"Team {number} of {index}"})
        for number in range(AT_ONCE)
        for index, actor in enumerate(actors)
    ]
    demoting = owner.patch(f"{MEMBERS}/{cast.admin.member_id}", json={"role": "viewer"})
    answers = await asyncio.gather(*made[:AT_ONCE], demoting, *made[AT_ONCE:])
    assert {answer.status_code for answer in answers} <= {200, 201, 403}
    kept = (await owner.get("/api/v1/teams")).json()["total"]
    assert kept == sum(answer.status_code == 201 for answer in answers)
    for actor in actors:
        assert refusal(await actor.post("/api/v1/teams", json={"name": "One more"})) == (403, "forbidden")
        assert refusal(await actor.get("/api/v1/api-keys")) == (403, "forbidden")


async def test_somebody_who_is_added_twice_at_once_is_one_member(client: Client, cast: Cast, runtime: Runtime) -> None:
    user_id, email = await create_user(runtime, "grace")
    answered = await volley(
        *(client.as_(cast.owner).post(MEMBERS, json={"email": email, "role": role}) for role in ("viewer", "admin") * 4)
    )
    assert answered[201, ""] == 1
    async with runtime.database.unit() as unit:
        count = await unit.value("select count(*) from memberships where user_id = :id", id=user_id)
    assert count == 1


async def test_a_member_of_two_workspaces_changes_in_one_at_a_time(
    client: Client, cast: Cast, runtime: Runtime
) -> None:
    """Two workspaces that both lower the same person at the same moment do not get in each other's way."""
    async with runtime.database.unit(cast.globex) as unit:
        there = await add_member(unit, workspace_id=cast.globex, user_id=cast.member.user_id, role="admin")
    answered = await volley(
        client.as_(cast.owner).patch(f"{MEMBERS}/{cast.member.member_id}", json={"role": "viewer"}),
        client.as_(cast.stranger).patch(f"{MEMBERS}/{there.id}", json={"role": "viewer"}),
    )
    assert answered == {(200, ""): 2}
