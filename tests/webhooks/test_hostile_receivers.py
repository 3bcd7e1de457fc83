"""Receivers that mean harm, or know no better: an attempt ends in its time, reads little, and says why."""

from __future__ import annotations

import asyncio
import gzip
import random
import time
from dataclasses import replace
from itertools import repeat
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import pytest

from fostr.domains.webhooks.sending import (
    KEPT_BYTES,
    KEPT_HEADER_LENGTH,
    KEPT_HEADERS,
    KEPT_NAME_LENGTH,
    Attempt,
    Message,
    Target,
    send,
)
from fostr.domains.webhooks.signing import mint_secret
from fostr.kernel import clock
from fostr.kernel.runtime import Runtime
from tests.support.receivers import Behaviour, Exchange, answering, receive

if TYPE_CHECKING:
    from collections.abc import Iterable

SECRET: Final = mint_secret()
SECONDS: Final = 0.3
LONG_AGO: Final = 20.0
"""Seconds after which an attempt that should have ended has not; the machine may be busy."""
MUCH: Final = 64 * 1024 * 1024

FRAGMENTS: Final = (
    b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.1 204 Nothing\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n",
    b"HTTP/1.0 200 OK\r\n",
    b"HTTP/2 200\r\n",
    b"HTTP/1.1 999 Odd\r\n",
    b"ICY 200 OK\r\n",
    b"Content-Length: -1\r\n",
    b"Content-Length: 5, 6\r\n",
    b"Content-Length: 99999999999999999999999\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Content-Encoding: gzip\r\n",
    b"Content-Encoding: \xff\r\n",
    b"Retry-After: Mon, 0 Jan 99999999999999999999 00:00:00 GMT\r\n",
    b"X: \x00\xff\r\n",
    b": nameless\r\n",
    b"X: " + b"y" * 90_000 + b"\r\n",
    b"\r\n",
    b"\r\n5\r\nhello\r\n0\r\n\r\n",
    b"\r\nffffffffffffffffffffff\r\n",
    b"\r\n" + gzip.compress(b"hello"),
    b"\r\n\x1f\x8b\x08\x08" + b"a" * 5000,
)


@pytest.fixture
def hurried(runtime: Runtime) -> Runtime:
    """The open parts, of a server that gives receivers little time."""
    return replace(runtime, settings=runtime.settings.model_copy(update={"webhook_seconds": SECONDS}))


async def attempt(runtime: Runtime, url: str) -> Attempt:
    began = time.monotonic()
    message = Message(str(uuid4()), "record.created", clock.now(), b"{}")
    made = await send(runtime, Target(uuid4(), url, (SECRET,)), message)
    assert time.monotonic() - began < LONG_AGO
    return made


def dripping(beginning: bytes, drop: bytes) -> Behaviour:
    """Return the behaviour of a receiver that says something, and then more of it, bit by bit, for ever."""

    async def behave(exchange: Exchange) -> None:
        await exchange.say(beginning)
        while not exchange.writer.is_closing():
            await exchange.say(drop)
            await asyncio.sleep(0.01)

    return behave


def pouring(beginning: bytes, chunks: Iterable[bytes], counted: list[int]) -> Behaviour:
    """Return the behaviour of a receiver that says much, as quickly as it can, and counts how much of it went."""

    async def behave(exchange: Exchange) -> None:
        await exchange.say(beginning)
        for chunk in chunks:
            if exchange.writer.is_closing() or sum(counted) > MUCH:
                return
            await exchange.say(chunk)
            counted.append(len(chunk))

    return behave


