"""Statements about workspace steps: who does them, how far they are, what went wrong. All on control tables."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from fostr.kernel.db.unit import Unit

LONGEST_ERROR: Final = 500


@dataclass(frozen=True, slots=True)
class StepState:
    """How far a workspace is."""

    step: int
    failed_step: int | None
    error: str | None
    failed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Lease:
    """A run of a job that does the steps of a workspace."""

    workspace_id: UUID
    holder: UUID
    attempt: int


async def find_state(unit: Unit, *, workspace_id: UUID) -> StepState | None:
    row = await unit.row(
        """
        select w.step, r.failed_step, r.error, r.failed_at
        from workspaces w left join step_runs r on r.workspace_id = w.id
        where w.id = :workspace_id and w.deleted_at is null
        """,
        workspace_id=workspace_id,
    )
    return None if row is None else StepState(**dict(row))


async def list_behind(unit: Unit, *, newest: int) -> list[UUID]:
    """Return the workspaces in which a step is to be done: one comparison for all of them."""
    rows = await unit.rows(
        "select w.id from workspaces w where w.step < :newest and w.deleted_at is null order by w.id", newest=newest
    )
    return [row["id"] for row in rows]


async def take_lease(unit: Unit, lease: Lease, *, now: datetime, until: datetime) -> bool:
    """Say whether the workspace was free: its lease has ended, or an earlier run of the same job has it."""
    taken = await unit.run(
        """
        insert into step_runs (workspace_id, holder, attempt, leased_until)
        values (:workspace_id, :holder, :attempt, :until)
        on conflict (workspace_id) do update
        set holder = excluded.holder, attempt = excluded.attempt, leased_until = excluded.leased_until
        where step_runs.leased_until <= :now
           or (step_runs.holder = excluded.holder and step_runs.attempt <= excluded.attempt)
        """,
        workspace_id=lease.workspace_id,
        holder=lease.holder,
        attempt=lease.attempt,
        now=now,
        until=until,
    )
    return taken == 1


async def extend_lease(unit: Unit, lease: Lease, *, until: datetime) -> bool:
    """Say whether nobody else has taken the lease; until the transaction ends, nobody does."""
    extended = await unit.run(
        """
        update step_runs set leased_until = :until
        where workspace_id = :workspace_id and holder = :holder and attempt = :attempt
        """,
        workspace_id=lease.workspace_id,
        holder=lease.holder,
        attempt=lease.attempt,
        until=until,
    )
    return extended == 1


async def finish_step(unit: Unit, *, workspace_id: UUID, number: int) -> None:
    await unit.run(
        "update workspaces set step = :number where id = :id and step < :number", id=workspace_id, number=number
    )
    await unit.run(
        """
        update step_runs set failed_step = null, error = null, failed_at = null where workspace_id = :workspace_id
        """,
        workspace_id=workspace_id,
    )


async def fail_step(unit: Unit, lease: Lease, *, number: int, error: str, now: datetime) -> None:
    """Keep why a step failed, and let go of the workspace."""
    await unit.run(
        """
        update step_runs set failed_step = :number, error = :error, failed_at = :now, leased_until = :now
        where workspace_id = :workspace_id and holder = :holder and attempt = :attempt
        """,
        workspace_id=lease.workspace_id,
        holder=lease.holder,
        attempt=lease.attempt,
        number=number,
        error=error[:LONGEST_ERROR],
        now=now,
    )


async def prune_overrides(unit: Unit, *, known: list[str]) -> int:
    """Take permissions that the catalogue no longer has out of what the workspace changed about roles."""
    return await unit.run(
        """
        update roles r
        set granted = array(select n from unnest(r.granted) as g (n) where n = any(:known::text[])),
            revoked = array(select n from unnest(r.revoked) as g (n) where n = any(:known::text[])),
            version = r.version + 1
        where r.workspace_id = :workspace and not (r.granted || r.revoked) <@ :known::text[]
        """,
        known=known,
    )
