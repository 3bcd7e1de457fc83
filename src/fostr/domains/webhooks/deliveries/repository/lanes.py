"""Statements on lanes: how far each webhook has come, and which job sends for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fostr.domains.webhooks.deliveries.rules import Clock
from fostr.kernel.jobs.transitions import OPEN

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime
    from uuid import UUID

    import asyncpg

    from fostr.kernel.db.unit import Unit

_COLUMNS: Final = """
    l.webhook_id, l.event_id, l.message_id, l.last_seq, l.job_id, l.due_at, l.failures, l.failed_first_at, l.probe_at,
    l.paused_until, l.last_success_at, l.last_failure_at
"""


@dataclass(frozen=True, slots=True)
class Lane:
    """A lane as it stands; see the table. For the job that has it, with the workspace's epoch of rights."""

    webhook_id: UUID
    event_id: UUID | None
    message_id: UUID | None
    last_seq: int
    job_id: UUID | None
    due_at: datetime | None
    failures: int
    failed_first_at: datetime | None
    probe_at: datetime | None
    paused_until: datetime | None
    last_success_at: datetime | None
    last_failure_at: datetime | None
    rights_epoch: int | None = None

    def clock(self, failing_since: datetime | None) -> Clock:
        """Return how long the webhook has been failing, and how long its receiver is left alone."""
        return Clock(self.failures, self.failed_first_at, failing_since, self.paused_until)


@dataclass(frozen=True, slots=True)
class Due:
    """A webhook for which there may be something to send."""

    workspace_id: UUID
    webhook_id: UUID


def _lane(row: asyncpg.Record) -> Lane:
    return Lane(**dict(row))


async def open_lane(unit: Unit, webhook_id: UUID, *, event_id: UUID) -> None:
    """Have a webhook read the log from behind an event, unless it reads already; that it failed is forgotten."""
    await unit.run(
        """
        insert into webhook_lanes (workspace_id, webhook_id, event_id) values (:workspace, :webhook_id, :event_id)
        on conflict (workspace_id, webhook_id) do update
        set event_id = coalesce(webhook_lanes.event_id, excluded.event_id), failures = 0, failed_first_at = null,
            probe_at = null, paused_until = null
        """,
        webhook_id=webhook_id,
        event_id=event_id,
    )


async def close_lane(unit: Unit, webhook_id: UUID) -> None:
    """Have a webhook read nothing of the log any more, and nothing later of what happens until it does again."""
    await unit.run(
        """
        insert into webhook_lanes (workspace_id, webhook_id) values (:workspace, :webhook_id)
        on conflict (workspace_id, webhook_id) do update set event_id = null, message_id = null
        """,
        webhook_id=webhook_id,
    )


async def rewind_lane(unit: Unit, webhook_id: UUID, *, event_id: UUID) -> None:
    """Have a webhook read again from behind an earlier event."""
    await unit.run(
        """
        update webhook_lanes set event_id = :event_id, message_id = null
        where workspace_id = :workspace and webhook_id = :webhook_id
        """,
        webhook_id=webhook_id,
        event_id=event_id,
    )


async def end_pause(unit: Unit, webhook_id: UUID) -> None:
    """Have a webhook send at once what is due, though its receiver asked to be left alone, or is being spared."""
    await unit.run(
        """
        update webhook_lanes set paused_until = null, probe_at = null
        where workspace_id = :workspace and webhook_id = :webhook_id
        """,
        webhook_id=webhook_id,
    )


async def find_lane(unit: Unit, webhook_id: UUID) -> Lane | None:
    """Return the lane of a webhook."""
    row = await unit.row(
        f"select {_COLUMNS} from webhook_lanes l where l.workspace_id = :workspace and l.webhook_id = :webhook_id",
        webhook_id=webhook_id,
    )
    return None if row is None else _lane(row)


async def lock_lane(unit: Unit, webhook_id: UUID) -> Lane | None:
    """Return the lane of a webhook, which nobody else changes until the transaction ends."""
    row = await unit.row(
        f"""
        select {_COLUMNS} from webhook_lanes l
        where l.workspace_id = :workspace and l.webhook_id = :webhook_id for no key update
        """,
        webhook_id=webhook_id,
    )
    return None if row is None else _lane(row)


async def find_own_lane(unit: Unit, webhook_id: UUID, *, job_id: UUID, is_last: bool) -> Lane | None:
    """Return the lane of a webhook if the job is the one that sends for it; nothing in a deleted workspace.

    Nobody else changes it until the transaction ends. Where it is the job's last look, it waits first until nobody is
    about to wake the webhook, and whoever wants to waits for the end of it.
    """
    row = await unit.row(
        f"""
        select {_COLUMNS}, w.rights_epoch from webhook_lanes l
        join workspaces w on w.id = l.workspace_id and w.deleted_at is null
        where l.workspace_id = :workspace and l.webhook_id = :webhook_id and l.job_id = :job_id
        for {"update" if is_last else "no key update"} of l
        """,
        webhook_id=webhook_id,
        job_id=job_id,
    )
    return None if row is None else _lane(row)


