"""Statements about the pictures of members."""

from datetime import datetime
from uuid import UUID

from fostr.kernel.db.unit import Unit


async def set_avatar(unit: Unit, *, member_id: UUID, address: str | None, is_own: bool, now: datetime) -> None:
    """Show a member by a picture; `is_own` says that it is the workspace's, and not the account's."""
    await unit.run(
        """
        update members m
        set avatar_url = :address, has_own_avatar = :is_own, updated_at = :now, version = m.version + 1
        where m.workspace_id = :workspace and m.id = :id
        """,
        id=member_id,
        address=address,
        is_own=is_own,
        now=now,
    )


async def find_own_avatar(unit: Unit, *, member_id: UUID) -> str | None:
    """Return the picture that a member has here alone; one of the account, whose address people choose, is none."""
    return await unit.value(
        "select m.avatar_url from members m where m.workspace_id = :workspace and m.id = :id and m.has_own_avatar",
        id=member_id,
    )


async def find_account_avatar(unit: Unit, *, user_id: UUID) -> str | None:
    return await unit.value("select avatar_url from users where id = :user_id", user_id=user_id)
