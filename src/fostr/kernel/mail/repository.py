"""Statements about mail."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

import asyncpg

from fostr.kernel.db.unit import Unit

MailStatus: TypeAlias = Literal["queued", "sent", "failed", "kept"]

_COLUMNS: Final = """
    id, workspace_id, template, to_email, to_name, reply_to, unsubscribe_url, subject, status, attempts, error,
    created_at, sent_at, body is not null as has_body
"""


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail in the outbox, without its text."""

    id: UUID
    workspace_id: UUID | None
    template: str
    to_email: str
    to_name: str
    reply_to: str | None
    unsubscribe_url: str | None
    subject: str
    status: MailStatus
    attempts: int
    error: str | None
    created_at: datetime
    sent_at: datetime | None
    has_body: bool

    @property
    def can_be_sent(self) -> bool:
        """Whether somebody may have it sent, once more or after all."""
        return self.has_body and self.status in {"failed", "kept"}


def _mail(row: asyncpg.Record | None) -> Mail | None:
    return None if row is None else Mail(**dict(row))


async def insert_mail(unit: Unit, *, values: dict[str, Any]) -> None:
    """Add a mail."""
    await unit.run(
        """
        insert into mails
            (id, workspace_id, template, to_email, to_name, reply_to, unsubscribe_url, subject, body, status,
             created_at)
        values
            (:id, :about, :template, :to_email, :to_name, :reply_to, :unsubscribe_url, :subject, :body, :status, :now)
        """,
        **values,
    )


async def find_mail(unit: Unit, *, mail_id: UUID) -> Mail | None:
    """Return a mail without its text, or nothing."""
    return _mail(await unit.row(f"select {_COLUMNS} from mails where id = :id", id=mail_id))


async def find_body(unit: Unit, *, mail_id: UUID) -> str | None:
    """Return a mail's sealed text, or nothing when it is deleted."""
    return await unit.value("select body from mails where id = :id", id=mail_id)


async def list_mails(unit: Unit, *, limit: int, offset: int) -> list[Mail]:
    """Return a part of the outbox, the newest first."""
    rows = await unit.rows(
        f"select {_COLUMNS} from mails order by created_at desc, id desc limit :limit offset :offset",
        limit=limit,
        offset=offset,
    )
    return [Mail(**dict(row)) for row in rows]


async def count_mails(unit: Unit) -> int:
    """Return how many mails there are."""
    return await unit.value("select count(*) from mails")


async def mark_queued(unit: Unit, *, mail_id: UUID) -> bool:
    """Say whether the mail could be sent again; of any number at once, one hears so."""
    queued = await unit.run(
        """
        update mails set status = 'queued', attempts = 0, error = null
        where id = :id and status in ('failed', 'kept') and body is not null
        """,
        id=mail_id,
    )
    return queued == 1


async def mark_sent(unit: Unit, *, mail_id: UUID, now: datetime) -> None:
    """Note that it is sent, and delete its text."""
    await unit.run(
        """
        update mails set status = 'sent', sent_at = :now, body = null, error = null, attempts = attempts + 1
        where id = :id
        """,
        id=mail_id,
        now=now,
    )


async def mark_unsent(unit: Unit, *, mail_id: UUID, status: MailStatus, error: str | None) -> None:
    """Note an attempt that came to nothing, and what becomes of the mail."""
    await unit.run(
        "update mails set status = :status, error = :error, attempts = attempts + 1 where id = :id",
        id=mail_id,
        status=status,
        error=error,
    )


async def mark_given_up(unit: Unit, *, mail_id: UUID, workflow_id: str, error: str) -> None:
    """Note that a mail that waits for another attempt gets none; what its last attempt noted stands.

    Unless it is under way again, by a job of its workflow: somebody had it sent once more in the meantime.
    """
    await unit.run(
        """
        update mails set status = 'failed', error = coalesce(error, :error)
        where id = :id and status = 'queued' and not exists (
            select from jobs j where j.workflow_id = :workflow_id and j.status in ('queued', 'running')
        )
        """,
        id=mail_id,
        workflow_id=workflow_id,
        error=error,
    )


async def delete_old_bodies(unit: Unit, *, before: datetime) -> int:
    """Delete the texts of mails that were written long ago; those still under way are given up with them."""
    return await unit.run(
        """
        update mails
        set body = null, status = case when status = 'queued' then 'failed' else status end,
            error = case when status = 'queued' then 'It was not sent in time.' else error end
        where body is not null and created_at < :before
        """,
        before=before,
    )


async def delete_old_mails(unit: Unit, *, before: datetime) -> int:
    """Delete what is left of mails that were written long ago; return how many."""
    return await unit.run("delete from mails where created_at < :before", before=before)
