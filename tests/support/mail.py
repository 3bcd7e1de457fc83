"""A mail server on a socket, and the mail that it was given."""

from __future__ import annotations

import re
import ssl
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import SecretStr

from fostr.kernel import clock
from tests.support.ports import choose_port

if TYPE_CHECKING:
    from collections.abc import Generator

    from fostr.kernel.runtime import Runtime

LOGIN: Final = "fostr"
PASSWORD: Final = "mail-p@ss/word"
_LINK: Final = re.compile(r"https?://\S+")


@dataclass
class Mailbox:
    """What a mail server was given, and how it answers.

    Attributes:
        received: the messages that it took.
        answers: what it says to a recipient the next times, before it says yes. By address, since mails that other
            tests have left may be sent at any time.
        logins: who signed in, in vain or not.
        encrypted: for each message, whether it came by TLS.
    """

    received: list[EmailMessage] = field(default_factory=list[EmailMessage])
    answers: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    logins: list[str] = field(default_factory=list[str])
    encrypted: list[bool] = field(default_factory=list[bool])

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Answer to a recipient."""
        del server, session, options
        if answers := self.answers.get(address):
            answer = answers.pop(0)
            if not answer.startswith("2"):
                return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take a message."""
        del server
        content = envelope.content
        assert isinstance(content, bytes)
        message = message_from_bytes(content, _class=EmailMessage, policy=policy.default)
        self.received.append(message)
        self.encrypted.append(session.ssl is not None)
        return "250 OK"

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        """Say whether a login is right."""
        del server, session, envelope, mechanism
        assert isinstance(data, LoginPassword)
        self.logins.append(data.login.decode())
        is_right = (data.login, data.password) == (LOGIN.encode(), PASSWORD.encode())
        # Not handled: aiosmtpd is to say "no" itself.
        return AuthResult(success=is_right, handled=is_right)

    def to(self, email: str) -> list[EmailMessage]:
        """Return what came for somebody."""
        return [message for message in self.received if email in str(message["To"])]


def text_of(message: EmailMessage) -> str:
    """Return the plain text of a mail."""
    part = message.get_body(("plain",))
    assert part is not None
    return part.get_content().replace("\r\n", "\n")


def html_of(message: EmailMessage) -> str:
    """Return the HTML of a mail."""
    part = message.get_body(("html",))
    assert part is not None
    return part.get_content()


def link_of(message: EmailMessage) -> str:
    """Return the link with a token that a mail holds."""
    links = [link for link in _LINK.findall(text_of(message)) if "token=" in link]
    assert len(links) == 1, text_of(message)
    return links[0]


def token_of(message: EmailMessage) -> str:
    """Return the token of that link."""
    return link_of(message).partition("token=")[2]


@contextmanager
def serve_mail(mailbox: Mailbox, *, tls: ssl.SSLContext | None = None, login: bool = False) -> Generator[int]:
    """Serve a mailbox on a free port of this machine; with `tls`, by STARTTLS alone."""
    # The controller calls its own port to see that it serves, so it has to be told one.
    port = choose_port()
    controller = Controller(
        mailbox,
        hostname="127.0.0.1",
        port=port,
        tls_context=tls,
        require_starttls=tls is not None,
        authenticator=mailbox.authenticate if login else None,
        auth_required=login and tls is not None,
        auth_require_tls=tls is not None,
    )
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


def with_mail(runtime: Runtime, url: str) -> Runtime:
    """Return the same open parts, with a mail server set."""
    settings = runtime.settings.model_copy(
        update={"smtp_url": SecretStr(url), "mail_from": "Fostr <no-reply@fostr.test>"}
    )
    return replace(runtime, settings=settings)


def make_certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """Make a certificate for `localhost`; return its file, and a server's context that uses it."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(x509.OID_COMMON_NAME, "test")])
    today = clock.now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "certificate.pem", folder / "key.pem"
    public.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return public, context
