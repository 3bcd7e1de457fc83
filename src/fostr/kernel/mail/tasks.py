"""Sending mail, and forgetting it."""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import structlog

from fostr.kernel import clock
from fostr.kernel.jobs.context import JobContext
from fostr.kernel.jobs.registry import job, schedule
from fostr.kernel.mail import repository
from fostr.kernel.mail.delivery import deliver
from fostr.kernel.mail.errors import MailDeferred, MailRefused
from fostr.kernel.mail.outbox import SEND, find_text, workflow_of

log = structlog.get_logger(__name__)

GIVE_UP: Final = "mail.give_up"
RETRIES: Final = 40
"""With pauses that double up to five minutes: about three hours, longer than servers ask strangers to wait."""

UNREADABLE: Final = "Its text cannot be read any more: the secret key that sealed it is gone."

BODIES_KEPT_FOR: Final = timedelta(days=30)
MAILS_KEPT_FOR: Final = timedelta(days=90)


@job(SEND, retries=RETRIES, timeout=timedelta(minutes=2), after_failure=GIVE_UP)
async def send(context: JobContext) -> dict[str, Any]:
    """Send a mail.

    At least once: a worker that dies between the server's "yes" and our note of it sends it again, with the same
    Message-ID.
    """
    mail_id, settings = UUID(context.input["mail_id"]), context.runtime.settings
    async with context.unit() as unit:
        mail = await repository.find_mail(unit, mail_id=mail_id)
        text = await find_text(unit, keys=context.runtime.keys, mail=mail) if mail else None
        if mail is None or mail.status != "queued":
            return {"status": mail.status if mail else "gone"}
        if text is None:
            await repository.mark_unsent(unit, mail_id=mail_id, status="failed", error=UNREADABLE)
            return {"status": "failed"}
        if settings.smtp_url is None:
            await repository.mark_unsent(unit, mail_id=mail_id, status="kept", error=None)
            return {"status": "kept"}
    try:
        await deliver(mail, text, settings=settings)
    except (MailDeferred, MailRefused) as error:
        await _note_failure(context, mail_id=mail_id, error=error)
        raise
    async with context.unit() as unit:
        await repository.mark_sent(unit, mail_id=mail_id, now=clock.now())
    log.info("mail_sent", mail_id=str(mail_id), template=mail.template)
    return {"status": "sent"}


async def _note_failure(context: JobContext, *, mail_id: UUID, error: MailDeferred | MailRefused) -> None:
    is_over = isinstance(error, MailRefused)
    async with context.unit() as unit:
        await repository.mark_unsent(
            unit, mail_id=mail_id, status="failed" if is_over else "queued", error=error.sentence
        )
    log.warning("mail_not_sent", mail_id=str(mail_id), error=error.sentence, is_over=is_over)


@job(GIVE_UP)
async def give_up(context: JobContext) -> None:
    """Note that a mail will not be sent any more, so that an administrator can have it tried anew."""
    mail_id = UUID(context.input["input"]["mail_id"])
    async with context.unit() as unit:
        await repository.mark_given_up(
            unit, mail_id=mail_id, workflow_id=workflow_of(mail_id), error=context.input["error"]["detail"]
        )


@schedule("mail.forget", "37 3 * * *")
async def forget(context: JobContext) -> dict[str, int]:
    """Delete the texts of mails after 30 days, and what is left of them after 90."""
    async with context.unit() as unit:
        bodies = await repository.delete_old_bodies(unit, before=clock.now() - BODIES_KEPT_FOR)
        return {
            "bodies": bodies,
            "mails": await repository.delete_old_mails(unit, before=clock.now() - MAILS_KEPT_FOR),
        }
