"""The job that forgets how fields were used long ago."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fostr.domains.records.usage import service
from fostr.kernel.jobs.registry import schedule

if TYPE_CHECKING:
    from fostr.kernel.jobs.context import JobContext


@schedule("records.prune_field_uses", "52 3 * * *")
async def prune_field_uses(context: JobContext) -> dict[str, Any]:
    return await service.prune_uses(context)
