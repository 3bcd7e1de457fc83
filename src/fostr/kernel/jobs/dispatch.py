"""Dispatch a job in the caller's transaction: it exists when, and only when, that transaction commits.

The queue is pgqueuer's. Its rows are written here by a statement of our own, because importing pgqueuer takes a second
that the processes which only dispatch need not spend; a test holds the statement to what pgqueuer itself writes.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from fostr.kernel import clock
from fostr.kernel.ids import new_id
from fostr.kernel.jobs.registry import DEFAULT_QUEUE, QUEUES, find_job
from fostr.kernel.jobs.transitions import OPEN

if TYPE_CHECKING:
    from uuid import UUID

    from fostr.kernel.db.unit import Unit

ENQUEUE: Final = """
    queued as (
        insert into pgqueuer (priority, entrypoint, payload, execute_after, dedupe_key, headers, status)
        select o.priority, o.queue, decode(replace(o.id::text, '-', ''), 'hex'), now() + :delay::interval, o.id::text,
               'null'::jsonb, 'queued'
        from opened o
        on conflict (dedupe_key) where status in ('queued', 'picked') and dedupe_key is not null do nothing
        returning id, entrypoint, priority
    ), noted as (
        insert into pgqueuer_log (job_id, status, entrypoint, priority)
        select id, 'queued', entrypoint, priority from queued
    )
"""
"""Puts the jobs of a relation `opened` (id, queue, priority) into the queue; one that is in it already stays."""


_OPEN: Final = f"""
    with opened as (
        insert into jobs (id, workspace_id, name, queue, workflow_id, priority, input, max_attempts, last_seq,
                          created_by, acting_as, run_after, created_at)
        values (:id, :in_workspace, :name, :queue, :workflow_id, :priority, :input, :max_attempts, 1,
                :created_by, :acting_as, :run_after, :now)
        on conflict (workspace_id, workflow_id)
            where workflow_id is not null and status in ('queued', 'running') do nothing
        returning id, queue, priority
    ), logged as (
        insert into job_events (job_id, seq, kind, data, created_at)
        select id, 1, 'queued', '{{"progress": 0}}', :now from opened
    ), {ENQUEUE}
    select id from opened
"""
"""Makes a job with its first event, and puts it into the queue, unless one of the same workflow is open."""


async def dispatch(
    unit: Unit,
    name: str,
    input: dict[str, Any],
    *,
    workspace: UUID | None,
    queue: str | None = None,
    workflow_id: str | None = None,
    delay: timedelta | None = None,
    priority: int = 0,
    created_by: UUID | None = None,
    acting_as: UUID | None = None,
) -> UUID:
    """Dispatch a job and return its id.

    Args:
        unit: the transaction that the job becomes part of.
        name: a registered job, or one that another version of the program registers.
        input: what the handler is given; a JSON object, small: ids rather than contents.
        workspace: where the job runs; None for the installation's own.
        queue: one of `QUEUES`; by default the one that the job was registered with.
        workflow_id: while a job with the same one is open in the workspace, nothing is dispatched, and its id is
            returned.
        delay: run it no earlier than this from now.
        priority: higher ones are taken first.
        created_by: the member on whose behalf it runs.
        acting_as: the administrator who asks for it in that member's name, when somebody does.

    Raises:
        ValueError: there is no such queue.
    """
    registered = find_job(name)
    queue = queue or (registered.queue if registered else DEFAULT_QUEUE)
    if queue not in QUEUES:
        raise ValueError(f"there is no queue {queue}")
    while True:
        opened: UUID | None = await unit.value(
            _OPEN,
            id=new_id(),
            in_workspace=workspace,
            name=name,
            queue=queue,
            workflow_id=workflow_id,
            priority=priority,
            input=input,
            max_attempts=1 + registered.retries if registered else 1,
            created_by=created_by,
            acting_as=acting_as,
            run_after=None if delay is None else clock.now() + delay,
            delay=delay or timedelta(),
            now=clock.now(),
        )
        # The open job may have ended between the two statements; then there is none, and we try again.
        if found := opened or await _find_open(unit, workspace, workflow_id):
            return found


async def _find_open(unit: Unit, workspace: UUID | None, workflow_id: str | None) -> UUID | None:
    return await unit.value(
        """
        select id from jobs
        where workflow_id = :workflow_id and workspace_id is not distinct from :in_workspace
          and status = any(:open)
        """,
        workflow_id=workflow_id,
        in_workspace=workspace,
        open=sorted(OPEN),
    )
