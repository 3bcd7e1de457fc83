"""Seeing and ending sessions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from fostr.domains.identity.sessions.repository import delete_ended_sessions
from fostr.kernel import clock
from fostr.kernel.ids import new_id
from fostr.kernel.jobs.dispatch import dispatch
from fostr.kernel.jobs.registry import list_schedules
from fostr.kernel.runtime import Runtime
from tests.identity.conftest import Visit
from tests.identity.people import login, new_email, refresh, sign_up, who
from tests.support.cast import Cast, create_token
from tests.support.client import Client, refusal

PATH = "/api/v1/auth/sessions"


async def test_people_see_where_they_are_signed_in(visit: Visit) -> None:
    email = new_email()
    phone, desk = visit("192.0.2.10"), visit("192.0.2.20")
    made = await sign_up(phone, email=email)
    await desk.post(
        "/api/v1/auth/login",
        json={"email": email, "password": "Loom-and-Card-1843"},
        headers={"User-Agent": "Desk/1.0 " + "x" * 400},
    )
    listed = (await desk.get(PATH)).json()
    assert (listed["total"], listed["has_more"]) == (2, False)
    here, there = listed["items"]
    assert (here["is_current"], here["address"]) == (True, "192.0.2.20")
    assert here["user_agent"].startswith("Desk/1.0")
    assert len(here["user_agent"]) == 300
    assert (there["is_current"], there["address"]) == (False, "192.0.2.10")
    assert here["workspace_id"] == there["workspace_id"] == made["workspace"]["id"]


async def test_one_ends_another(visit: Visit) -> None:
    email = new_email()
    lost, here = visit(), visit()
    tokens = await sign_up(lost, email=email)
    await login(here, email)
    other = next(item for item in (await here.get(PATH)).json()["items"] if not item["is_current"])
    assert (await here.delete(f"{PATH}/{other['id']}")).status_code == 204
    assert refusal(await who(lost)) == (401, "unauthorized")
    assert refusal(await refresh(visit(), tokens["refresh_token"])) == (401, "refresh_token_invalid")
    assert (await here.get(PATH)).json()["total"] == 1
    assert refusal(await here.delete(f"{PATH}/{other['id']}")) == (404, "session_not_found")


async def test_one_ends_one_s_own(browser: Client) -> None:
    await sign_up(browser)
    (own,) = (await browser.get(PATH)).json()["items"]
    assert (await browser.delete(f"{PATH}/{own['id']}")).status_code == 204
    assert refusal(await who(browser)) == (401, "unauthorized")


async def test_sessions_of_others_are_not_found(visit: Visit) -> None:
    first, second = visit(), visit()
    await sign_up(first)
    await sign_up(second)
    (own,) = (await first.get(PATH)).json()["items"]
    assert refusal(await second.delete(f"{PATH}/{own['id']}")) == (404, "session_not_found")
    assert refusal(await second.delete(f"{PATH}/{new_id()}")) == (404, "session_not_found")
    assert (await who(first)).status_code == 200


async def test_ended_sessions_are_not_listed(visit: Visit) -> None:
    email = new_email()
    first, second = visit(), visit()
    await sign_up(first, email=email)
    await first.post("/api/v1/auth/logout")
    await login(second, email)
    assert (await second.get(PATH)).json()["total"] == 1


async def test_a_token_has_no_session_to_sign_out_of(client: Client, cast: Cast) -> None:
    assert refusal(await client.as_(cast.owner).post("/api/v1/auth/logout")) == (400, "not_a_session")


async def test_ending_a_session_takes_a_token_that_administers(client: Client, cast: Cast, runtime: Runtime) -> None:
    writer = client.with_token(await create_token(runtime, cast.owner.user_id, scope="write"))
    assert (await writer.get(PATH)).status_code == 200
    assert refusal(await writer.delete(f"{PATH}/{new_id()}")) == (403, "pat_scope_insufficient")


async def test_a_new_session_begins_where_the_last_one_was(visit: Visit) -> None:
    email = new_email()
    browser = visit()
    first = (await sign_up(browser, email=email))["workspace"]["id"]
    second = (await browser.post("/api/v1/workspaces", json={"name": "Second"})).json()["id"]

    async def begins_in() -> str:
        client = visit()
        await login(client, email)
        listed = (await client.get("/api/v1/workspaces")).json()["items"]
        return next(item["id"] for item in listed if item["is_current"])

    assert await begins_in() == first
    await browser.post("/api/v1/workspaces/switch", json={"workspace_id": second})
    with clock.travel(to=clock.now() + timedelta(minutes=10)):
        await who(browser)
        assert await begins_in() == second


async def count_sessions(runtime: Runtime, made: dict[str, Any]) -> int:
    """Return how many sessions are kept of somebody who signed up."""
    async with runtime.database.unit() as unit:
        return await unit.value("select count(*) from sessions where user_id = :id", id=made["user"]["id"])


async def test_sessions_are_deleted_long_after_their_end(visit: Visit, runtime: Runtime) -> None:
    ended, alive = visit(), visit()
    made = await sign_up(ended)
    await ended.post("/api/v1/auth/logout")
    await sign_up(alive)
    kept = await count_sessions(runtime, made)
    async with runtime.database.unit() as unit:
        await delete_ended_sessions(unit, before=clock.now() - timedelta(days=1))
    assert await count_sessions(runtime, made) == kept >= 1
    async with runtime.database.unit() as unit:
        assert await delete_ended_sessions(unit, before=clock.now()) >= kept
    assert await count_sessions(runtime, made) == 0
    assert refusal(await refresh(visit(), made["refresh_token"])) == (401, "refresh_token_invalid")
    assert (await who(alive)).status_code == 200


async def test_that_is_done_by_the_clock(
    visit: Visit, runtime: Runtime, run_jobs: Callable[[], Awaitable[None]]
) -> None:
    ended = visit()
    with clock.travel(to=clock.now() - timedelta(days=91)):
        made = await sign_up(ended)
        await ended.post("/api/v1/auth/logout")
    assert await count_sessions(runtime, made) == 1
    async with runtime.database.unit() as unit:
        await dispatch(unit, "identity.delete_ended_sessions", {}, workspace=None)
    await run_jobs()
    assert await count_sessions(runtime, made) == 0
    assert "identity.delete_ended_sessions" in {entry.name for entry in list_schedules()}
