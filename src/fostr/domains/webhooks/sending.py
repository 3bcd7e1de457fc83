"""One attempt to deliver a message: sent by the client for users' addresses, judged by what the receiver answers."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from fostr.domains.webhooks.signing import sign
from fostr.kernel import clock
from fostr.kernel.http.errors import FostrError
from fostr.kernel.outbound.reasons import Reason, find_reason

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from fostr.kernel.outbound.client import Answer
    from fostr.kernel.runtime import Runtime

KEPT_BYTES: Final = 16 * 1024
"""As much of a receiver's answer is read and kept; the rest is not waited for."""
KEPT_HEADERS: Final = 50
KEPT_HEADER_LENGTH: Final = 1000
KEPT_NAME_LENGTH: Final = 100
USER_AGENT: Final = "Fostr-Webhooks/1"
HIDDEN: Final = "…"

_ABORT_HEADER: Final = "webhook-delivery"
_ABORT: Final = "abort-message"
_FORGOTTEN: Final = frozenset({"set-cookie"})

Failure: TypeAlias = Literal["status", "redirect"] | Reason
"""Why an attempt failed: the receiver answered with another status than 2xx, or did not answer properly at all."""

_SENTENCES: Final[dict[Failure, str]] = {
    "status": "The receiver answered with status {status}; only 2xx counts as received.",
    "redirect": "The receiver redirects (status {status}); redirects are not followed.",
    "timeout": "The receiver did not answer in time.",
    "address_refused": "The address does not exist, or leads into a private network.",
    "connection_refused": "Nobody listens at the address.",
    "connection_failed": "The connection could not be made, or was broken off.",
    "tls": "No trusted connection could be made; the certificate may be wrong or expired.",
    "response_invalid": "What the receiver answered is not proper HTTP.",
    "header_refused": "A header of the webhook cannot be sent.",
}


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent.

    Attributes:
        id: the same at each attempt, so that receivers recognise what they have: the id of the event.
        type: of the event.
        timestamp: of this attempt; it is signed, and receivers refuse what is older than five minutes.
        body: JSON.
    """

    id: str
    type: str
    timestamp: datetime
    body: bytes


@dataclass(frozen=True, slots=True)
class Target:
    """Where it is sent.

    Attributes:
        secrets: those that are valid now; each signs.
        headers: those that the webhook's maker added.
    """

    webhook_id: UUID
    url: str
    secrets: tuple[str, ...] = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of it.

    Attributes:
        status_code: of the answer; None where there was none.
        error: why it failed; None when it did not.
        message: the same for people.
        duration_ms: from the first step to the last byte that was read.
        response_headers: of the answer, without cookies; names in lower case.
        response_body: the beginning of the answer, as text.
        succeeded: whether the receiver has the message: it answered with 2xx in time.
        wants_abort: whether the receiver asks not to be sent this message again.
        request_headers: what was sent beside the body; values that the webhook's maker set are hidden.
        started_at: when.
    """

    status_code: int | None
    error: Failure | None
    message: str
    duration_ms: int
    response_headers: dict[str, str]
    response_body: str
    succeeded: bool
    wants_abort: bool
    request_headers: dict[str, str]
    started_at: datetime


@dataclass(slots=True)
class _Heard:
    """What is known of the answer so far."""

    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict[str, str])
    body: bytearray = field(default_factory=bytearray)


async def send(runtime: Runtime, target: Target, message: Message) -> Attempt:
    """Send a message once; whatever the receiver does, the attempt says so and nothing is raised.

    The address is resolved and checked anew each time, and connected to as it was checked. Redirects are not followed.
    Once the receiver has answered with its status, that decides; of the rest it may send what it likes.
    """
    started_at, began = clock.now(), time.monotonic()
    ours = _headers(target, message)
    heard = _Heard()
    try:
        async with runtime.outbound.stream(
            target.url,
            method="POST",
            headers={**target.headers, **ours},
            content=message.body,
            seconds=runtime.settings.webhook_seconds,
            idle_seconds=runtime.settings.webhook_seconds,
        ) as answer:
            await _listen(answer, heard)
    except FostrError as error:
        failure = _judge(heard.status) if heard.status is not None else find_reason(error)
    else:
        failure = _judge(heard.status)
    return Attempt(
        status_code=heard.status,
        error=failure,
        message="Delivered." if failure is None else _SENTENCES[failure].format(status=heard.status),
        duration_ms=round((time.monotonic() - began) * 1000),
        response_headers=heard.headers,
        response_body=_read_text(bytes(heard.body)),
        succeeded=failure is None,
        wants_abort=heard.headers.get(_ABORT_HEADER, "").strip().lower() == _ABORT,
        request_headers={**dict.fromkeys(target.headers, HIDDEN), **ours},
        started_at=started_at,
    )


def _headers(target: Target, message: Message) -> dict[str, str]:
    return {
        "content-type": "application/json",
        "user-agent": USER_AGENT,
        **sign(message.body, message_id=message.id, timestamp=message.timestamp, secrets=target.secrets),
    }


async def _listen(answer: Answer, heard: _Heard) -> None:
    heard.status = answer.status
    kept = [(name, value) for name, value in answer.headers.items() if _is_kept(name)][:KEPT_HEADERS]
    heard.headers = {name: value[:KEPT_HEADER_LENGTH].replace("\x00", "\ufffd") for name, value in kept}
    async for chunk in answer.beginning(KEPT_BYTES):
        heard.body += chunk


def _is_kept(name: str) -> bool:
    return name not in _FORGOTTEN and len(name) <= KEPT_NAME_LENGTH


def _judge(status: int | None) -> Failure | None:
    if status is not None and 200 <= status < 300:
        return None
    return "redirect" if status is not None and 300 <= status < 400 else "status"


def _read_text(body: bytes) -> str:
    # PostgreSQL keeps no NUL in texts. What was cut may end inside a character.
    return body.decode(errors="replace").replace("\x00", "\ufffd")
