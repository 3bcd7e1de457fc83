"""Hand a mail to the mail server."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from fostr.kernel.mail.errors import MailDeferred, MailRefused

if TYPE_CHECKING:
    from fostr.kernel.mail.repository import Mail
    from fostr.kernel.mail.templates import Rendered
    from fostr.settings import Settings

TIMEOUT_SECONDS: Final = 20.0
LONGEST_ERROR: Final = 500


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed over, as `FOSTR_SMTP_URL` says it."""

    host: str
    port: int
    login: str | None
    password: str | None = field(repr=False)
    use_tls: bool

    @property
    def start_tls(self) -> bool | None:
        """Whether to ask for encryption: None is "when the server offers it".

        A login never travels in the clear, so with one the server has to offer it.
        """
        if self.use_tls:
            return False
        return True if self.login else None


def read_mail_server(url: str) -> MailServer:
    """Read `smtp://login:password@host:587` or `smtps://…`."""
    parts = urlsplit(url)
    use_tls = parts.scheme == "smtps"
    return MailServer(
        host=parts.hostname or "",
        port=parts.port or (465 if use_tls else 587),
        login=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        use_tls=use_tls,
    )


def compose(mail: Mail, rendered: Rendered, *, settings: Settings) -> EmailMessage:
    """Return the message, the same each time: a server that is given it twice can tell by its Message-ID."""
    message = EmailMessage(policy=SMTP)
    name, sender = parseaddr(settings.mail_from)
    message["From"] = _address(name, sender)
    message["To"] = _address(mail.to_name, mail.to_email)
    message["Subject"] = rendered.subject
    message["Date"] = format_datetime(mail.created_at)
    message["Message-ID"] = f"<{mail.id}@{sender.rpartition('@')[2]}>"
    # So that nobody's holiday notice answers.
    message["Auto-Submitted"] = "auto-generated"
    if mail.reply_to is not None:
        message["Reply-To"] = _address("", mail.reply_to)
    if mail.unsubscribe_url is not None:
        message["List-Unsubscribe"] = f"<{mail.unsubscribe_url}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(rendered.text)
    message.add_alternative(rendered.html, subtype="html")
    return message


def _address(name: str, address: str) -> Address:
    local, _, domain = address.rpartition("@")
    # Domains in other scripts have a spelling that every server knows; what stands before the @ has not.
    return Address(display_name=name, username=local, domain=domain.encode("idna").decode())


async def deliver(mail: Mail, rendered: Rendered, *, settings: Settings) -> None:
    """Hand a mail to the mail server.

    Raises:
        MailDeferred: it was not taken now: the server is away, busy, or does not know us yet.
        MailRefused: it will not be taken, now or later.
    """
    # Imported by the worker alone, when it first has mail.
    import aiosmtplib

    assert settings.smtp_url is not None  # noqa: S101 - without a server nothing is delivered
    server = read_mail_server(settings.smtp_url.get_secret_value())
    try:
        message = compose(mail, rendered, settings=settings)
    except (ValueError, MessageError) as error:
        # An address that no header can hold.
        raise MailRefused(_shortened(str(error))) from error
    try:
        await aiosmtplib.send(
            message,
            hostname=server.host,
            port=server.port,
            username=server.login,
            password=server.password,
            use_tls=server.use_tls,
            start_tls=server.start_tls,
            # Honours SSL_CERT_FILE, by which an operator names an authority of their own.
            tls_context=ssl.create_default_context(),
            local_hostname=urlsplit(settings.public_url).hostname,
            timeout=TIMEOUT_SECONDS,
        )
    except aiosmtplib.SMTPRecipientsRefused as error:
        refusal = error.recipients[0]
        raise _by_code(refusal.code, refusal.message) from error
    except aiosmtplib.SMTPResponseException as error:
        raise _by_code(error.code, error.message) from error
    except (aiosmtplib.SMTPNotSupported, ValueError) as error:
        raise MailRefused(_shortened(str(error))) from error
    except (aiosmtplib.SMTPException, OSError) as error:
        # The bare class says that the server lacks what our settings ask for: encryption, or a way to sign in.
        kind = MailRefused if type(error) is aiosmtplib.SMTPException else MailDeferred
        raise kind(_shortened(str(error) or type(error).__name__)) from error


def _by_code(code: int, message: str) -> MailDeferred | MailRefused:
    kind = MailRefused if code >= 500 else MailDeferred
    return kind(_shortened(f"{code} {message}"))


def _shortened(text: str) -> str:
    return " ".join(text.split())[:LONGEST_ERROR]
