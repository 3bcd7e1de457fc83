"""Fetching: bounded in time and size, faithful in what is sent, and without memory of anybody."""

import asyncio
import gzip
import ssl
import time
import zlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fostr.kernel.outbound import Outbound, Redirects
from fostr.kernel.outbound.addresses import PRIVATE_NETWORKS, AddressPolicy
from fostr.kernel.outbound.client import IDLE_SECONDS
from fostr.kernel.outbound.decoding import find_decoder
from fostr.kernel.outbound.errors import (
    HeaderRefused,
    OutboundFailed,
    OutboundTimeout,
    RedirectRefused,
    ResponseTooLarge,
)
from tests.kernel.outbound.servers import Exchange, listen

POLICY = AddressPolicy(PRIVATE_NETWORKS)


@pytest.fixture
async def outbound() -> AsyncIterator[Outbound]:
    opened = Outbound(POLICY)
    yield opened
    await opened.close()


async def test_request_goes_out_as_it_was_given(outbound: Outbound) -> None:
    async with listen() as server:
        await outbound.fetch(
            f"{server.url}hook?a=1#part",
            method="POST",
            headers={"Content-Type": "application/json", "X-Signature": "v1,abc"},
            content=b'{"a": 1}',
        )
        head = server.requests[0].lower()
        assert head.startswith("post /hook?a=1 http/1.1\r\n")
        for line in (
            f"host: 127.0.0.1:{server.port}",
            "content-type: application/json",
            "x-signature: v1,abc",
            "content-length: 8",
            "user-agent: fostr",
            "accept-encoding: gzip",
        ):
            assert f"\r\n{line}\r\n" in head
        assert server.bodies == [b'{"a": 1}']


async def test_any_status_is_an_answer_with_its_headers(outbound: Outbound) -> None:
    async def refuse(exchange: Exchange) -> None:
        await exchange.answer(503, content=b"later", headers={"Retry-After": "7"})

    async with listen(refuse) as server:
        fetched = await outbound.fetch(server.url)
        assert (fetched.status, fetched.content, fetched.headers["retry-after"]) == (503, b"later", "7")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Host", "inside"),
        ("content-length", "5"),
        ("Transfer-Encoding", "chunked"),
        ("Connection", "upgrade"),
        (" host", "inside"),
        ("X-Note", "a\r\nX-Other: b"),
        ("X-Note", "ä"),
    ],
)
async def test_header_that_could_bend_the_request_is_refused(outbound: Outbound, name: str, value: str) -> None:
    async with listen() as server:
        with pytest.raises(HeaderRefused):
            await outbound.fetch(server.url, headers={name: value})
        assert server.connections == 0


@pytest.mark.parametrize("method", ["G ET", "GET\r\nX: y", ""])
async def test_malformed_method_is_not_sent(outbound: Outbound, method: str) -> None:
    async with listen() as server:
        with pytest.raises(OutboundFailed):
            await outbound.fetch(server.url, method=method, seconds=5)
        assert server.requests == []


async def test_cookies_are_forgotten(outbound: Outbound) -> None:
    async def remember(exchange: Exchange) -> None:
        await exchange.answer(headers={"Set-Cookie": "session=somebody; Path=/"})

    async with listen(remember) as server:
        await outbound.fetch(server.url)
        await outbound.fetch(server.url)
        assert len(server.requests) == 2
        assert all("cookie" not in request.lower() for request in server.requests)


async def test_silent_server_times_out(outbound: Outbound) -> None:
    async def say_nothing(exchange: Exchange) -> None:
        await asyncio.sleep(60)

    async with listen(say_nothing) as server:
        start = time.monotonic()
        with pytest.raises(OutboundTimeout) as refusal:
            await outbound.fetch(server.url, seconds=0.3)
        assert time.monotonic() - start < IDLE_SECONDS, "it was not these seconds that counted"
        assert (refusal.value.status, refusal.value.code) == (504, "outbound_timeout")
        with pytest.raises(OutboundTimeout):
            async with outbound.stream(server.url, seconds=None, idle_seconds=0.3):
                pass


