"""The application with a mail server, for tests that follow the links which people are sent."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx2

from fostr.app import create_app
from fostr.kernel.jobs.worker import drain
from tests.support.client import BASE, Client, new_host
from tests.support.mail import Mailbox, serve_mail, text_of, with_mail

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from email.message import EmailMessage

    from fostr.kernel.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Mailing:
    """A client of that application, and what its mail server was given.

    Attributes:
        client: a client without a credential, at an address of its own.
    """

    client: Client
    mailbox: Mailbox
    runtime: Runtime

    async def mail_to(self, email: str, *, about: str = "") -> EmailMessage:
        """Run what is queued, and return the newest mail to somebody that has a word in it."""
        await drain(self.runtime)
        return [message for message in self.mailbox.to(email) if about in text_of(message)][-1]


@asynccontextmanager
async def open_mailing(runtime: Runtime, client: Client) -> AsyncGenerator[Mailing]:
    """Open the application again, on the same open parts and with a mail server on a socket."""
    mailbox = Mailbox()
    with serve_mail(mailbox) as port:
        sending = with_mail(runtime, f"smtp://127.0.0.1:{port}")
        app = create_app(sending.settings, runtime=sending, lazily=True)
        transport = httpx2.ASGITransport(app=app, client=new_host())
        async with httpx2.AsyncClient(transport=transport, base_url=BASE) as inner:
            yield Mailing(Client(inner, client.checker, {}), mailbox, sending)
