"""Provisioning: followed by a secret, told step by step, all or nothing, and tokens for the first reader alone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import structlog

from fostr.domains.identity.provisioning.making import STEPS
from fostr.domains.workspaces.public import add_member
from fostr.kernel import clock
from fostr.kernel.auth.credentials import SESSION_PREFIX
from fostr.kernel.jobs.worker import drain
from fostr.kernel.runtime import Runtime
from tests.identity.conftest import Visit
from tests.identity.letters import last_letter, letters_to
from tests.identity.people import PASSWORD, login, new_email, refresh, sign_up, who
from tests.support.cast import Cast, create_token
from tests.support.client import Client, Response, refusal
from tests.support.mail import token_of
from tests.support.mailing import open_mailing

ASYNC = "/api/v1/auth/signup/async"
PROVISION = "/api/v1/workspaces/provision"


async def start(client: Client, email: str, **fields: Any) -> Response:
    body = {"email": email, "password": PASSWORD, "full_name": "Ada Lovelace", "company_name": "Engines", **fields}
    return await client.post(ASYNC, json=body)


async def follow(client: Client, url: str, **headers: str) -> list[dict[str, Any]]:
    """Read a stream to its end; each event with its id."""
    async with asyncio.timeout(20):
        response = await client.get(url, headers=headers)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/event-stream")
    events: list[dict[str, Any]] = []
    for block in response.text.strip().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if lines:
            events.append({"id": lines["id"], **json.loads(lines["data"])})
    return events


async def count(runtime: Runtime, email: str, name: str) -> tuple[int, int]:
    """Return how many accounts and workspaces there are of that address and name."""
    async with runtime.database.unit() as unit:
        accounts = await unit.value("select count(*) from users where email = :email", email=email)
        return accounts, await unit.value("select count(*) from workspaces where name = :name", name=name)


async def superuser(visit: Visit, runtime: Runtime) -> Client:
    client = visit()
    made = await sign_up(client)
    async with runtime.database.unit() as unit:
        await unit.run("update users set is_superuser = true where id = :id", id=UUID(made["user"]["id"]))
    return client


async def test_a_sign_up_is_followed_to_its_tokens(visit: Visit, runtime: Runtime) -> None:
    email = new_email()
    started = await start(visit(), email)
    body = started.json()
    assert started.status_code == 200
    assert len(bytes.fromhex(body["job_id"])) == 16
    assert body["stream_url"] == f"/api/v1/auth/signup/jobs/{body['job_id']}/stream"
    await drain(runtime)
    events = await follow(visit(), body["stream_url"])
    steps = [event["current_step"] for event in events if event["current_step"]]
    assert list(dict.fromkeys(steps)) == [*STEPS, "completed"]
    assert [event["status"] for event in events] == ["RUNNING"] * (len(events) - 1) + ["COMPLETED"]
    progress = [event["progress"] for event in events]
    assert progress == sorted(progress)
    assert (progress[0], progress[-1]) == (0, 100)
    assert all(event["result"]["message"] for event in events)
    assert not any("access_token" in event["result"] for event in events[:-1])
    result = events[-1]["result"]
    me = visit().with_token(result["access_token"])
    assert (await who(me)).json()["email"] == email
    (workspace,) = (await me.get("/api/v1/workspaces")).json()["items"]
    assert (workspace["id"], workspace["name"], workspace["role"], workspace["is_current"]) == (
        result["workspace_id"],
        result["workspace_name"],
        "owner",
        True,
    )
    assert (await refresh(visit(), result["refresh_token"])).status_code == 200
    assert (await login(visit(), email)).status_code == 200
    assert (await last_letter(runtime, email, "activation")).subject == "Confirm your address"


async def test_the_tokens_are_read_once_and_in_time(visit: Visit, runtime: Runtime) -> None:
    url = (await start(visit(), new_email())).json()["stream_url"]
    await drain(runtime)
    readers = await asyncio.gather(*[follow(visit(), url) for _ in range(4)])
    results = [events[-1]["result"] for events in readers]
    assert sum("access_token" in result for result in results) == 1
    assert all(result["workspace_name"] == "Engines" for result in results)
    again = (await follow(visit(), url))[-1]
    assert (again["status"], "access_token" in again["result"]) == ("COMPLETED", False)
    # Somebody who has come in by the password decides by themselves what else opens the account.
    email = new_email()
    entered = (await start(visit(), email)).json()["stream_url"]
    await drain(runtime)
    assert (await login(visit(), email)).status_code == 200
    assert "access_token" not in (await follow(visit(), entered))[-1]["result"]
    late = (await start(visit(), new_email())).json()["stream_url"]
    await drain(runtime)
    with clock.travel(to=clock.now() + timedelta(minutes=16)):
        (*_, last) = await follow(visit(), late)
    assert (last["status"], "access_token" in last["result"]) == ("COMPLETED", False)


async def test_a_stream_goes_on_and_tells_steps_as_they_happen(visit: Visit, runtime: Runtime) -> None:
    url = (await start(visit(), new_email())).json()["stream_url"]
    following = asyncio.create_task(follow(visit(), url))
    await asyncio.sleep(0.2)
    await drain(runtime)
    events = await following
    assert events[-1]["status"] == "COMPLETED"
    assert "access_token" in events[-1]["result"]
    seen = events[3]["id"]
    rest = await follow(visit(), url, **{"Last-Event-ID": seen})
    assert [event["id"] for event in rest] == [event["id"] for event in events[4:]]


async def test_secrets_are_kept_as_digests_or_sealed(visit: Visit, runtime: Runtime) -> None:
    email = new_email()
    with logged() as entries:
        body = (await start(visit(), email)).json()
        async with runtime.database.unit() as unit:
            kept = await unit.value("select string_agg(p::text, ' ') from provisionings p")
            jobs = await unit.value("select string_agg(j::text, ' ') from jobs j where j.name = 'identity.provision'")
        assert body["job_id"] not in kept + jobs
        assert email not in kept + jobs
        assert "argon2" not in kept + jobs
        await drain(runtime)
        events = await follow(visit(), body["stream_url"])
    async with runtime.database.unit() as unit:
        reported = await unit.value("select string_agg(e.data::text, ' ') from job_events e")
        left = await unit.value(
            "select count(*) from provisionings where workspace_id = :id and request is null",
            id=UUID(events[-1]["result"]["workspace_id"]),
        )
    assert events[-1]["result"]["access_token"] not in reported
    assert SESSION_PREFIX not in reported
    assert left == 1
    assert body["job_id"] not in json.dumps(entries, default=str)
    assert any(entry.get("path") == "/api/v1/auth/signup/jobs/…/stream" for entry in entries)


@contextmanager
def logged() -> Generator[list[Any]]:
    """Collect what the program logs, of every level."""
    before = structlog.get_config()
    with structlog.testing.capture_logs() as entries:
        structlog.configure(wrapper_class=structlog.BoundLogger)
        try:
            yield entries
        finally:
            structlog.configure(wrapper_class=before["wrapper_class"])


async def test_what_fails_leaves_nothing(visit: Visit, runtime: Runtime) -> None:
    email = new_email()
    await sign_up(visit(), email=email)
    name = f"Engines of {email}"
    url = (await start(visit(), email, company_name=name)).json()["stream_url"]
    await drain(runtime)
    last = (await follow(visit(), url))[-1]
    assert (last["status"], last["current_step"], last["result"]["code"]) == ("FAILED", "validating", "email_taken")
    assert await count(runtime, email, name) == (1, 0)
    # The database takes no NUL: the account is made by then, and the workspace cannot be.
    other = new_email()
    url = (await start(visit(), other, company_name="Engines\0")).json()["stream_url"]
    await drain(runtime)
    events = await follow(visit(), url)
    assert (events[-1]["status"], events[-1]["current_step"]) == ("FAILED", "creating_workspace")
    assert events[-1]["progress"] < 100
    assert await count(runtime, other, name) == (0, 0)


async def test_of_two_sign_ups_at_once_one_counts(visit: Visit, runtime: Runtime) -> None:
    email = new_email()
    name = f"Engines of {email}"
    both = await asyncio.gather(*[start(visit(), email, company_name=name) for _ in range(2)])
    await drain(runtime)
    ends = [(await follow(visit(), response.json()["stream_url"]))[-1]["status"] for response in both]
    assert sorted(ends) == ["COMPLETED", "FAILED"]
    assert await count(runtime, email, name) == (1, 1)


@pytest.mark.parametrize(
    ("fields", "code"),
    [({"password": "password1"}, "password_too_weak"), ({"company_name": ""}, "validation_failed")],
)
async def test_bad_input_is_refused_at_once(visit: Visit, fields: dict[str, str], code: str) -> None:
    assert refusal(await start(visit(), new_email(), **fields)) == (422, code)


async def test_unknown_jobs_are_not_there_and_guessing_ends(visit: Visit, runtime: Runtime, cast: Cast) -> None:
    guesser = visit()
    await start(visit(), new_email())
    async with runtime.database.unit() as unit:
        job_id = await unit.value("select id from jobs where name = 'identity.provision' order by id desc limit 1")
    for guess in (f"{job_id}", "0" * 32, "nonsense"):
        assert refusal(await guesser.get(f"/api/v1/auth/signup/jobs/{guess}/stream")) == (404, "job_not_found")
    for _ in range(27):
        await guesser.get(f"/api/v1/auth/signup/jobs/{'0' * 32}/stream")
    refused = await guesser.get(f"/api/v1/auth/signup/jobs/{'0' * 32}/stream")
    assert refusal(refused) == (429, "following_throttled")
    assert cast.acme


async def test_a_workspace_for_somebody_new(visit: Visit, runtime: Runtime, client: Client) -> None:
    operator, email = await superuser(visit, runtime), new_email("grace")
    async with open_mailing(runtime, client) as mailing:
        body = {"email": email, "full_name": "Grace Hopper", "workspace_name": "Compilers"}
        token = operator.inner.cookies["fostr_session"]
        started = await mailing.client.post(PROVISION, json=body, headers={"Cookie": f"fostr_session={token}"})
        assert started.status_code == 200, started.text
        message = await mailing.mail_to(email)
        assert message["Subject"] == "Choose your password"
        (*_, last) = await follow(mailing.client, started.json()["stream_url"])
        assert (last["status"], last["result"]["workspace_name"]) == ("COMPLETED", "Compilers")
        assert not any("token" in key for key in last["result"])
        done = await mailing.client.post(
            "/api/v1/auth/activation/complete",
            json={
                "token": token_of(message),
                "workspace_id": last["result"]["workspace_id"],
                "password": PASSWORD,
            },
        )
        assert done.status_code == 200, done.text
    owner = visit().with_token(done.json()["access_token"], workspace=last["result"]["workspace_id"])
    own = (await owner.get("/api/v1/members/me")).json()
    assert (own["role"], own["full_name"]) == ("owner", "Grace Hopper")
    async with runtime.database.unit(UUID(last["result"]["workspace_id"])) as unit:
        actor = await unit.value(
            "select e.actor from events e where e.workspace_id = :workspace and e.type = 'workspace.created'"
        )
    assert actor["user_id"] == (await who(operator)).json()["id"]


async def test_a_workspace_for_somebody_with_an_account(visit: Visit, cast: Cast, runtime: Runtime) -> None:
    operator = await superuser(visit, runtime)
    name = f"Second of {cast.stranger.email}"
    started = await operator.post(PROVISION, json={"email": cast.stranger.email, "workspace_name": name})
    await drain(runtime)
    (*_, last) = await follow(visit(), started.json()["stream_url"])
    mine = (await visit().as_(cast.stranger).get("/api/v1/workspaces")).json()["items"]
    assert {"Globex", name} == {workspace["name"] for workspace in mine}
    assert [letter.template for letter in await letters_to(runtime, cast.stranger.email)] == []
    async with runtime.database.unit() as unit:
        await unit.run("update users set is_active = false where id = :id", id=cast.stranger.user_id)
    started = await operator.post(PROVISION, json={"email": cast.stranger.email, "workspace_name": f"Third {name}"})
    await drain(runtime)
    (*_, last) = await follow(visit(), started.json()["stream_url"])
    assert (last["status"], last["result"]["code"]) == ("FAILED", "owner_closed")
    assert await count(runtime, cast.stranger.email, f"Third {name}") == (1, 0)


async def test_who_may_not_provision(visit: Visit, client: Client, cast: Cast, runtime: Runtime) -> None:
    body = {"email": new_email(), "workspace_name": "Compilers"}
    assert refusal(await visit().post(PROVISION, json=body)) == (401, "unauthorized")
    assert refusal(await client.as_(cast.owner).post(PROVISION, json=body)) == (403, "superuser_required")
    async with runtime.database.unit() as unit:
        await unit.run("update users set is_superuser = true where id = :id", id=cast.owner.user_id)
    assert (await client.as_(cast.owner).post(PROVISION, json=body)).status_code == 200
    writer = client.with_token(await create_token(runtime, cast.owner.user_id, scope="write"))
    assert refusal(await writer.post(PROVISION, json=body)) == (403, "pat_scope_insufficient")
    key = client.with_token(await create_token(runtime, cast.owner.user_id, workspace_id=cast.acme))
    assert refusal(await key.post(PROVISION, json=body)) == (403, "api_key_is_bound")
    bad = await client.as_(cast.owner).post(PROVISION, json={"email": "nonsense", "workspace_name": ""})
    assert refusal(bad) == (422, "validation_failed")
    async with runtime.database.unit() as unit:
        assert await add_member(unit, workspace_id=cast.globex, user_id=cast.owner.user_id, role="viewer")
