"""Workspace steps: done once in each workspace, under a lease, whatever becomes of one of them elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from fostr.domains.workspaces.public import register_flag
from fostr.domains.workspaces.steps.errors import StepsUnderWay
from fostr.domains.workspaces.steps.repository import Lease, list_behind, take_lease
from fostr.domains.workspaces.steps.running import bring_up_all, run_steps
from fostr.kernel import clock
from fostr.kernel.http.context import Context
from fostr.kernel.ids import new_id
from fostr.kernel.jobs.registry import list_schedules
from fostr.kernel.jobs.worker import load_handlers, serve
from fostr.kernel.runtime import Runtime
from fostr.kernel.steps import Step, StepRun, list_steps, newest_step, register_step
from tests.support.cast import Cast, create_cast
from tests.support.client import Client, refusal
from tests.support.events import event_types

HEALTH = "/api/v1/workspace/health"
MIGRATE = "/api/v1/workspace/migrate"


class Broken(Exception):
    """What goes wrong in the steps of these tests."""


@dataclass
class Trial:
    """Two steps after the newest one, which note where they ran, and fail where they are told to.

    Attributes:
        first: the number of the first one.
        failures: how many times the second one still fails, by workspace.
        succeeded: set once the second one has gone well anywhere.
    """

    first: int
    ran: list[tuple[int, UUID]] = field(default_factory=list[tuple[int, UUID]])
    failures: dict[UUID, int] = field(default_factory=dict[UUID, int])
    succeeded: asyncio.Event = field(default_factory=asyncio.Event)

    async def run_first(self, run: StepRun) -> None:
        await self._note(run, self.first)

    async def run_second(self, run: StepRun) -> None:
        await self._note(run, self.first + 1)
        if self.failures.get(run.workspace, 0) > 0:
            self.failures[run.workspace] -= 1
            raise Broken("the secret of the workspace")
        self.succeeded.set()

    async def _note(self, run: StepRun, number: int) -> None:
        async with run.unit() as unit:
            assert await unit.value("select count(*) from members m where m.workspace_id = :workspace") > 0
        self.ran.append((number, run.workspace))

    def numbers(self, workspace: UUID) -> list[int]:
        """Return which ran in a workspace, in order."""
        return [number for number, where in self.ran if where == workspace]


@pytest.fixture
async def trial(cast: Cast, runtime: Runtime) -> AsyncIterator[Trial]:
    """Two steps that came after the cast's workspaces were made."""
    trial = Trial(first=newest_step() + 1)
    forget = [
        register_step(Step(trial.first, "tests.first", "Counting", trial.run_first)),
        register_step(Step(trial.first + 1, "tests.second", "Weighing", trial.run_second)),
    ]
    async with runtime.database.unit() as unit:
        # The workspaces of other tests have nothing to do.
        ours = [cast.acme, cast.globex]
        await unit.run(
            "update workspaces set step = :step where id <> all(:ours::uuid[])", step=newest_step(), ours=ours
        )
    yield trial
    for each in forget:
        each()
    # Other tests know nothing of these steps.
    async with runtime.database.unit() as unit:
        await unit.run("update workspaces set step = least(step, :newest)", newest=newest_step())


async def nobody_asks(_: Step, __: int) -> None:
    """Report to nobody."""


def lease_of(workspace: UUID, *, holder: UUID | None = None, attempt: int = 1) -> Lease:
    return Lease(workspace_id=workspace, holder=holder or new_id(), attempt=attempt)


async def step_of(runtime: Runtime, workspace: UUID) -> int:
    async with runtime.database.unit() as unit:
        return await unit.value("select step from workspaces where id = :id", id=workspace)


async def test_new_workspaces_have_nothing_to_do(client: Client, cast: Cast, runtime: Runtime) -> None:
    health = await client.as_(cast.viewer).get(HEALTH)
    assert health.status_code == 200
    assert health.json() == {
        "brand": False,
        "migration_required": False,
        "personal_onboarding_complete": False,
        "company_onboarding_complete": False,
        "step": newest_step(),
        "newest_step": newest_step(),
        "pending": [],
        "failure": None,
        "job_id": None,
    }
    assert newest_step() >= 1
    assert refusal(await client.as_(cast.stranger, workspace=cast.acme).get(HEALTH)) == (404, "not_found")


async def test_domains_answer_for_what_is_set_up(client: Client, cast: Cast) -> None:
    async def is_onboarded(context: Context) -> bool:
        return context.member_id == cast.viewer.member_id

    forget = register_flag("personal_onboarding", is_onboarded)
    try:
        assert (await client.as_(cast.viewer).get(HEALTH)).json()["personal_onboarding_complete"] is True
        assert (await client.as_(cast.viewer).get("/api/v1/members/me")).json()["is_onboarded"] is True
        assert (await client.as_(cast.owner).get(HEALTH)).json()["personal_onboarding_complete"] is False
    finally:
        forget()


