"""Write a mail in the caller's transaction; it leaves, or is kept, when and only when that transaction commits."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from fostr.kernel import clock
from fostr.kernel.crypto.envelopes import EnvelopeRefused, decrypt, encrypt
from fostr.kernel.ids import new_id
from fostr.kernel.jobs.dispatch import dispatch
from fostr.kernel.mail import repository
from fostr.kernel.mail.errors import MailNotConfigured, MailNotFound, MailNotSendable
from fostr.kernel.mail.repository import Mail
from fostr.kernel.mail.templates import MailTemplate, Rendered, render_mail

if TYPE_CHECKING:
    from fostr.kernel.crypto.keys import KeyRing
    from fostr.kernel.db.unit import Unit
    from fostr.kernel.runtime import Runtime

SEND: Final = "mail.send"
PURPOSE: Final = "mail body"

# People choose their names, and mail programs make links of whatever looks like an address. Without this, anybody
# could have us advertise to strangers, by signing up with the stranger's address and a name like `see evil.example`.
_ADDRESS_LIKE: Final = re.compile(r"\S\.\S{2,}|[/@]")
_LONGEST_NAME: Final = 60


async def send_mail(
    unit: Unit,
    *,
    runtime: Runtime,
    to: str,
    template: MailTemplate,
    values: Mapping[str, Any],
    name: str = "",
    workspace: UUID | None = None,
    reply_to: str | None = None,
    unsubscribe_url: str | None = None,
) -> UUID:
    """Write a mail, and have it sent once the transaction has committed; return its id.

    Where no mail server is set, it is kept in the outbox instead, and administrators read it there.

    Args:
        unit: the transaction that it is part of.
        runtime: says whether there is a mail server, and seals the text.
        to: the address.
        template: the kind of mail.
        values: what its template fills in; `name` and `public_url` are there already.
        name: what the person is called; left out of the mail when it looks like an address.
        workspace: the workspace that it is about; the mail is deleted with it.
        reply_to: where answers go, when not to the sender.
        unsubscribe_url: for mail that people may not want: one POST to it ends that.
    """
    mail_id, shown = new_id(), showable_name(name)
    given = {"name": shown, "public_url": runtime.settings.public_url, **values}
    rendered = render_mail(template, given)
    is_sent = runtime.settings.smtp_url is not None
    await repository.insert_mail(
        unit,
        values={
            "id": mail_id,
            "about": workspace,
            "template": template.name,
            "to_email": to,
            "to_name": shown,
            "reply_to": reply_to,
            "unsubscribe_url": unsubscribe_url,
            "subject": rendered.subject,
            "body": _seal(runtime.keys, rendered),
            "status": "queued" if is_sent else "kept",
            "now": clock.now(),
        },
    )
    if is_sent:
        await _dispatch(unit, mail_id)
    return mail_id


async def send_again(unit: Unit, *, runtime: Runtime, mail_id: UUID) -> None:
    """Have a mail sent that failed, or that was kept while there was no mail server.

    Raises:
        MailNotConfigured: there still is none.
        MailNotFound: there is no such mail.
        MailNotSendable: it is sent, or under way, or its text is deleted.
    """
    if runtime.settings.smtp_url is None:
        raise MailNotConfigured
    if not await repository.mark_queued(unit, mail_id=mail_id):
        await get_mail(unit, mail_id=mail_id)
        raise MailNotSendable
    await _dispatch(unit, mail_id)


async def get_mail(unit: Unit, *, mail_id: UUID) -> Mail:
    """Return a mail of the outbox.

    Raises:
        MailNotFound: there is none.
    """
    mail = await repository.find_mail(unit, mail_id=mail_id)
    if mail is None:
        raise MailNotFound
    return mail


async def find_text(unit: Unit, *, keys: KeyRing, mail: Mail) -> Rendered | None:
    """Return what a mail says, or nothing when that is deleted, or was sealed by a secret that is no longer known."""
    sealed = await repository.find_body(unit, mail_id=mail.id)
    if sealed is None:
        return None
    try:
        parts = json.loads(decrypt(keys, sealed, workspace=None, purpose=PURPOSE))
    except EnvelopeRefused:
        return None
    return Rendered(subject=mail.subject, html=parts["html"], text=parts["text"])


def showable_name(name: str) -> str:
    """Return a person's name as mail may show it: one line, not long, and nothing that is taken for an address."""
    line = " ".join("".join(c if c.isprintable() else " " for c in name).split())
    return "" if _ADDRESS_LIKE.search(line) else line[:_LONGEST_NAME]


def workflow_of(mail_id: UUID) -> str:
    """Return the name under which one job at a time sends a mail."""
    return f"mail:{mail_id}"


def _seal(keys: KeyRing, rendered: Rendered) -> str:
    text = json.dumps({"html": rendered.html, "text": rendered.text})
    return encrypt(keys, text.encode(), workspace=None, purpose=PURPOSE)


async def _dispatch(unit: Unit, mail_id: UUID) -> None:
    await dispatch(unit, SEND, {"mail_id": str(mail_id)}, workspace=None, workflow_id=workflow_of(mail_id))
