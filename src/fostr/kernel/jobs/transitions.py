"""How a job moves from state to state: one table, and one statement for all of it.

    queued ──start──► running ──complete──► completed
      ▲  ▲               │ │ └──fail──────► failed
      │  └────retry──────┘ │
      └───────give_back────┘      open ──cancel──► cancelled

Every move adds an event to the job's log and tells whoever follows the job. A move that a worker makes names the run
that it believes to be under way (`attempt`): when another worker has taken the job over, nothing happens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from fostr.kernel import clock

if TYPE_CHECKING:
    from uuid import UUID

    import asyncpg

    from fostr.kernel.db.unit import Unit
    from fostr.kernel.events.bus import Bus

JobStatus: TypeAlias = Literal["queued", "running", "completed", "failed", "cancelled"]
TransitionName: TypeAlias = Literal["start", "retry", "give_back", "complete", "fail", "cancel"]

OPEN: Final = frozenset({"queued", "running"})
CLOSED: Final = frozenset({"completed", "failed", "cancelled"})


@dataclass(frozen=True, slots=True)
class Transition:
    """A move.

    Attributes:
        sources: the states in which it can be made.
        target: the state that it leads to.
        kind: what the job's log calls it.
    """

    sources: frozenset[str]
    target: JobStatus
    kind: str


TRANSITIONS: Final[Mapping[TransitionName, Transition]] = MappingProxyType(
    {
        # A running job is started again when its worker was lost.
        "start": Transition(OPEN, "running", "started"),
        "retry": Transition(frozenset({"running"}), "queued", "retrying"),
        "give_back": Transition(frozenset({"running"}), "queued", "queued"),
        "complete": Transition(frozenset({"running"}), "completed", "completed"),
        "fail": Transition(OPEN, "failed", "failed"),
        "cancel": Transition(OPEN, "cancelled", "cancelled"),
    },
)

LAST_KINDS: Final = frozenset(transition.kind for transition in TRANSITIONS.values() if transition.target in CLOSED)
"""The kinds of event after which a job's log has no more."""


def job_channel(job_id: UUID) -> str:
    """Return the bus channel on which a job's news is announced."""
    return f"job:{job_id}"


_MOVE: Final = """
    with moved as (
        update jobs
        set status = :target,
            last_seq = last_seq + 1,
            progress = case when :target = 'completed' then 100 else progress end,
            losses = losses + case when :name = 'start' and status = 'running' then 1 else 0 end,
            failures = failures + case when :name = 'retry' then 1 else 0 end,
            attempts = attempts + case when :name = 'start' then 1 else 0 end,
            started_at = case when :target = 'running' then coalesce(started_at, :now) else started_at end,
            finished_at = case when :is_last then :now::timestamptz end,
            result = coalesce(:result, result),
            error = case when :target = 'completed' then null else coalesce(:error, error) end
        where id = :job_id and status = any(:sources) and (:attempt::int is null or attempts = :attempt)
        returning id, workspace_id, name, input, status, progress, current_step, message, attempts, failures,
                  losses, last_seq, cancel_requested_at, created_by, acting_as
    ), logged as (
        insert into job_events (job_id, seq, kind, data, created_at)
        select id, last_seq, :kind,
               jsonb_build_object('progress', progress, 'attempt', attempts) || :facts::jsonb
                   || case when :result::jsonb is null then '{}' else jsonb_build_object('result', :result::jsonb) end
                   || case when :error::jsonb is null then '{}' else jsonb_build_object('error', :error::jsonb) end,
               :now
        from moved
    )
    select id, workspace_id, name, input, status, progress, attempts, failures, losses, cancel_requested_at,
           created_by, acting_as
    from moved
"""
"""Moves a job where its state and its run allow it, and writes that into its log."""


async def move(
    unit: Unit,
    name: TransitionName,
    *,
    job_id: UUID,
    bus: Bus | None = None,
    attempt: int | None = None,
    result: dict[str, Any] | None = None,
    error: dict[str, Any] | None = None,
    **facts: Any,
) -> asyncpg.Record | None:
    """Make a move, and return the job as it is now; None when its state or its run does not allow the move.

    Args:
        unit: the transaction that it is part of.
        name: the move.
        job_id: the job.
        bus: what announces it; without one, the commit does.
        attempt: the run that makes the move; None for moves that are made from outside.
        result: what the job came to.
        error: `{code, detail}`, for people.
        facts: more for the job's log.
    """
    transition = TRANSITIONS[name]
    moved = await unit.row(
        _MOVE,
        target=transition.target,
        name=name,
        kind=transition.kind,
        sources=sorted(transition.sources),
        is_last=transition.target in CLOSED,
        job_id=job_id,
        attempt=attempt,
        result=result,
        error=error,
        facts=facts,
        now=clock.now(),
    )
    if moved is not None and bus is not None:
        bus.announce(unit, job_channel(job_id), transition.kind)
    elif moved is not None:
        unit.notify(job_channel(job_id), transition.kind)
    return moved
