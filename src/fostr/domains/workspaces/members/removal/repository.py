"""Statements that take members out, and delete accounts."""

from datetime import datetime
from typing import Final
from uuid import UUID

from fostr.kernel.db.unit import Unit

NAME_OF_NOBODY: Final = "Former member"
"""What a member is called whose account was deleted for good."""


async def delete_membership(unit: Unit, *, member_id: UUID) -> None:
    await unit.run("delete from memberships where workspace_id = :workspace and member_id = :id", id=member_id)


async def leave_sessions(unit: Unit, *, user_id: UUID) -> None:
    """Have the person's sessions mean this workspace no longer; elsewhere they go on."""
    await unit.run(
        "update sessions set workspace_id = null where user_id = :user_id and workspace_id = :workspace",
        user_id=user_id,
    )


async def delete_member(unit: Unit, *, member_id: UUID) -> None:
    await unit.run("delete from members m where m.workspace_id = :workspace and m.id = :id", id=member_id)


async def anonymise_member(unit: Unit, *, member_id: UUID, now: datetime) -> None:
    """Take out everything that tells who a member was."""
    await unit.run(
        """
        update members m
        set email = '', full_name = :name, display_name = '', title = '', avatar_url = null, has_own_avatar = false,
            status = 'removed', updated_at = :now, version = m.version + 1
        where m.workspace_id = :workspace and m.id = :id
        """,
        id=member_id,
        name=NAME_OF_NOBODY,
        now=now,
    )


async def is_superuser(unit: Unit, *, user_id: UUID, lock: bool) -> bool:
    """With `lock`, nobody makes the person a member anywhere until the transaction ends."""
    found = await unit.value(
        f"select is_superuser from users where id = :user_id {'for update' if lock else ''}", user_id=user_id
    )
    return bool(found)


async def count_workspaces(unit: Unit, *, user_id: UUID) -> int:
    return await unit.value(
        """
        select count(*) from memberships m join workspaces w on w.id = m.workspace_id
        where m.user_id = :user_id and w.deleted_at is null
        """,
        user_id=user_id,
    )


async def delete_account(unit: Unit, *, user_id: UUID) -> None:
    await unit.run("delete from users where id = :user_id", user_id=user_id)
