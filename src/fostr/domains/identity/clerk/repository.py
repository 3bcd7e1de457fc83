"""Statements about people whom Clerk knows."""

from datetime import datetime
from uuid import UUID

from fostr.kernel.db.unit import Unit


async def find_user_id(unit: Unit, *, clerk_id: str | None, email: str) -> UUID | None:
    """Return the open account of a Clerk id, else that of the address, unless it is another Clerk user's."""
    return await unit.value(
        """
        select u.id from users u
        where u.is_active and (u.clerk_id = :clerk_id or (u.email = lower(:email) and (
            u.clerk_id is null or :clerk_id::text is null)))
        order by (u.clerk_id = :clerk_id) desc nulls last limit 1
        """,
        clerk_id=clerk_id,
        email=email,
    )


async def note_clerk_id(unit: Unit, *, user_id: UUID, clerk_id: str, now: datetime) -> None:
    """Keep the Clerk id of an account that has none."""
    await unit.run(
        """
        update users
        set clerk_id = :clerk_id, updated_at = :now, version = version + 1
        where id = :id and clerk_id is null
        """,
        id=user_id,
        clerk_id=clerk_id,
        now=now,
    )


async def trust_address(unit: Unit, *, user_id: UUID, now: datetime) -> None:
    """Note that the address is the person's, and drop a password that was set before anybody knew that."""
    await unit.run(
        """
        update users set email_verified_at = :now, password_hash = null, updated_at = :now, version = version + 1
        where id = :id
        """,
        id=user_id,
        now=now,
    )
