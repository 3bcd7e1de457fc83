"""One attempt, whatever the receiver does: real servers that refuse, redirect, stall, babble and never end."""

from __future__ import annotations

import socket
import ssl
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from fostr.domains.webhooks.sending import KEPT_BYTES, Attempt, Message, Target, send
from fostr.domains.webhooks.signing import mint_secret
from fostr.kernel import clock
from fostr.kernel.outbound import Outbound
from fostr.kernel.outbound.addresses import PRIVATE_NETWORKS, AddressPolicy
from fostr.kernel.runtime import Runtime
from tests.support.mail import make_certificate
from tests.support.receivers import (
    Behaviour,
    answering,
    babbling,
    closing,
    endless,
    failing_in_turns,
    receive,
    silent,
    stalling,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SECRET = mint_secret()
BODY = b'{"type": "record.created", "data": {}}'
HURRIED_SECONDS = 0.5


@pytest.fixture
def hurried(runtime: Runtime) -> Runtime:
    """The open parts, of a server that gives receivers little time, and a busy machine enough to ask them."""
    return replace(runtime, settings=runtime.settings.model_copy(update={"webhook_seconds": HURRIED_SECONDS}))


async def attempt(runtime: Runtime, url: str, **target: Any) -> Attempt:
    message = Message(str(uuid4()), "record.created", clock.now(), BODY)
    return await send(runtime, Target(uuid4(), url, (SECRET,), **target), message)


async def test_a_message_arrives_signed(runtime: Runtime) -> None:
    async with receive(answering(content=b"thanks", headers={"X-Answer": "1", "Set-Cookie": "a=b"})) as receiver:
        made = await attempt(runtime, f"{receiver.url}?a=b", headers={"X-Key": "value"})
    [delivery] = receiver.deliveries
    assert delivery.verify(SECRET) == delivery.told
    assert (delivery.path, delivery.body) == ("/hook?a=b", BODY)
    assert delivery.headers["content-type"] == "application/json"
    assert delivery.headers["user-agent"] == "Fostr-Webhooks/1"
    assert delivery.headers["x-key"] == "value"
    assert (made.succeeded, made.status_code, made.error, made.response_body) == (True, 200, None, "thanks")
    assert (made.response_headers["x-answer"], "set-cookie" in made.response_headers) == ("1", False)
    assert made.request_headers == {
        "X-Key": "…",
        **{name: delivery.headers[name] for name in ("content-type", "user-agent")},
        **{name: value for name, value in delivery.headers.items() if name.startswith("webhook-")},
    }
    assert not made.wants_abort


@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_every_2xx_is_a_receipt(runtime: Runtime, status: int) -> None:
    async with receive(answering(status)) as receiver:
        made = await attempt(runtime, receiver.url)
    assert (made.succeeded, made.status_code, made.error) == (True, status, None)


@pytest.mark.parametrize("status", [400, 401, 404, 410, 429, 500, 503])
async def test_no_other_status_is(runtime: Runtime, status: int) -> None:
    async with receive(answering(status)) as receiver:
        made = await attempt(runtime, receiver.url)
    assert (made.succeeded, made.status_code, made.error) == (False, status, "status")
    assert str(status) in made.message


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 304])
async def test_redirects_are_not_followed(runtime: Runtime, status: int) -> None:
    async with receive() as there, receive(answering(status, headers={"Location": there.url})) as receiver:
        made = await attempt(runtime, receiver.url)
    assert (made.succeeded, made.status_code, made.error) == (False, status, "redirect")
    assert (len(receiver.deliveries), there.deliveries) == (1, [])


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [(closing, "connection_failed"), (babbling, "response_invalid"), (silent, "timeout")],
)
async def test_what_goes_wrong_has_a_name(hurried: Runtime, behaviour: Behaviour, error: str) -> None:
    async with receive(behaviour) as receiver:
        made = await attempt(hurried, receiver.url)
    assert (made.succeeded, made.status_code, made.error) == (False, None, error)
    assert (made.response_body, made.response_headers, made.message != "") == ("", {}, True)
    assert len(receiver.deliveries) == 1


async def test_a_slow_receiver_is_given_its_time_and_no_more(hurried: Runtime) -> None:
    async with receive(silent) as receiver:
        made = await attempt(hurried, receiver.url)
    assert made.duration_ms >= (HURRIED_SECONDS - 0.01) * 1000


