"""Mail on its way: in the caller's transaction, through a real server, with its refusals."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import quote
from uuid import UUID

import pytest

from fostr.kernel import clock
from fostr.kernel.crypto.keys import open_key_ring
from fostr.kernel.jobs.dispatch import dispatch
from fostr.kernel.jobs.registry import list_schedules
from fostr.kernel.jobs.worker import drain
from fostr.kernel.mail.errors import MailNotConfigured, MailNotSendable
from fostr.kernel.mail.outbox import send_again, send_mail, workflow_of
from fostr.kernel.mail.repository import Mail, mark_given_up
from fostr.kernel.mail.tasks import RETRIES
from fostr.kernel.runtime import Runtime
from tests.kernel.mail.writing import GREETING, LINK, new_address, read, stored, write
from tests.support.cast import Cast
from tests.support.mail import (
    LOGIN,
    PASSWORD,
    Mailbox,
    html_of,
    make_certificate,
    serve_mail,
    text_of,
    with_mail,
)


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def sending(mailbox: Mailbox, runtime: Runtime) -> Iterator[Runtime]:
    """The open parts, with a mail server that takes everything."""
    with serve_mail(mailbox) as port:
        yield with_mail(runtime, f"smtp://127.0.0.1:{port}")


async def attempted(runtime: Runtime, mail_id: UUID) -> Mail:
    """Wait until a mail was tried once."""
    async with asyncio.timeout(20):
        while (mail := await read(runtime, mail_id)).attempts == 0:  # noqa: ASYNC110 - the table tells, and nothing else
            await asyncio.sleep(0.05)
    return mail


async def test_a_mail_arrives_as_it_was_written(sending: Runtime, mailbox: Mailbox) -> None:
    to = new_address()
    mail_id = await write(sending, to, name="Grace  Hopper", values={"place": "Überseehafen & <Co>"})
    assert mailbox.to(to) == []
    await drain(sending)
    (message,) = mailbox.to(to)
    assert message["From"] == "Fostr <no-reply@fostr.test>"
    assert message["To"] == f"Grace Hopper <{to}>"
    assert message["Subject"] == "Welcome to Überseehafen & <Co>"
    assert message["Message-ID"] == f"<{mail_id}@fostr.test>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert abs(parsedate_to_datetime(message["Date"]) - clock.now()) < timedelta(minutes=1)
    assert (message["Reply-To"], message["List-Unsubscribe"]) == (None, None)
    assert message.get_content_type() == "multipart/alternative"
    text = text_of(message)
    assert "Hello Grace Hopper," in text
    assert "Überseehafen & <Co>" in text
    assert LINK in text
    html = html_of(message)
    assert "Überseehafen &amp; &lt;Co&gt;" in html
    assert f'href="{LINK}"' in html
    assert not any(left in html for left in ("<mj-", "{{", "{%", "<Co>"))
    mail = await read(sending, mail_id)
    assert (mail.status, mail.attempts, mail.error, mail.has_body) == ("sent", 1, None, False)
    assert mail.sent_at is not None


async def test_nothing_leaves_before_the_commit_or_without_it(sending: Runtime, mailbox: Mailbox) -> None:
    to = new_address()
    unit = sending.database.unit()
    await send_mail(unit, runtime=sending, to=to, template=GREETING, values={"place": "x", "link": LINK})
    await drain(sending)
    assert mailbox.to(to) == []
    await unit.rollback()
    await drain(sending)
    assert mailbox.to(to) == []


async def test_the_text_is_sealed_while_it_waits(sending: Runtime) -> None:
    mail_id = await write(sending, new_address())
    row = await stored(sending, mail_id)
    assert "Welcome to the yard" in row
    assert "secret-of-the-link" not in row
    assert "Go in" not in row


async def test_answers_and_unsubscribing_have_their_headers(sending: Runtime, mailbox: Mailbox) -> None:
    to, leave = new_address(), "https://fostr.test/unsubscribe/1"
    await write(sending, to, reply_to="owner@example.com", unsubscribe_url=leave)
    await drain(sending)
    (message,) = mailbox.to(to)
    assert message["Reply-To"] == "owner@example.com"
    assert message["List-Unsubscribe"] == f"<{leave}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


@pytest.mark.parametrize(
    ("name", "greeting"),
    [
        ("Win at evil.example", "Hello,"),
        ("http://evil.example", "Hello,"),
        ("a@evil.example", "Hello,"),
        ("Bcc: all\r\nSubject: no", "Hello Bcc: all Subject: no,"),
        ("J. Robert", "Hello J. Robert,"),
        ("", "Hello,"),
    ],
)
async def test_a_name_neither_advertises_nor_adds_headers(
    sending: Runtime, mailbox: Mailbox, name: str, greeting: str
) -> None:
    to = new_address()
    await write(sending, to, name=name)
    await drain(sending)
    (message,) = mailbox.to(to)
    assert text_of(message).startswith(f"{greeting}\n")
    assert message["Bcc"] is None
    assert message["Subject"] == "Welcome to the yard"


async def test_addresses_in_other_scripts_are_written_to(sending: Runtime, mailbox: Mailbox) -> None:
    number = new_address().partition("@")[0]
    await write(sending, f"{number}@b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.example", name="Zo\u00eb \u5c71\u7530")
    await write(sending, f"{number}-\N{LATIN SMALL LETTER U WITH DIAERESIS}@example.com")
    await drain(sending)
    (abroad,) = mailbox.to(f"{number}@xn--bcher-kva.example")
    assert "Hello Zo\u00eb \u5c71\u7530," in text_of(abroad)
    assert len(mailbox.to(f"{number}-\N{LATIN SMALL LETTER U WITH DIAERESIS}@example.com")) == 1


async def test_an_address_that_no_header_can_hold_fails_at_once(sending: Runtime) -> None:
    mail_id = await write(sending, f"grace@{'x' * 70}.example")
    await drain(sending)
    mail = await read(sending, mail_id)
    assert (mail.status, mail.attempts) == ("failed", 1)
    assert mail.error


async def test_what_another_secret_sealed_fails_and_says_so(sending: Runtime, mailbox: Mailbox) -> None:
    to = new_address()
    mail_id = await write(sending, to)
    await drain(replace(sending, keys=open_key_ring(["another-secret-of-thirty-two-characters"])))
    mail = await read(sending, mail_id)
    assert mail.status == "failed"
    assert "secret key" in (mail.error or "")
    # With the old secret back, it can be sent.
    async with sending.database.unit() as unit:
        await send_again(unit, runtime=sending, mail_id=mail_id)
    await drain(sending)
    assert len(mailbox.to(to)) == 1


async def test_a_busy_server_is_asked_again(sending: Runtime, mailbox: Mailbox) -> None:
    to = new_address()
    mailbox.answers[to] = ["451 4.7.1 Greylisted, come back"]
    mail_id = await write(sending, to)
    await drain(sending)
    assert len(mailbox.to(to)) == 1
    mail = await read(sending, mail_id)
    assert (mail.status, mail.attempts, mail.error) == ("sent", 2, None)


async def test_what_is_tried_in_vain_to_the_end_fails_and_can_be_sent_by_hand(
    sending: Runtime, mailbox: Mailbox
) -> None:
    to = new_address()
    # A slow machine may come to try it more than once.
    mailbox.answers[to] = ["451 4.3.0 Busy"] * 9
    mail_id = await write(sending, to)
    await drain(sending, ahead=timedelta(0))
    assert (await read(sending, mail_id)).status == "queued"
    async with sending.database.unit() as unit:
        ended = await unit.run(
            """
            with ended as (
                update jobs set failures = :retries where workflow_id = :id and status = 'queued' returning id
            )
            update pgqueuer set execute_after = now() where dedupe_key in (select id::text from ended)
            """,
            retries=RETRIES,
            id=workflow_of(mail_id),
        )
    assert ended == 1
    await drain(sending)
    failed = await read(sending, mail_id)
    assert (failed.status, failed.error, failed.can_be_sent) == ("failed", "451 4.3.0 Busy", True)
    mailbox.answers[to].clear()
    async with sending.database.unit() as unit:
        await send_again(unit, runtime=sending, mail_id=mail_id)
    await drain(sending)
    assert (await read(sending, mail_id)).status == "sent"


async def test_what_is_sent_again_is_not_given_up_by_the_attempt_before(sending: Runtime, mailbox: Mailbox) -> None:
    to = new_address()
    mailbox.answers[to] = ["550 5.7.1 Not now"]
    mail_id = await write(sending, to)
    await drain(sending)
    assert (await read(sending, mail_id)).status == "failed"
    async with sending.database.unit() as unit:
        await send_again(unit, runtime=sending, mail_id=mail_id)
        # As the job does that follows the failure, when it comes late.
        await mark_given_up(unit, mail_id=mail_id, workflow_id=workflow_of(mail_id), error="Late.")
    assert (await read(sending, mail_id)).status == "queued"
    await drain(sending)
    assert (await read(sending, mail_id)).status == "sent"


async def test_a_refusal_is_final_and_shows_and_can_be_tried_again_by_hand(sending: Runtime, mailbox: Mailbox) -> None:
    to = new_address()
    mailbox.answers[to] = ["550 5.1.1 No such user"]
    mail_id = await write(sending, to)
    await drain(sending)
    mail = await read(sending, mail_id)
    assert (mail.status, mail.attempts, mail.error) == ("failed", 1, "550 5.1.1 No such user")
    assert mailbox.to(to) == []
    assert mail.can_be_sent

    async with sending.database.unit() as unit:
        await send_again(unit, runtime=sending, mail_id=mail_id)
    await drain(sending)
    assert len(mailbox.to(to)) == 1
    assert (await read(sending, mail_id)).status == "sent"
    with pytest.raises(MailNotSendable):
        async with sending.database.unit() as unit:
            await send_again(unit, runtime=sending, mail_id=mail_id)


async def test_parallel_wishes_to_send_again_send_once(sending: Runtime, mailbox: Mailbox) -> None:
    async def again() -> bool:
        try:
            async with sending.database.unit() as unit:
                await send_again(unit, runtime=sending, mail_id=mail_id)
        except MailNotSendable:
            return False
        return True

    to = new_address()
    mailbox.answers[to] = ["550 No"]
    mail_id = await write(sending, to)
    await drain(sending)
    assert sum(await asyncio.gather(*(again() for _ in range(6)))) == 1
    await drain(sending)
    assert len(mailbox.to(to)) == 1


async def test_a_server_that_is_away_leaves_the_mail_queued_with_the_error(runtime: Runtime) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        away = with_mail(runtime, f"smtp://127.0.0.1:{unused.getsockname()[1]}")
    mail_id = await write(away, new_address())
    ending = asyncio.create_task(drain(away))
    try:
        mail = await attempted(away, mail_id)
        assert (mail.status, mail.has_body) == ("queued", True)
        assert mail.error
    finally:
        # So that the next attempt has nothing to do, and the queue runs empty.
        async with away.database.unit() as unit:
            await unit.run("delete from mails where id = :id", id=mail_id)
        await ending


async def test_a_login_goes_by_starttls_alone(
    runtime: Runtime, mailbox: Mailbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, context = make_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    to = new_address()
    with serve_mail(mailbox, tls=context, login=True) as port:
        sending = with_mail(runtime, f"smtp://{LOGIN}:{quote(PASSWORD, safe='')}@localhost:{port}")
        await write(sending, to)
        await drain(sending)
    assert len(mailbox.to(to)) == 1
    assert mailbox.encrypted == [True]
    assert mailbox.logins == [LOGIN]


async def test_a_login_is_not_sent_to_a_server_without_encryption(runtime: Runtime, mailbox: Mailbox) -> None:
    with serve_mail(mailbox, login=True) as port:
        sending = with_mail(runtime, f"smtp://{LOGIN}:{quote(PASSWORD, safe='')}@127.0.0.1:{port}")
        mail_id = await write(sending, new_address())
        await drain(sending)
    mail = await read(runtime, mail_id)
    assert mail.status == "failed"
    assert "STARTTLS" in (mail.error or "")
    assert (mailbox.logins, mailbox.received) == ([], [])


async def test_a_wrong_login_fails_at_once_and_its_password_shows_nowhere(
    runtime: Runtime, mailbox: Mailbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, context = make_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with serve_mail(mailbox, tls=context, login=True) as port:
        sending = with_mail(runtime, f"smtp://{LOGIN}:not-the-password@localhost:{port}")
        mail_id = await write(sending, new_address())
        await drain(sending)
    mail = await read(runtime, mail_id)
    assert mail.status == "failed"
    assert (mail.error or "").startswith("535")
    assert "not-the-password" not in await stored(runtime, mail_id)


async def test_a_certificate_that_nobody_vouches_for_is_not_trusted(
    runtime: Runtime, mailbox: Mailbox, tmp_path: Path
) -> None:
    _, context = make_certificate(tmp_path)
    with serve_mail(mailbox, tls=context, login=True) as port:
        sending = with_mail(runtime, f"smtp://{LOGIN}:{quote(PASSWORD, safe='')}@localhost:{port}")
        mail_id = await write(sending, new_address())
        ending = asyncio.create_task(drain(sending))
        await attempted(sending, mail_id)
        async with sending.database.unit() as unit:
            await unit.run("delete from mails where id = :id", id=mail_id)
        await ending
    assert (mailbox.logins, mailbox.received) == ([], [])


async def test_without_a_server_mail_is_kept_and_never_called_sent(runtime: Runtime) -> None:
    mail_id = await write(runtime, new_address())
    await drain(runtime)
    mail = await read(runtime, mail_id)
    assert (mail.status, mail.attempts, mail.sent_at, mail.has_body) == ("kept", 0, None, True)
    with pytest.raises(MailNotConfigured):
        async with runtime.database.unit() as unit:
            await send_again(unit, runtime=runtime, mail_id=mail_id)


async def test_what_was_kept_can_be_sent_once_there_is_a_server(
    runtime: Runtime, sending: Runtime, mailbox: Mailbox
) -> None:
    to = new_address()
    mail_id = await write(runtime, to)
    async with sending.database.unit() as unit:
        await send_again(unit, runtime=sending, mail_id=mail_id)
    await drain(sending)
    assert LINK in text_of(mailbox.to(to)[0])
    assert (await read(runtime, mail_id)).status == "sent"


async def test_a_worker_without_a_server_keeps_what_was_queued(runtime: Runtime, sending: Runtime) -> None:
    mail_id = await write(sending, new_address())
    await drain(runtime)
    mail = await read(runtime, mail_id)
    assert (mail.status, mail.has_body) == ("kept", True)


async def test_texts_and_then_mails_are_forgotten_by_the_clock(runtime: Runtime, cast: Cast) -> None:
    async def written(days: int) -> UUID:
        with clock.travel(to=clock.now() - timedelta(days=days)):
            return await write(runtime, new_address(), workspace=cast.acme)

    ancient, old, young = await written(91), await written(31), await written(29)
    async with runtime.database.unit() as unit:
        await dispatch(unit, "mail.forget", {}, workspace=None)
    await drain(runtime)
    async with runtime.database.unit() as unit:
        rows = await unit.rows(
            "select id, body is not null as has_body from mails where workspace_id = :acme", acme=cast.acme
        )
    assert {row["id"]: row["has_body"] for row in rows} == {old: False, young: True}
    assert ancient not in {row["id"] for row in rows}
    assert "mail.forget" in {entry.name for entry in list_schedules()}
