"""The jobs of imports."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from fostr.domains.records.imports import pruning, repository
from fostr.domains.records.imports.loading import index_records, load_records
from fostr.domains.records.imports.merging.previewing import preview_import
from fostr.domains.records.imports.settling import (
    IMPORT_JOB,
    SETTLE_JOB,
    dispatch_settling,
    dispatch_settlings,
    settle,
    settle_stopped,
)
from fostr.kernel import clock
from fostr.kernel.http.errors import FostrError
from fostr.kernel.jobs.context import JobCancelled
from fostr.kernel.jobs.registry import BULK_QUEUE, job, schedule
from fostr.kernel.jobs.status import JobNotFound

if TYPE_CHECKING:
    from fostr.domains.records.imports.repository import Import
    from fostr.kernel.jobs.context import JobContext


@job(IMPORT_JOB, queue=BULK_QUEUE, timeout=timedelta(hours=12))
async def import_records(context: JobContext) -> dict[str, Any]:
    """Import a file, from wherever an earlier run has stopped."""
    entry = await _begin(context)
    try:
        entry = await _run(context, entry)
    except (JobCancelled, FostrError):
        async with context.runtime.database.unit(context.workspace) as unit:
            await dispatch_settling(unit, context.id, workspace=context.workspace)
        raise
    return {
        "import_id": str(entry.id),
        "recordset_id": entry.recordset_id and str(entry.recordset_id),
        "imported": entry.imported_rows,
        "updated": entry.updated_rows,
        "skipped": entry.skipped_rows,
        "failed": entry.failed_rows,
    }


async def _begin(context: JobContext) -> Import:
    found = await _find(context)
    async with context.unit() as unit:
        await repository.move_import(unit, found.id, "begin", now=clock.now())
    return found


async def _find(context: JobContext) -> Import:
    async with context.unit() as unit:
        found = await repository.find_import(unit, job_id=context.id)
    if found is None:
        raise JobNotFound
    return found


async def _run(context: JobContext, entry: Import) -> Import:
    if entry.is_dry_run:
        await preview_import(context, entry)
        return await _find(context)
    if entry.stage in {"waiting", "loading"}:
        entry = await load_records(context, entry)
        async with context.unit() as unit:
            await repository.move_import(unit, entry.id, "loaded", now=clock.now())
    entry = await index_records(context, entry)
    await settle(context, entry, "completed")
    return entry


@job(SETTLE_JOB, queue=BULK_QUEUE, retries=10, timeout=timedelta(hours=12))
async def settle_import(context: JobContext) -> dict[str, Any] | None:
    """Finish what is left to do of an import that was cancelled or has failed."""
    return await settle_stopped(context, UUID(context.input["job_id"]))


@schedule("records.settle_imports", "* * * * *")
async def settle_imports(context: JobContext) -> dict[str, Any]:
    """Find imports that ended without having been settled."""
    return await dispatch_settlings(context)


@schedule("records.prune_imports", "41 3 * * *")
async def prune_imports(context: JobContext) -> dict[str, Any]:
    """Remove uploaded files and forget imports that nobody needs any more."""
    return await pruning.prune_imports(context)