async def test_nobody_listens(runtime: Runtime) -> None:
    # Bound, so that nobody else is given the port.
    with socket.socket() as silent_port:
        silent_port.bind(("127.0.0.1", 0))
        made = await attempt(runtime, f"http://127.0.0.1:{silent_port.getsockname()[1]}/")
    assert (made.error, made.status_code) == ("connection_refused", None)


async def test_of_a_long_answer_the_beginning_is_kept(runtime: Runtime) -> None:
    async with receive(endless) as receiver:
        made = await attempt(runtime, receiver.url)
    assert (made.succeeded, len(made.response_body)) == (True, KEPT_BYTES)
    async with receive(answering(content=b"x" * 1_000_000)) as receiver:
        made = await attempt(runtime, receiver.url)
    assert (made.succeeded, len(made.response_body)) == (True, KEPT_BYTES)


async def test_an_answer_that_never_ends_counts_by_its_status(hurried: Runtime) -> None:
    async with receive(stalling) as receiver:
        made = await attempt(hurried, receiver.url)
    assert (made.succeeded, made.status_code, made.response_body) == (True, 200, "begun")


async def test_an_answer_that_is_no_text_can_be_kept(runtime: Runtime) -> None:
    async with receive(answering(content=b"\x00\xff\xfeword")) as receiver:
        made = await attempt(runtime, receiver.url)
    assert made.response_body == "\ufffd\ufffd\ufffdword"


@pytest.mark.parametrize("status", [200, 410])
async def test_a_receiver_can_ask_not_to_be_sent_it_again(runtime: Runtime, status: int) -> None:
    async with receive(answering(status, headers={"Webhook-Delivery": "abort-message"})) as receiver:
        made = await attempt(runtime, receiver.url)
    assert (made.wants_abort, made.succeeded) == (True, status == 200)


async def test_a_receiver_that_fails_every_other_time(runtime: Runtime) -> None:
    async with receive(failing_in_turns()) as receiver:
        made = [(await attempt(runtime, receiver.url)).succeeded for _ in range(4)]
    assert made == [False, True, False, True]


@pytest.mark.parametrize("url", ["http://169.254.169.254/", "http://nowhere.invalid/", "http://2130706433/"])
async def test_addresses_are_checked_at_every_send(runtime: Runtime, url: str) -> None:
    assert (await attempt(runtime, url)).error == "address_refused"


async def test_private_addresses_are_refused_unless_the_operator_allows_them(runtime: Runtime) -> None:
    outbound = Outbound(AddressPolicy())
    async with receive() as receiver:
        made = await attempt(replace(runtime, outbound=outbound), receiver.url)
    await outbound.close()
    assert (made.error, receiver.deliveries) == ("address_refused", [])


async def test_a_name_that_changes_its_address_leads_nowhere_else(runtime: Runtime) -> None:
    """The name is allowed when it is entered, and leads inside when it is sent to: that is when it counts."""
    answers = iter([["93.184.215.14"], ["127.0.0.1"], ["93.184.215.14", "127.0.0.1"]])

    async def resolver(host: str, port: int) -> Sequence[str]:
        del host, port
        return next(answers)

    outbound = Outbound(AddressPolicy(), resolver=resolver)
    async with receive() as receiver:
        url = f"http://rebinding.example:{receiver.port}/"
        await outbound.check_url(url)
        made = [await attempt(replace(runtime, outbound=outbound), url) for _ in range(2)]
    await outbound.close()
    assert [one.error for one in made] == ["address_refused", "address_refused"]
    assert receiver.deliveries == []


async def test_a_certificate_must_be_trusted(runtime: Runtime, tmp_path: Path) -> None:
    certificate, context = make_certificate(tmp_path)
    trusting = Outbound(AddressPolicy(PRIVATE_NETWORKS), ssl_context=ssl.create_default_context(cafile=certificate))
    async with receive(tls=context) as receiver:
        url = f"https://localhost:{receiver.port}/"
        refused = await attempt(runtime, url)
        made = await attempt(replace(runtime, outbound=trusting), url)
    await trusting.close()
    assert (refused.error, refused.succeeded) == ("tls", False)
    assert (made.error, made.succeeded) == (None, True)


def test_what_is_in_a_target_is_not_in_logs() -> None:
    target = Target(uuid4(), "https://example.com/", (SECRET,), {"X-Key": "zanzibar"})
    assert SECRET not in repr(target)
    assert "zanzibar" not in repr(target)
