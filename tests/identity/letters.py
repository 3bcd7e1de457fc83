"""Mails that the tests of identity read from the outbox of a server without a mail server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fostr.kernel.jobs.worker import drain
from fostr.kernel.mail.outbox import find_text, get_mail

if TYPE_CHECKING:
    from fostr.kernel.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail as its reader sees it."""

    template: str
    subject: str
    text: str

    @property
    def link(self) -> str:
        """The link with a token."""
        (link,) = [line for line in self.text.splitlines() if "token=" in line]
        return link

    @property
    def token(self) -> str:
        """The token of that link."""
        return self.link.partition("token=")[2]


async def letters_to(runtime: Runtime, email: str) -> list[Letter]:
    """Run what is queued, and return what was written to somebody, the newest last."""
    await drain(runtime)
    async with runtime.database.unit() as unit:
        rows = await unit.rows("select id from mails where to_email = :email order by created_at, id", email=email)
        letters: list[Letter] = []
        for row in rows:
            mail = await get_mail(unit, mail_id=row["id"])
            text = await find_text(unit, keys=runtime.keys, mail=mail)
            assert text is not None
            letters.append(Letter(template=mail.template, subject=mail.subject, text=text.text))
    return letters


async def last_letter(runtime: Runtime, email: str, template: str) -> Letter:
    """Return the newest letter of a kind."""
    return [letter for letter in await letters_to(runtime, email) if letter.template == template][-1]
