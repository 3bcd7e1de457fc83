"""Upkeep of sessions."""

from datetime import timedelta
from typing import Final

from fostr.domains.identity.sessions import repository
from fostr.kernel import clock
from fostr.kernel.jobs.context import JobContext
from fostr.kernel.jobs.registry import schedule

KEPT_FOR: Final = timedelta(days=90)
"""How long an ended session can still be looked into; a replay of its refresh tokens is told apart for as long."""


@schedule("identity.delete_ended_sessions", "41 3 * * *")
async def delete_ended_sessions(context: JobContext) -> dict[str, int]:
    """Delete the sessions that ended long ago."""
    async with context.unit() as unit:
        return {"deleted": await repository.delete_ended_sessions(unit, before=clock.now() - KEPT_FOR)}
