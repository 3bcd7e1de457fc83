"""Advice on promoting fields, from how lists of records were asked for."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from fostr.domains.records.recordsets.counts.repository import get_count
from fostr.domains.records.usage import repository
from fostr.domains.records.usage.rules import advise
from fostr.domains.records.usage.schemas import PromotionSuggestions
from fostr.kernel import clock

if TYPE_CHECKING:
    from fostr.domains.records.recordsets.reach import Reached
    from fostr.kernel.jobs.context import JobContext

LOOKED_BACK: Final = timedelta(days=30)
KEPT: Final = timedelta(days=60)


async def suggest_promotions(reached: Reached) -> PromotionSuggestions:
    """Return which fields of a recordset should have an index."""
    recordset, unit = reached.recordset, reached.unit
    since = (reached.context.now - LOOKED_BACK).date()
    rows = await repository.list_uses(unit, recordset.id, since=since)
    uses = {row["field_id"]: [row["filters"], row["sorts"]] for row in rows}
    count = None if reached.is_restricted() else await get_count(unit, recordset.id)
    visible = frozenset(recordset.by_key.keys() - reached.mask.hidden)
    return PromotionSuggestions(since=since, fields=advise(recordset.fields, uses, visible=visible, record_count=count))


async def prune_uses(job: JobContext) -> dict[str, Any]:
    """Forget old counts in every workspace."""
    before, pruned = (clock.now() - KEPT).date(), 0
    for workspace in await job.list_workspaces():
        async with job.runtime.database.unit(workspace) as unit:
            pruned += await repository.delete_uses(unit, before=before)
    return {"pruned": pruned}
