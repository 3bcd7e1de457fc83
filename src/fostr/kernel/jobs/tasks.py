"""Upkeep of the jobs themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fostr.kernel.jobs.registry import schedule
from fostr.kernel.jobs.upkeep import prune

if TYPE_CHECKING:
    from fostr.kernel.jobs.context import JobContext


@schedule("jobs.prune", "23 3 * * *")
async def prune_jobs(context: JobContext) -> None:
    """Forget jobs that ended long ago."""
    await prune(context.runtime.database)
