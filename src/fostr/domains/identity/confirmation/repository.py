"""Statements about when a session's person last showed who they are."""

from datetime import datetime
from uuid import UUID

from fostr.kernel.db.unit import Unit


async def renew_session(unit: Unit, *, session_id: UUID, now: datetime) -> None:
    await unit.run("update sessions set authenticated_at = :now where id = :id", id=session_id, now=now)
