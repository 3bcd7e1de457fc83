"""A body that is too large is refused so that its sender gets to read the refusal."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Final

import pytest

from fostr.settings import Settings

if TYPE_CHECKING:
    from tests.support.live import LiveServer

MEGABYTE: Final = 1024 * 1024
PATIENCE: Final = 60
MOST: Final[int] = Settings.model_fields["max_json_bytes"].default


def connect(live: LiveServer) -> socket.socket:
    host, _, port = live.address.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=PATIENCE)


def read_refusal(client: socket.socket) -> tuple[int, str]:
    """Read an answer to the end of the connection, and return its status and code."""
    answer = b""
    while piece := client.recv(65536):
        answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"connection: close" in head.lower()
    return int(head.split()[1]), json.loads(body)["code"]


def begin(*headers: str) -> bytes:
    lines = ("POST /api/v1/auth/login HTTP/1.1", "Host: fostr.test", "Content-Type: application/json", *headers)
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def pieces(count: int, *, chunked: bool) -> list[bytes]:
    piece = b" " * MEGABYTE
    return [b"%x\r\n%s\r\n" % (MEGABYTE, piece) if chunked else piece] * count


@pytest.mark.parametrize("chunked", [False, True])
def test_who_sends_everything_first_reads_the_refusal_all_the_same(live: LiveServer, *, chunked: bool) -> None:
    count = MOST // MEGABYTE + 16
    header = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {count * MEGABYTE}"
    with connect(live) as client:
        client.sendall(begin(header))
        for piece in pieces(count, chunked=chunked):
            client.sendall(piece)
        if chunked:
            client.sendall(b"0\r\n\r\n")
        assert read_refusal(client) == (413, "body_too_large")


def test_who_asks_before_sending_is_told_at_once(live: LiveServer) -> None:
    with connect(live) as client:
        client.sendall(begin(f"Content-Length: {10**12}", "Expect: 100-continue"))
        assert read_refusal(client) == (413, "body_too_large")


def test_who_hangs_up_is_not_waited_for(live: LiveServer) -> None:
    for _ in range(20):
        with connect(live) as client:
            client.sendall(begin(f"Content-Length: {10**12}"))
            client.sendall(b" " * 1000)
    with connect(live) as client:
        client.sendall(begin(f"Content-Length: {10**12}", "Expect: 100-continue"))
        assert read_refusal(client) == (413, "body_too_large")
