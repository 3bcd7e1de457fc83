"""What other tests left does not happen in this one."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from fostr.kernel.jobs.dispatch import dispatch
from fostr.kernel.jobs.status import get_job
from tests.support.notifications import ring, titles

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from uuid import UUID

    from fostr.kernel.runtime import Runtime
    from tests.support.cast import Cast
    from tests.support.client import Client
    from tests.support.leftovers import Leftovers


async def leave(runtime: Runtime, workspace: UUID, *, delay: timedelta = timedelta()) -> UUID:
    """Dispatch a job that nobody runs."""
    async with runtime.database.unit(workspace) as unit:
        return await dispatch(unit, "jobs.prune", {}, workspace=workspace, delay=delay)


async def test_jobs_and_events_of_other_tests_are_left_alone(
    client: Client,
    cast: Cast,
    runtime: Runtime,
    leftovers: Leftovers,
    settle: Callable[[], Awaitable[None]],
) -> None:
    left = [await leave(runtime, cast.acme), await leave(runtime, cast.acme, delay=timedelta(hours=1))]
    await ring(runtime, cast.acme, [cast.member], name="Theirs")
    await leftovers.drop()
    ours = await leave(runtime, cast.acme)
    await ring(runtime, cast.acme, [cast.member], name="Ours")
    await settle()
    async with runtime.database.unit(cast.acme) as unit:
        ended = {job_id: (await get_job(unit, job_id)).status for job_id in (*left, ours)}
    assert ended == {left[0]: "cancelled", left[1]: "cancelled", ours: "completed"}
    assert await titles(client.as_(cast.member)) == ["Ours rings"]
