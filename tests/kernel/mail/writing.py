"""A template of the tests, and mails written by it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fostr.kernel.ids import new_id
from fostr.kernel.mail.outbox import get_mail, send_mail
from fostr.kernel.mail.templates import MailTemplate

if TYPE_CHECKING:
    from uuid import UUID

    from fostr.kernel.mail.repository import Mail
    from fostr.kernel.runtime import Runtime

GREETING: Final = MailTemplate(
    name="greeting", subject="Welcome to {{ place }}", folder=Path(__file__).with_name("letters")
)
LINK: Final = "https://fostr.test/in#token=secret-of-the-link"


def new_address() -> str:
    """Return an address that no other test writes to."""
    return f"grace.{new_id().hex[-12:]}@example.com"


async def write(runtime: Runtime, to: str, **options: Any) -> UUID:
    """Write a mail and commit."""
    values = {"place": "the yard", "link": LINK, **options.pop("values", {})}
    async with runtime.database.unit() as unit:
        return await send_mail(unit, runtime=runtime, to=to, template=GREETING, values=values, **options)


async def read(runtime: Runtime, mail_id: UUID) -> Mail:
    """Return a mail as it stands in the outbox."""
    async with runtime.database.unit() as unit:
        return await get_mail(unit, mail_id=mail_id)


async def stored(runtime: Runtime, mail_id: UUID) -> str:
    """Return the whole row of a mail as text."""
    async with runtime.database.unit() as unit:
        return await unit.value("select m::text from mails m where id = :id", id=mail_id)
