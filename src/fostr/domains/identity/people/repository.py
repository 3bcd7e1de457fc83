"""Statements about the accounts of others."""

from datetime import datetime
from uuid import UUID

import asyncpg

from fostr.kernel.db.unit import Unit


async def set_email(unit: Unit, *, user_id: UUID, email: str, now: datetime) -> bool:
    """Say whether the address was free; when it was not, the transaction is over."""
    try:
        await unit.run(
            """
            update users set email = :email, email_verified_at = null, updated_at = :now, version = version + 1
            where id = :id
            """,
            id=user_id,
            email=email,
            now=now,
        )
    except asyncpg.UniqueViolationError:
        return False
    return True


async def is_in_use(unit: Unit, *, user_id: UUID) -> bool:
    """Say whether a person has ever signed in to an account, or could."""
    return await unit.value(
        """
        select u.last_sign_in_at is not null or u.password_hash is not null or u.clerk_id is not null
        from users u where u.id = :id
        """,
        id=user_id,
    )