@pytest.mark.parametrize(
    ("beginning", "drop"),
    [
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\n", b"X-Drop: 1\r\n"),
        (b"HTTP/1.1 200 OK\r\nX-Name: ", b"x"),
        (b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
    ],
)
async def test_an_answer_that_comes_drop_by_drop_is_not_waited_for(
    hurried: Runtime, beginning: bytes, drop: bytes
) -> None:
    async with receive(dripping(beginning, drop)) as receiver:
        made = await attempt(hurried, receiver.url)
    assert (made.succeeded, made.status_code) == (False, None)
    assert made.error in {"timeout", "response_invalid"}


async def test_a_body_that_comes_drop_by_drop_is_kept_as_far_as_it_came(hurried: Runtime) -> None:
    head = b"HTTP/1.1 202 OK\r\nContent-Length: 100000\r\n\r\n"
    async with receive(dripping(head, b"x")) as receiver:
        made = await attempt(hurried, receiver.url)
    assert (made.succeeded, made.status_code, made.error) == (True, 202, None)
    assert set(made.response_body) == {"x"}


async def test_a_handshake_that_is_never_answered_ends(hurried: Runtime) -> None:
    """The receiver listens, and takes what begins the encryption for a request that is still to come."""
    async with receive() as receiver:
        made = await attempt(hurried, f"https://127.0.0.1:{receiver.port}/")
    assert (made.succeeded, made.status_code, made.error) == (False, None, "timeout")


async def test_what_is_said_before_the_answer_is_passed_over(runtime: Runtime) -> None:
    async def hesitate(exchange: Exchange) -> None:
        await exchange.say(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: </a>\r\n\r\n")
        await exchange.answer(200, content=b"taken")

    async with receive(hesitate) as receiver:
        made = await attempt(runtime, receiver.url)
    assert (made.succeeded, made.status_code, made.response_body) == (True, 200, "taken")


@pytest.mark.parametrize("count", [200, 3000])
async def test_a_flood_of_headers_fills_no_log(hurried: Runtime, count: int) -> None:
    flood = b"".join(b"X-%d: %s\r\n" % (number, b"y" * 300) for number in range(count))
    long = b"N" * (KEPT_NAME_LENGTH + 1) + b": 1\r\nX-Long: " + b"z" * 5000 + b"\r\n"
    async with receive(dripping(b"HTTP/1.1 200 OK\r\n" + long + flood + b"\r\n", b"")) as receiver:
        made = await attempt(hurried, receiver.url)
    assert len(made.response_headers) <= KEPT_HEADERS
    assert all(len(name) <= KEPT_NAME_LENGTH for name in made.response_headers)
    assert all(len(value) <= KEPT_HEADER_LENGTH for value in made.response_headers.values())
    assert (made.succeeded, bool(made.response_headers)) == ((True, True) if count == 200 else (False, False))


@pytest.mark.parametrize(
    ("beginning", "chunk", "kept"),
    [
        (b"\x1f\x8b\x08\x08\x00\x00\x00\x00\x00\x03", b"a" * 65536, 0),
        (b"", gzip.compress(b"") * 1000, 0),
        (b"", gzip.compress(bytes(10_000_000)), KEPT_BYTES),
    ],
    ids=["a name without end", "nothing, over and over", "much in little"],
)
async def test_what_unfolds_into_nothing_or_too_much_is_not_read(
    runtime: Runtime, beginning: bytes, chunk: bytes, kept: int
) -> None:
    counted: list[int] = []
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n" + beginning
    async with receive(pouring(head, repeat(chunk), counted)) as receiver:
        made = await attempt(runtime, receiver.url)
    assert (made.succeeded, len(made.response_body)) == (True, kept)
    assert sum(counted) < MUCH / 4


async def test_a_packed_answer_is_kept_unpacked(runtime: Runtime) -> None:
    packed = gzip.compress(b"taken, " * 5000)
    async with receive(answering(content=packed, headers={"Content-Encoding": "gzip"})) as receiver:
        made = await attempt(runtime, receiver.url)
    assert made.response_body == ("taken, " * 5000)[:KEPT_BYTES]


@pytest.mark.parametrize("encoding", ["br", "gzip"])
async def test_an_answer_that_cannot_be_unpacked_counts_by_its_status(runtime: Runtime, encoding: str) -> None:
    async with receive(answering(content=b"not packed", headers={"Content-Encoding": encoding})) as receiver:
        made = await attempt(runtime, receiver.url)
    assert (made.succeeded, made.response_body) == (True, "")


async def test_a_connection_that_was_closed_in_between_is_made_anew(runtime: Runtime) -> None:
    """It was not said that it would be; there is no failure for the receiver to see."""

    async def hang_up(exchange: Exchange) -> None:
        await exchange.say(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        exchange.writer.close()

    async with receive(hang_up) as receiver:
        made: list[Attempt] = []
        for _ in range(5):
            made.append(await attempt(runtime, receiver.url))
            await asyncio.sleep(0.02)
    assert [one.error for one in made] == [None] * 5


@pytest.mark.parametrize("seed", [1, 2])
async def test_no_answer_whatsoever_raises(hurried: Runtime, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - to be drawn again

    async def babble(exchange: Exchange) -> None:
        said = bytearray(b"".join(chance.choices(FRAGMENTS, k=chance.randint(0, 5))))
        for _ in range(chance.choice((0, 0, 3))):
            if said:
                said[chance.randrange(len(said))] = chance.randrange(256)
        await exchange.say(bytes(said))
        if chance.random() < 0.8:
            exchange.writer.close()

    async with receive(babble) as receiver:
        made = await asyncio.gather(*(attempt(hurried, receiver.url) for _ in range(150)))
    for one in made:
        assert one.succeeded == (one.status_code in range(200, 300))
        assert (one.error is None) == one.succeeded
        assert one.message