async def test_a_workspace_is_out_of_order_until_its_steps_are_done(
    client: Client, cast: Cast, runtime: Runtime, trial: Trial, run_jobs: Callable[[], Awaitable[None]]
) -> None:
    behind = await client.as_(cast.viewer).get(HEALTH)
    assert (behind.status_code, behind.json()["migration_required"]) == (503, True)
    assert [step["label"] for step in behind.json()["pending"]] == ["Counting", "Weighing"]
    started = await client.as_(cast.admin).post(MIGRATE)
    assert (started.status_code, started.json()["status"]) == (200, "QUEUED")
    assert (await client.as_(cast.viewer).get(HEALTH)).json()["job_id"] == started.json()["job_id"]
    # Whoever asks meanwhile follows the same job.
    assert (await client.as_(cast.owner).post(MIGRATE)).json() == started.json()

    await run_jobs()

    assert trial.numbers(cast.acme) == [trial.first, trial.first + 1]
    assert trial.numbers(cast.globex) == []
    assert (await client.as_(cast.viewer).get(HEALTH)).json()["step"] == trial.first + 1
    assert (await event_types(runtime, cast.acme, entity_id=cast.acme))[-2:] == ["workspace.step_done"] * 2
    told = await follow(client.as_(cast.viewer), started.json()["stream_url"])
    assert [(event["status"], event["progress"], event["current_step"]) for event in told] == [
        ("QUEUED", 0, None),
        ("RUNNING", 0, None),
        ("RUNNING", 0, "Counting"),
        ("RUNNING", 50, "Weighing"),
        ("COMPLETED", 100, "Weighing"),
    ]
    assert {event["error_message"] for event in told} == {None}
    late = await client.as_(cast.viewer).get(started.json()["stream_url"], headers={"Last-Event-ID": "4"})
    assert [event["status"] for event in read(late.text)] == ["COMPLETED"]


async def follow(client: Client, url: str) -> list[dict[str, Any]]:
    response = await client.get(url)
    assert response.status_code == 200
    return read(response.text)


def read(stream: str) -> list[dict[str, Any]]:
    return [orjson.loads(line.removeprefix("data: ")) for line in stream.splitlines() if line.startswith("data: ")]


async def test_a_step_that_fails_holds_up_no_other_workspace_and_is_resumed(
    client: Client, cast: Cast, runtime: Runtime, trial: Trial
) -> None:
    trial.failures[cast.acme] = 1
    with pytest.raises(Broken):
        await run_steps(runtime.database, lease_of(cast.acme), report=nobody_asks)
    await run_steps(runtime.database, lease_of(cast.globex), report=nobody_asks)
    assert await step_of(runtime, cast.globex) == trial.first + 1
    # What was done stays done, and people are told no secrets.
    assert await step_of(runtime, cast.acme) == trial.first
    health = (await client.as_(cast.viewer).get(HEALTH)).json()
    assert [step["number"] for step in health["pending"]] == [trial.first + 1]
    assert health["failure"]["number"] == trial.first + 1
    assert "secret" not in health["failure"]["message"]

    assert await run_steps(runtime.database, lease_of(cast.acme), report=nobody_asks) == 1
    assert trial.numbers(cast.acme) == [trial.first, trial.first + 1, trial.first + 1]
    healthy = await client.as_(cast.viewer).get(HEALTH)
    assert (healthy.status_code, healthy.json()["failure"]) == (200, None)


async def test_a_job_tells_of_its_failure_and_is_tried_again(
    client: Client, cast: Cast, trial: Trial, run_jobs: Callable[[], Awaitable[None]]
) -> None:
    trial.failures[cast.acme] = 2
    started = (await client.as_(cast.admin).post(MIGRATE)).json()
    await run_jobs()
    told = await follow(client.as_(cast.viewer), started["stream_url"])
    assert [event["status"] for event in told if event["status"] in {"COMPLETED", "FAILED"}] == ["COMPLETED"]
    assert [event["progress"] for event in told] == sorted(event["progress"] for event in told)
    assert trial.numbers(cast.acme) == [trial.first, *[trial.first + 1] * 3]


async def test_a_lease_keeps_others_away_until_it_ends(cast: Cast, runtime: Runtime, trial: Trial) -> None:
    async with runtime.database.unit() as unit:
        now = clock.now()
        assert await take_lease(unit, lease_of(cast.acme), now=now, until=now + timedelta(minutes=2))
    with pytest.raises(StepsUnderWay):
        await run_steps(runtime.database, lease_of(cast.acme), report=nobody_asks)
    assert trial.ran == []
    with clock.travel(to=clock.now() + timedelta(minutes=3)):
        assert await run_steps(runtime.database, lease_of(cast.acme), report=nobody_asks) == 2


