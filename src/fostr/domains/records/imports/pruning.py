"""Remove what is left of uploads and imports after a while: files, reports, counters. Records stay."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from fostr.domains.records.imports import repository
from fostr.domains.records.imports.parts import repository as parts_repository
from fostr.domains.records.imports.parts.limits import KEPT_FOR
from fostr.kernel import clock

if TYPE_CHECKING:
    from fostr.kernel.jobs.context import JobContext

FILES_KEPT: Final = timedelta(days=7)
IMPORTS_KEPT: Final = timedelta(days=30)
"""As long as jobs are."""


async def prune_imports(job: JobContext) -> dict[str, Any]:
    """Remove uploaded files of the week before last, unless an import reads them, and forget old imports."""
    now, removed = clock.now(), 0
    for workspace in await job.list_workspaces():
        async with job.runtime.database.unit(workspace) as unit:
            keys = await parts_repository.delete_abandoned(unit, before=now - KEPT_FOR)
            keys += await repository.delete_unused_files(unit, before=now - FILES_KEPT)
            await repository.delete_settled_imports(unit, before=now - IMPORTS_KEPT)
            # Before the commit: a file that is gone already is no reason to fail, and one that stayed would stay.
            for key in keys:
                await job.runtime.files.delete(key)
        removed += len(keys)
    return {"files": removed}
