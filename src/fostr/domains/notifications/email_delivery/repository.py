"""Statements on mail delivery."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from fostr.kernel.db.unit import Unit


@dataclass(frozen=True, slots=True)
class Chosen:
    """How a member gets their mail.

    Attributes:
        mode: at once, or gathered.
        digest_minutes: the minutes between two digests.
        paused_email: an address to which nothing is sent.
        paused_at: since when.
        resumed_at: when mail to a paused address last went out again.
    """

    mode: Literal["instant", "digest"] = "instant"
    digest_minutes: int = 30
    paused_email: str | None = None
    paused_at: datetime | None = None
    resumed_at: datetime | None = None


async def find_chosen(unit: Unit, *, member_id: UUID) -> Chosen:
    """Return how a member gets their mail; what holds for everybody where they chose nothing."""
    row = await unit.row(
        """
        select d.mode, d.digest_minutes, d.paused_email, d.paused_at, d.resumed_at
        from notification_email_delivery d
        where d.workspace_id = :workspace and d.member_id = :member_id
        """,
        member_id=member_id,
    )
    return Chosen() if row is None else Chosen(**dict(row))


async def save_mode(unit: Unit, *, member_id: UUID, mode: str, digest_minutes: int | None, now: datetime) -> None:
    """Keep how a member wants their mail; without minutes, those of before stay."""
    await unit.run(
        """
        insert into notification_email_delivery as d (workspace_id, member_id, mode, digest_minutes, updated_at)
        values (:workspace, :member_id, :mode, coalesce(:digest_minutes::smallint, 30), :now)
        on conflict (workspace_id, member_id) do update
        set mode = excluded.mode, digest_minutes = coalesce(:digest_minutes::smallint, d.digest_minutes),
            updated_at = excluded.updated_at
        """,
        member_id=member_id,
        mode=mode,
        digest_minutes=digest_minutes,
        now=now,
    )


async def pause(unit: Unit, *, member_id: UUID, email: str, now: datetime) -> None:
    """Send nothing to an address of a member any more."""
    await unit.run(
        """
        insert into notification_email_delivery (workspace_id, member_id, paused_email, paused_at, updated_at)
        values (:workspace, :member_id, :email, :now, :now)
        on conflict (workspace_id, member_id) do update
        set paused_email = excluded.paused_email, paused_at = excluded.paused_at, updated_at = excluded.updated_at
        """,
        member_id=member_id,
        email=email,
        now=now,
    )


async def list_paused(unit: Unit, *, member_ids: Sequence[UUID]) -> list[UUID]:
    """Return to which of some members no mail is sent, because the address that they have is paused."""
    rows = await unit.rows(
        """
        select d.member_id from notification_email_delivery d
        join members m on m.workspace_id = :workspace and m.id = d.member_id and m.email = d.paused_email
        where d.workspace_id = :workspace and d.member_id = any(:member_ids)
        """,
        member_ids=list(member_ids),
    )
    return [row["member_id"] for row in rows]


async def resume(unit: Unit, *, member_id: UUID, now: datetime) -> str | None:
    """Send to a paused address again; return it, or None when none was paused."""
    return await unit.value(
        """
        with paused as (
            select d.paused_email from notification_email_delivery d
            where d.workspace_id = :workspace and d.member_id = :member_id and d.paused_email is not null
            for update
        ), resumed as (
            update notification_email_delivery d
            set paused_email = null, paused_at = null, resumed_at = :now, updated_at = :now
            where d.workspace_id = :workspace and d.member_id = :member_id and d.paused_email is not null
        )
        select paused_email from paused
        """,
        member_id=member_id,
        now=now,
    )


async def delete_of_member(unit: Unit, *, member_id: UUID) -> None:
    """Forget how a member wanted their mail, and which address was paused."""
    await unit.run(
        "delete from notification_email_delivery d where d.workspace_id = :workspace and d.member_id = :member_id",
        member_id=member_id,
    )