async def test_dripping_server_cannot_go_on_for_ever(outbound: Outbound) -> None:
    async def drip(exchange: Exchange) -> None:
        exchange.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(1000):
            exchange.writer.write(b"x")
            await exchange.writer.drain()
            await asyncio.sleep(0.05)

    async with listen(drip) as server:
        with pytest.raises(OutboundTimeout):
            await outbound.fetch(server.url, seconds=0.5)


async def test_answer_over_its_limit_is_cut(outbound: Outbound) -> None:
    sent = 0

    async def pour(exchange: Exchange) -> None:
        nonlocal sent
        exchange.writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while True:
            exchange.writer.write(b"x" * 65536)
            sent += 65536
            await exchange.writer.drain()

    async with listen(pour) as server:
        with pytest.raises(ResponseTooLarge) as refusal:
            await outbound.fetch(server.url, max_bytes=100_000)
        assert (refusal.value.status, refusal.value.code) == (502, "response_too_large")
        await asyncio.sleep(0.1)
        # What the two ends of a socket buffer, and no more: the connection was closed.
        assert sent < 20 * 1024 * 1024


async def test_answer_that_states_too_large_a_size_is_not_read(outbound: Outbound) -> None:
    async def promise(exchange: Exchange) -> None:
        await exchange.answer(content=b"x" * 10, headers={"Content-Length": "1000000"})

    async with listen(promise) as server:
        with pytest.raises(ResponseTooLarge):
            await outbound.fetch(server.url, max_bytes=999_999)


async def test_limit_is_the_last_size_that_is_taken(outbound: Outbound) -> None:
    async with listen() as server:
        assert (await outbound.fetch(server.url, max_bytes=5)).content == b"hello"
        with pytest.raises(ResponseTooLarge):
            await outbound.fetch(server.url, max_bytes=4)


async def test_packed_answer_is_unpacked(outbound: Outbound) -> None:
    async def pack(exchange: Exchange) -> None:
        await exchange.answer(content=gzip.compress(b"hello"), headers={"Content-Encoding": "gzip"})

    async with listen(pack) as server:
        assert (await outbound.fetch(server.url)).content == b"hello"


async def test_answer_that_unfolds_without_end_is_cut(outbound: Outbound) -> None:
    bomb = gzip.compress(bytes(50 * 1024 * 1024), compresslevel=9)
    assert len(bomb) < 100_000

    async def explode(exchange: Exchange) -> None:
        await exchange.answer(content=bomb, headers={"Content-Encoding": "gzip"})

    async with listen(explode) as server:
        with pytest.raises(ResponseTooLarge):
            await outbound.fetch(server.url, max_bytes=1_000_000)


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "gzip"])
async def test_packing_that_we_cannot_read_fails(outbound: Outbound, encoding: str) -> None:
    async def pack(exchange: Exchange) -> None:
        await exchange.answer(content=b"not packed at all", headers={"Content-Encoding": encoding})

    async with listen(pack) as server:
        with pytest.raises(OutboundFailed):
            await outbound.fetch(server.url)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.binary(max_size=5000), min_size=1, max_size=3), st.integers(1, 300))
def test_unpacking_does_not_depend_on_where_chunks_end(contents: list[bytes], size: int) -> None:
    packed = b"".join(gzip.compress(content) for content in contents)
    decode = find_decoder("gzip")
    pieces = [piece for at in range(0, len(packed), size) for piece in decode(packed[at : at + size])]
    assert b"".join(pieces) == b"".join(contents)
    decode = find_decoder("deflate")
    assert b"".join(decode(zlib.compress(contents[0]))) == contents[0]


