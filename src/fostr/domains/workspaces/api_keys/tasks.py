"""Telling in time of keys that end."""

from datetime import timedelta
from typing import Any, Final

from fostr.domains.workspaces.api_keys import repository
from fostr.domains.workspaces.api_keys.service import tell_expiring
from fostr.kernel import clock
from fostr.kernel.jobs.context import JobContext
from fostr.kernel.jobs.registry import schedule

AHEAD: Final = timedelta(days=7)


@schedule("api_keys.tell_expiring", "23 6 * * *")
async def tell_of_expiring(context: JobContext) -> dict[str, Any]:
    """Record of each key, once, that it ends within a week."""
    now, told = clock.now(), 0
    async with context.unit() as unit:
        keys = await repository.list_expiring(unit, now=now, until=now + AHEAD, made_before=AHEAD)
    for key in keys:
        async with context.runtime.database.unit(key["workspace_id"]) as unit:
            told += await tell_expiring(unit, key_id=key["id"])
    return {"told": told}
