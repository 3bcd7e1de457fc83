"""Move recordsets to the trash and back, and delete them for good."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from fostr.domains.records.modules import RECORDS
from fostr.domains.records.permissions import RECORDSET_POLICY
from fostr.domains.records.recordsets.reach import Reached, RecordsetNotFound, list_limited, reach_recordset
from fostr.domains.records.recordsets.repository import get_profile, lock_for_change
from fostr.domains.records.recordsets.service import facts, record_change
from fostr.domains.records.recordsets.trash import repository
from fostr.domains.records.recordsets.trash.schemas import Retention, TrashedRecordset
from fostr.domains.workspaces import public as workspaces
from fostr.kernel import clock
from fostr.kernel.access.evaluator import predicate
from fostr.kernel.events import outbox
from fostr.kernel.events.outbox import Cause
from fostr.kernel.jobs.dispatch import dispatch

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from fostr.kernel.db.unit import Unit
    from fostr.kernel.http.context import Context
    from fostr.kernel.http.paging import Page, Slice
    from fostr.kernel.jobs.context import JobContext
    from fostr.settings import Settings

JOB: Final = "recordsets.purge"
RECORDS_JOB: Final = "records.purge"
BATCH: Final = 5000
"""Records that are deleted in one transaction."""
EXPIRED_AT_ONCE: Final = 1000


async def list_trash(context: Context, *, part: Slice, search: str | None) -> Page[TrashedRecordset]:
    """Return what is in the trash, of what the caller may see."""
    allowed = predicate(context.access, RECORDSET_POLICY, "view", column="s.id")
    listing = repository.TrashListing(allowed=allowed, search=search)
    limited = {reached.recordset.id for reached in await list_limited(context, trashed=True) if reached.is_restricted()}
    rows = await repository.list_trash(context.unit, listing, limit=part.limit, offset=part.offset)
    total = await repository.count_trash(context.unit, listing)
    kept_for = await kept_in_trash(context.unit, context.settings)
    shown = [{**row, "purge_at": row["deleted_at"] + kept_for} for row in rows]
    for entry in shown:
        if entry["id"] in limited:
            entry["record_count"] = None
    return part.page([TrashedRecordset(**entry) for entry in shown], total=total)


async def kept_in_trash(unit: Unit, settings: Settings) -> timedelta:
    """Return how long the unit's workspace keeps what was deleted: as it has set, or else the operator."""
    days = (await workspaces.get_module_settings(unit, module=RECORDS))["trash_days"]
    return timedelta(days=days or settings.trash_days)


async def get_retention(context: Context) -> Retention:
    """Return how long the workspace keeps what was deleted, and whether it has said so itself."""
    days = (await workspaces.get_module_settings(context.unit, module=RECORDS))["trash_days"]
    return Retention(days=days or context.settings.trash_days, is_customised=days is not None)


async def move_to_trash(target: Reached) -> None:
    """Move a recordset to the trash.

    Raises:
        RecordsetNotFound: somebody else was faster.
    """
    context, recordset_id = target.context, target.recordset.id
    before = facts(await get_profile(target.unit, recordset_id))
    moved = await repository.mark_trashed(target.unit, recordset_id, member_id=context.member_id, now=context.now)
    if not moved:
        raise RecordsetNotFound
    await workspaces.bump_rights_epoch(target.unit, workspace_id=context.workspace_id)
    await record_change(target, "trashed", before=before)


async def restore_recordset(target: Reached) -> Reached:
    """Take a recordset out of the trash, with everything that was in it and granted on it.

    Raises:
        RecordsetNotFound: somebody else was faster.
    """
    if not await repository.unmark_trashed(target.unit, target.recordset.id, now=target.context.now):
        raise RecordsetNotFound
    await workspaces.bump_rights_epoch(target.unit, workspace_id=target.context.workspace_id)
    restored = await reach_recordset(target.context, target.recordset.id, None)
    await record_change(restored, "restored", after=facts(await get_profile(target.unit, target.recordset.id)))
    return restored


