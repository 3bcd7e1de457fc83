"""Statements on notification preferences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from fostr.kernel.ids import new_ids

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    import asyncpg

    from fostr.kernel.db.unit import Unit

_COLUMNS: Final = """
    p.id, p.member_id, p.type, p.in_app, p.email, p.whatsapp, p.muted, p.created_at, p.updated_at, p.version
"""


@dataclass(frozen=True, slots=True)
class Switched:
    """The switches of one type; None where nothing is said about one."""

    type: str
    in_app: bool | None = None
    email: bool | None = None
    whatsapp: bool | None = None
    muted: bool | None = None


async def list_preferences(unit: Unit, *, member_ids: Sequence[UUID], types: Sequence[str]) -> list[asyncpg.Record]:
    """Return what some members chose for some types."""
    return await unit.rows(
        f"""
        select {_COLUMNS} from notification_preferences p
        where p.workspace_id = :workspace and p.member_id = any(:member_ids) and p.type = any(:types)
        order by p.member_id, p.type
        """,
        member_ids=list(member_ids),
        types=list(types),
    )


async def find_preference(
    unit: Unit, preference_id: UUID, *, member_id: UUID, types: Sequence[str]
) -> asyncpg.Record | None:
    """Return a member's preference by its id; nobody else changes it until the transaction ends."""
    return await unit.row(
        f"""
        select {_COLUMNS} from notification_preferences p
        where p.workspace_id = :workspace and p.member_id = :member_id and p.id = :id and p.type = any(:types)
        for update
        """,
        member_id=member_id,
        types=list(types),
        id=preference_id,
    )


async def insert_missing(unit: Unit, *, member_id: UUID, chosen: Sequence[Switched], now: datetime) -> list[str]:
    """Insert preferences of types for which the member has none; return these types.

    Nobody else changes or deletes those of the other types until the transaction ends.
    """
    rows = await unit.rows(
        """
        insert into notification_preferences
            (workspace_id, id, member_id, type, in_app, email, whatsapp, muted, created_at, updated_at)
        select :workspace, c.id, :member_id, c.type, c.in_app, c.email, c.whatsapp, c.muted, :now, :now
        from unnest(:ids::uuid[], :types::text[], :in_app::boolean[], :email::boolean[], :whatsapp::boolean[],
                    :muted::boolean[]) as c (id, type, in_app, email, whatsapp, muted)
        -- In one order for everybody, because it locks what is there; to lock is all that this "update" does.
        order by c.type
        on conflict (workspace_id, member_id, type) do update set version = notification_preferences.version where false
        returning type
        """,
        member_id=member_id,
        ids=new_ids(len(chosen)),
        now=now,
        **_columns(chosen),
    )
    return [row["type"] for row in rows]


async def update_preferences(unit: Unit, *, member_id: UUID, chosen: Sequence[Switched], now: datetime) -> None:
    """Change a member's preferences of some types; what `chosen` says nothing about stays as it is.

    Who changes another switch at the same moment loses nothing: each switch is written by itself.
    """
    await unit.run(
        """
        update notification_preferences p
        set in_app = coalesce(c.in_app, p.in_app), email = coalesce(c.email, p.email),
            whatsapp = coalesce(c.whatsapp, p.whatsapp), muted = coalesce(c.muted, p.muted),
            updated_at = :now, version = p.version + 1
        from unnest(:types::text[], :in_app::boolean[], :email::boolean[], :whatsapp::boolean[],
                    :muted::boolean[]) as c (type, in_app, email, whatsapp, muted)
        where p.workspace_id = :workspace and p.member_id = :member_id and p.type = c.type
          and (coalesce(c.in_app, p.in_app), coalesce(c.email, p.email),
               coalesce(c.whatsapp, p.whatsapp), coalesce(c.muted, p.muted))
              is distinct from (p.in_app, p.email, p.whatsapp, p.muted)
        """,
        member_id=member_id,
        now=now,
        **_columns(chosen),
    )


async def delete_preferences(unit: Unit, *, member_id: UUID) -> list[str]:
    """Forget everything that a member chose; return for which types that was."""
    rows = await unit.rows(
        """
        delete from notification_preferences p
        where p.workspace_id = :workspace and p.member_id = :member_id
        returning p.type
        """,
        member_id=member_id,
    )
    return [row["type"] for row in rows]


async def delete_preference(unit: Unit, preference_id: UUID, *, member_id: UUID) -> str | None:
    """Forget one preference of a member; return its type, or None when there is no such preference."""
    return await unit.value(
        """
        delete from notification_preferences p
        where p.workspace_id = :workspace and p.member_id = :member_id and p.id = :id
        returning p.type
        """,
        member_id=member_id,
        id=preference_id,
    )


def _columns(chosen: Sequence[Switched]) -> dict[str, Any]:
    return {
        "types": [one.type for one in chosen],
        "in_app": [one.in_app for one in chosen],
        "email": [one.email for one in chosen],
        "whatsapp": [one.whatsapp for one in chosen],
        "muted": [one.muted for one in chosen],
    }