async def test_a_later_run_of_a_job_takes_over_from_an_earlier_one(cast: Cast, runtime: Runtime, trial: Trial) -> None:
    job = new_id()
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def linger(_: Step, __: int) -> None:
        reached.set()
        await go_on.wait()

    first = asyncio.create_task(run_steps(runtime.database, lease_of(cast.acme, holder=job), report=linger))
    await reached.wait()
    again = lease_of(cast.acme, holder=job, attempt=2)
    assert await run_steps(runtime.database, again, report=nobody_asks) == 2
    go_on.set()
    with pytest.raises(StepsUnderWay):
        await first
    assert trial.numbers(cast.acme) == [trial.first, trial.first + 1]


async def test_of_many_at_once_one_does_the_steps(cast: Cast, runtime: Runtime, trial: Trial) -> None:
    runs = [run_steps(runtime.database, lease_of(cast.acme), report=nobody_asks) for _ in range(5)]
    outcomes = await asyncio.gather(*runs, return_exceptions=True)
    assert trial.numbers(cast.acme) == [trial.first, trial.first + 1]
    assert {type(outcome) for outcome in outcomes} <= {int, StepsUnderWay}
    assert 2 in outcomes


async def test_all_that_are_behind_are_brought_up(
    cast: Cast, runtime: Runtime, trial: Trial, run_jobs: Callable[[], Awaitable[None]]
) -> None:
    await run_jobs()
    assert [entry.at_start for entry in list_schedules() if entry.name == "workspaces.bring_up"] == [True]
    other = await create_cast(runtime)
    assert await step_of(runtime, other.acme) == trial.first + 1
    assert await bring_up_all(runtime.database) >= 2
    await run_jobs()
    for workspace in (cast.acme, cast.globex):
        assert trial.numbers(workspace) == [trial.first, trial.first + 1]
    assert trial.numbers(other.acme) == []
    async with runtime.database.unit() as unit:
        behind = await list_behind(unit, newest=newest_step())
    assert {cast.acme, cast.globex, other.acme} & set(behind) == set()


async def test_a_worker_that_starts_brings_up_what_is_behind(cast: Cast, runtime: Runtime, trial: Trial) -> None:
    async with runtime.database.unit() as unit:
        await unit.run("update workspaces set step = :step where id = :id", step=newest_step(), id=cast.globex)
    load_handlers()
    stop = asyncio.Event()
    serving = asyncio.create_task(serve(runtime, stop=stop))
    try:
        async with asyncio.timeout(30):
            await trial.succeeded.wait()
    finally:
        stop.set()
        await serving
    assert trial.ran == [(trial.first, cast.acme), (trial.first + 1, cast.acme)]
    assert await step_of(runtime, cast.acme) == trial.first + 1


async def test_who_may_have_the_steps_done(client: Client, cast: Cast, trial: Trial) -> None:
    for person in (cast.member, cast.viewer):
        assert refusal(await client.as_(person).post(MIGRATE)) == (403, "forbidden")
    assert refusal(await client.as_(cast.stranger, workspace=cast.acme).post(MIGRATE)) == (404, "not_found")
    started = (await client.as_(cast.admin).post(MIGRATE)).json()
    assert refusal(await client.as_(cast.stranger).get(started["stream_url"])) == (404, "job_not_found")
    exported = await client.as_(cast.owner).get(f"{MIGRATE}/{new_id()}/stream")
    assert refusal(exported) == (404, "job_not_found")


async def test_the_first_step_forgets_permissions_that_are_no_more(cast: Cast, runtime: Runtime) -> None:
    first = next(step for step in list_steps(after=0) if step.name == "workspaces.prune_overrides")
    async with runtime.database.unit() as unit:
        await unit.run(
            """
            insert into roles (workspace_id, key, name, base, granted, revoked)
            values (:of, 'auditor', 'Auditor', 'viewer', array['can_fly', 'can_edit_record'], array['can_view_record']),
                   (:of, 'viewer', 'Viewer', 'viewer', array['can_edit_record'], '{}')
            """,
            of=cast.acme,
        )
        await unit.run("update workspaces set step = :step where id = :id", step=first.number - 1, id=cast.acme)
    assert await run_steps(runtime.database, lease_of(cast.acme), report=nobody_asks) >= 1
    async with runtime.database.unit() as unit:
        rows = await unit.rows(
            "select key, granted, revoked, version from roles where workspace_id = :of order by key", of=cast.acme
        )
    assert [tuple(row) for row in rows] == [
        ("auditor", ["can_edit_record"], ["can_view_record"], 2),
        ("viewer", ["can_edit_record"], [], 1),
    ]


def test_numbers_are_given_once() -> None:
    async def nothing(_: StepRun) -> None: ...

    forget = register_step(Step(9000, "tests.only", "Nothing", nothing))
    try:
        with pytest.raises(ValueError, match="twice"):
            register_step(Step(9000, "tests.other", "Nothing", nothing))
        with pytest.raises(ValueError, match="from 1"):
            register_step(Step(0, "tests.zero", "Nothing", nothing))
    finally:
        forget()
    assert 9000 not in {step.number for step in list_steps(after=0)}