async def purge_recordset(target: Reached) -> None:
    """Delete a trashed recordset for good; what is too much for one transaction follows by a job.

    Raises:
        RecordsetNotFound: somebody else was faster.
    """
    unit, recordset_id = target.unit, target.recordset.id
    # Who restores at this moment comes before or after, not between reading what is told of it and deleting it.
    if not await lock_for_change(unit, recordset_id):
        raise RecordsetNotFound
    before = facts(await get_profile(unit, recordset_id))
    if not await repository.delete_recordset(unit, recordset_id):
        raise RecordsetNotFound
    await workspaces.bump_rights_epoch(unit, workspace_id=target.context.workspace_id)
    await record_change(target, "purged", before=before)
    await _delete_first_records(unit, recordset_id)


async def _delete_first_records(unit: Unit, recordset_id: UUID) -> None:
    if await repository.delete_records(unit, recordset_id, most=BATCH) == BATCH:
        await _dispatch_purge(unit, recordset_id)


async def _dispatch_purge(unit: Unit, recordset_id: UUID) -> None:
    await dispatch(
        unit,
        JOB,
        {"recordset_id": str(recordset_id)},
        workspace=unit.workspace,
        workflow_id=f"{JOB}:{recordset_id}",
    )


async def dispatch_expired(job: JobContext) -> int:
    """Dispatch a job for each recordset that has been in a trash for too long, and for each such workspace's records.

    Returns how many recordsets there are.
    """
    found = 0
    for workspace_id in await job.list_workspaces():
        job.check_cancelled()
        async with job.runtime.database.unit(workspace_id) as unit:
            before = await _oldest_kept(unit, job)
            expired = await repository.list_expired(unit, before=before, limit=EXPIRED_AT_ONCE)
            for recordset_id in expired:
                await _dispatch_purge(unit, recordset_id)
            if await repository.has_expired_records(unit, before=before):
                await dispatch(
                    unit, RECORDS_JOB, {}, workspace=workspace_id, workflow_id=f"{RECORDS_JOB}:{workspace_id}"
                )
        found += len(expired)
    return found


async def _oldest_kept(unit: Unit, job: JobContext) -> datetime:
    return clock.now() - await kept_in_trash(unit, job.runtime.settings)


async def run_purge_of_records(job: JobContext) -> int:
    """Delete the records of a workspace that have been in the trash for too long; return how many there were.

    They go some at a time, those of each recordset with an event that counts them.
    """
    total, deleted = 0, BATCH
    while deleted == BATCH:
        async with job.unit() as unit:
            before = await _oldest_kept(unit, job)
            purged = await repository.delete_expired_records(unit, before=before, most=BATCH)
            for recordset_id, count in purged.items():
                await outbox.record(
                    unit,
                    type="records.purged",
                    entity="recordset",
                    entity_id=recordset_id,
                    before={"recordset_id": str(recordset_id), "count": count},
                    cause=Cause(kind="job", id=job.id, count=count),
                )
        deleted = sum(purged.values())
        total += deleted
        await job.report(step="records", message=f"{total} records are deleted.")
    return total


async def run_purge(job: JobContext, *, recordset_id: UUID) -> int:
    """Delete a recordset that has been in the trash for too long, or is gone already, with its records.

    The records go some at a time. One that was taken out of the trash in the meantime stays. Returns how many records
    there were.
    """
    async with job.unit() as unit:
        if not await _ensure_gone(unit, recordset_id, before=await _oldest_kept(unit, job), job_id=job.id):
            return 0
    total = 0
    deleted = BATCH
    while deleted == BATCH:
        async with job.unit() as unit:
            deleted = await repository.delete_records(unit, recordset_id, most=BATCH)
        total += deleted
        await job.report(step="records", message=f"{total} records are deleted.")
    return total


async def _ensure_gone(unit: Unit, recordset_id: UUID, *, before: datetime, job_id: UUID) -> bool:
    if not await lock_for_change(unit, recordset_id):
        return True
    was = facts(await get_profile(unit, recordset_id))
    if not await repository.delete_recordset(unit, recordset_id, before=before):
        return False
    await workspaces.bump_rights_epoch(unit)
    await outbox.record(
        unit,
        type="recordset.purged",
        entity="recordset",
        entity_id=recordset_id,
        before=was,
        cause=Cause(kind="job", id=job_id),
    )
    return True
