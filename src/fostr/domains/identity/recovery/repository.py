"""Statements about what opens an account besides its password."""

from datetime import datetime
from uuid import UUID

from fostr.kernel.db.unit import Unit


async def revoke_tokens(unit: Unit, *, user_id: UUID, now: datetime) -> int:
    return await unit.run(
        """
        update tokens set revoked_at = :now, is_active = false, version = version + 1
        where user_id = :user_id and revoked_at is null
        """,
        user_id=user_id,
        now=now,
    )


async def delete_passkeys(unit: Unit, *, user_id: UUID) -> int:
    return await unit.run("delete from passkeys where user_id = :user_id", user_id=user_id)