async def test_stream_hands_over_what_has_come_while_more_is_coming(outbound: Outbound) -> None:
    go_on = asyncio.Event()

    async def in_two(exchange: Exchange) -> None:
        exchange.writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
        await exchange.writer.drain()
        await go_on.wait()
        exchange.writer.write(b"data: 2\n\n")
        await exchange.writer.drain()

    async with listen(in_two) as server, outbound.stream(server.url, seconds=None) as answer:
        assert (answer.status, answer.headers["content-type"]) == (200, "text/event-stream")
        chunks = answer.chunks()
        assert await anext(chunks) == b"data: 1\n\n"
        go_on.set()
        assert b"".join([chunk async for chunk in chunks]) == b"data: 2\n\n"


async def test_error_of_the_reader_stays_its_own(outbound: Outbound) -> None:
    async with listen() as server:
        with pytest.raises(TimeoutError, match="mine"):
            async with outbound.stream(server.url):
                raise TimeoutError("mine")


@pytest.mark.parametrize(
    ("status", "method", "then"),
    [
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (303, "POST", "GET"),
        (303, "PUT", "GET"),
        (307, "POST", "POST"),
        (308, "PUT", "PUT"),
        (302, "GET", "GET"),
        (303, "HEAD", "HEAD"),
    ],
)
async def test_redirect_on_the_same_host_is_followed_when_asked_for(
    outbound: Outbound, status: int, method: str, then: str
) -> None:
    async def move(exchange: Exchange) -> None:
        if " /old " in exchange.request:
            await exchange.answer(status, headers={"Location": "/new?x=1"})
        else:
            await exchange.answer(headers={"X-Arrived": "yes"})

    async with listen(move) as server:
        content = b"body" if method in {"POST", "PUT"} else None
        fetched = await outbound.fetch(
            f"{server.url}old",
            method=method,
            content=content,
            headers={"X-Kept": "1"},
            redirects=Redirects.SAME_HOST,
        )
        assert (fetched.headers["x-arrived"], fetched.url) == ("yes", f"{server.url}new?x=1")
        assert server.requests[1].startswith(f"{then} /new?x=1 ")
        assert "\r\nx-kept: 1\r\n" in server.requests[1].lower()
        assert server.bodies[1] == (content or b"" if then == method else b"")


@pytest.mark.parametrize(
    "location", ["http://example.org/", "https://[::1]/", "//localhost/", "file:///etc/passwd", "http://["]
)
async def test_redirect_to_anywhere_else_is_refused(outbound: Outbound, location: str) -> None:
    async def move(exchange: Exchange) -> None:
        await exchange.answer(302, headers={"Location": location})

    async with listen(move) as server:
        with pytest.raises(RedirectRefused):
            await outbound.fetch(server.url, redirects=Redirects.SAME_HOST)
        assert server.connections == 1


async def test_redirects_in_a_circle_end(outbound: Outbound) -> None:
    async def circle(exchange: Exchange) -> None:
        await exchange.answer(302, headers={"Location": "/"})

    async with listen(circle) as server:
        with pytest.raises(RedirectRefused):
            await outbound.fetch(server.url, redirects=Redirects.SAME_HOST)
        assert len(server.requests) == 6


def _certify(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return a server's TLS for a certificate that it signed itself, and a client's that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    moment = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment - timedelta(days=1))
        .not_valid_after(moment + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    return server, ssl.create_default_context(cafile=str(pem))


async def test_certificate_is_checked_against_the_name_though_the_address_is_connected_to(
    outbound: Outbound, tmp_path: Path
) -> None:
    async def names(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    serving, trusting = _certify(tmp_path, "name.test")
    async with listen(tls=serving) as server:
        client = Outbound(POLICY, resolver=names, ssl_context=trusting)
        assert (await client.fetch(f"https://name.test:{server.port}/")).content == b"hello"
        for url in (f"https://other.test:{server.port}/", f"https://127.0.0.1:{server.port}/"):
            with pytest.raises(OutboundFailed):
                await client.fetch(url)
        with pytest.raises(OutboundFailed):
            await Outbound(POLICY, resolver=names).fetch(f"https://name.test:{server.port}/")
        assert len(server.requests) == 1
        await client.close()
