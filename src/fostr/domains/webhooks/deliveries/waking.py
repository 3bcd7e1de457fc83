"""Have jobs work for a webhook: send what is due, unless one does; have more sent again; forget it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from fostr.domains.webhooks.deliveries.repository import lanes
from fostr.kernel.jobs.dispatch import dispatch

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime
    from uuid import UUID

    from fostr.kernel.db.unit import Unit

SEND_JOB: Final = "webhooks.send"
REPLAY_JOB: Final = "webhooks.replay"
FORGET_JOB: Final = "webhooks.forget"


async def wake(unit: Unit, webhook_ids: Collection[UUID]) -> None:
    """Have a job look, after the transaction, what is to be sent for some webhooks.

    Where one is at work it will find what this transaction writes: it does not end before having looked once more.
    """
    for webhook_id in await lanes.list_idle(unit, webhook_ids):
        await lanes.assign_job(unit, webhook_id, job_id=await _dispatch(unit, webhook_id))


async def pass_on(unit: Unit, webhook_id: UUID, *, job_id: UUID, is_failing: bool) -> None:
    """Let another job than this go on sending for a webhook, behind those that wait; receivers that fail come last."""
    other = await _dispatch(unit, webhook_id, priority=-1 if is_failing else 0)
    await lanes.assign_job(unit, webhook_id, job_id=other, instead_of=job_id)


async def wake_at(unit: Unit, webhook_id: UUID, *, due_at: datetime, now: datetime) -> None:
    """Have a job look at a webhook's lane, which nobody has, at a time."""
    await _dispatch(
        unit,
        webhook_id,
        workflow_id=f"webhook:{webhook_id}:{due_at.timestamp():.0f}",
        delay=max(due_at - now, timedelta()),
    )


async def dispatch_due(unit: Unit, webhook_id: UUID) -> None:
    """Have a job look at a webhook that is due, unless that was asked for already."""
    await _dispatch(unit, webhook_id, workflow_id=f"webhook:{webhook_id}:due")


async def dispatch_forgetting(unit: Unit, webhook_id: UUID) -> None:
    """Have a job forget the deliveries of a webhook that this transaction deletes."""
    await dispatch(unit, FORGET_JOB, {"webhook_id": str(webhook_id)}, workspace=unit.workspace)


async def dispatch_replay(unit: Unit, wanted: Mapping[str, str | None]) -> None:
    """Have a job go on with a replay that is too large for one transaction."""
    await dispatch(unit, REPLAY_JOB, dict(wanted), workspace=unit.workspace)


async def _dispatch(
    unit: Unit, webhook_id: UUID, *, workflow_id: str | None = None, delay: timedelta | None = None, priority: int = 0
) -> UUID:
    return await dispatch(
        unit,
        SEND_JOB,
        {"webhook_id": str(webhook_id)},
        workspace=unit.workspace,
        workflow_id=workflow_id,
        delay=delay,
        priority=priority,
    )
