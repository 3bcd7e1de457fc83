"""Statements about the pictures of accounts."""

from datetime import datetime
from uuid import UUID

from fostr.kernel.db.unit import Unit


async def set_avatar(unit: Unit, *, user_id: UUID, address: str | None, now: datetime) -> str | None:
    """Give an account a picture, or none, and return the address of the one before."""
    return await unit.value(
        """
        update users u set avatar_url = :address, updated_at = :now, version = u.version + 1
        from (select id, avatar_url from users where id = :user_id for no key update) before
        where u.id = before.id
        returning before.avatar_url
        """,
        user_id=user_id,
        address=address,
        now=now,
    )