async def list_idle(unit: Unit, webhook_ids: Collection[UUID]) -> list[UUID]:
    """Return the webhooks, of some, for which no job sends.

    Until the transaction ends no job gives its lane up: one that is about to waits, and then finds what this
    transaction wrote.
    """
    rows = await unit.rows(
        """
        select l.webhook_id, l.job_id from webhook_lanes l
        where l.workspace_id = :workspace and l.webhook_id = any(:webhook_ids)
        order by l.webhook_id
        for key share
        """,
        webhook_ids=list(webhook_ids),
    )
    return [row["webhook_id"] for row in rows if row["job_id"] is None]


async def assign_job(unit: Unit, webhook_id: UUID, *, job_id: UUID, instead_of: UUID | None = None) -> None:
    """Let a job send for a webhook, unless another than `instead_of` was given that in the meantime."""
    await unit.run(
        """
        update webhook_lanes set job_id = :job_id, due_at = null
        where workspace_id = :workspace and webhook_id = :webhook_id and job_id is not distinct from :instead_of
        """,
        webhook_id=webhook_id,
        job_id=job_id,
        instead_of=instead_of,
    )


async def claim_lane(unit: Unit, webhook_id: UUID, *, job_id: UUID) -> bool:
    """Take a lane for a job, unless another open job has it; say whether the job has it now."""
    claimed = await unit.run(
        """
        update webhook_lanes l set job_id = :job_id, due_at = null
        where l.workspace_id = :workspace and l.webhook_id = :webhook_id
          and (l.job_id is null or l.job_id = :job_id
               or not exists (select from jobs j where j.id = l.job_id and j.status = any(:open)))
        """,
        webhook_id=webhook_id,
        job_id=job_id,
        open=sorted(OPEN),
    )
    return claimed > 0


async def free_lane(unit: Unit, webhook_id: UUID, *, due_at: datetime | None) -> None:
    """Give a lane up, until it is due again; the caller has locked it for its last look."""
    await unit.run(
        """
        update webhook_lanes set job_id = null, due_at = :due_at
        where workspace_id = :workspace and webhook_id = :webhook_id
        """,
        webhook_id=webhook_id,
        due_at=due_at,
    )


async def save_place(
    unit: Unit, webhook_id: UUID, *, event_id: UUID, message_id: UUID | None, last_seq: int, probe_at: datetime | None
) -> None:
    """Note how far a webhook has read."""
    await unit.run(
        """
        update webhook_lanes
        set event_id = :event_id, message_id = :message_id, last_seq = :last_seq, probe_at = :probe_at
        where workspace_id = :workspace and webhook_id = :webhook_id
        """,
        webhook_id=webhook_id,
        event_id=event_id,
        message_id=message_id,
        last_seq=last_seq,
        probe_at=probe_at,
    )


async def save_clock(
    unit: Unit,
    webhook_id: UUID,
    clock: Clock,
    *,
    last_success_at: datetime | None,
    last_failure_at: datetime | None,
) -> None:
    """Note how long a webhook has been failing and is left alone, and when it last did fail and did not."""
    await unit.run(
        """
        update webhook_lanes set failures = :failures, failed_first_at = :failed_first_at, paused_until = :paused_until,
            probe_at = case when :is_held then probe_at end,
            last_success_at = coalesce(:last_success_at, last_success_at),
            last_failure_at = coalesce(:last_failure_at, last_failure_at)
        where workspace_id = :workspace and webhook_id = :webhook_id
        """,
        webhook_id=webhook_id,
        failures=clock.failures,
        failed_first_at=clock.failed_first_at,
        paused_until=clock.paused_until,
        is_held=clock.is_held,
        last_success_at=last_success_at,
        last_failure_at=last_failure_at,
    )


async def delete_lane(unit: Unit, webhook_id: UUID) -> None:
    """Forget the lane of a webhook that is gone."""
    await unit.run(
        "delete from webhook_lanes where workspace_id = :workspace and webhook_id = :webhook_id", webhook_id=webhook_id
    )


async def list_due(unit: Unit, *, now: datetime, limit: int) -> Sequence[Due]:
    """Return webhooks of any workspace that are due, and those whose job ended without having given them up."""
    rows = await unit.rows(
        """
        (select l.workspace_id, l.webhook_id from webhook_lanes l where l.due_at <= :now order by l.due_at limit :limit)
        union all
        (select l.workspace_id, l.webhook_id from webhook_lanes l
         where l.job_id is not null and not exists (select from jobs j where j.id = l.job_id and j.status = any(:open))
         limit :limit)
        """,
        now=now,
        limit=limit,
        open=sorted(OPEN),
    )
    return [Due(**dict(row)) for row in rows]
