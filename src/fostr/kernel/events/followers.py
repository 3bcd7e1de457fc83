"""Open streams of a process: a bounded queue of bytes each, so that a reader who stalls holds up nobody."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias
from uuid import UUID

from fostr.kernel import clock
from fostr.kernel.events.consumers import Position
from fostr.kernel.http.errors import TooMany, Unavailable
from fostr.kernel.http.streams import ServerEvent

if TYPE_CHECKING:
    from datetime import datetime

    from fostr.kernel.access.access import Access
    from fostr.kernel.auth.lookup import Held
    from fostr.kernel.events.consumers import Event
    from fostr.kernel.http.context import Context
    from fostr.kernel.http.errors import FostrError

MOST_WAITING: Final = 500
MOST_WAITING_BYTES: Final = 1024 * 1024
"""What waits for a reader before it is dropped: less than it may miss when it comes again (`resuming`). The bytes are
mostly shared with the other streams of its class."""

STALLED_SECONDS: Final = 30.0
"""How long a reader may take nothing of what waits."""

CHUNK_BYTES: Final = 64 * 1024
"""Handed to the socket at once, so that what one stream has of its own stays small."""

LAST_SECONDS: Final = 5.0
"""How long a stream that was ended may take to send its last words; a client that does not read is cut off then."""


RESET: Final = {
    "code": "stream_too_old",
    "detail": "Some of what happened will not be told; fetch what you show again.",
}


class TooManyStreams(TooMany):
    """One person may have so many streams open, and no more."""

    code = "too_many_streams"
    detail = "So many streams of yours are open already; close some of them."


class StreamsUnavailable(Unavailable):
    """The process takes no more streams: it is full, or it shuts down."""

    code = "streams_unavailable"
    detail = "No more streams can be opened here at the moment; try again shortly."


@dataclass(frozen=True, slots=True)
class Told:
    """What a class of followers is told of one event.

    Attributes:
        type: the event's.
        shared: told to all of them; None for nothing.
        own: told to single members, where all are told nothing.
        scope_id: the thing that it lies in, for streams that follow only one.
        is_for_all: whether also those streams are told that asked for something else.
    """

    type: str
    shared: bytes | None = None
    scope_id: UUID | None = None
    own: Mapping[UUID, bytes] = field(default_factory=dict[UUID, bytes])
    is_for_all: bool = False


Compose: TypeAlias = "Callable[[Context, Mapping[UUID, Access], Sequence[Event]], Awaitable[list[Told | None]]]"
"""Given somebody of a class, the members of that class who listen, and events in their order: what each is told."""


@dataclass(frozen=True, slots=True)
class Wants:
    """What a stream asks for; None for everything.

    Attributes:
        types: names of event types.
        scope_id: the thing that events lie in.
    """

    types: frozenset[str] | None = None
    scope_id: UUID | None = None

    def takes(self, told: Told) -> bool:
        """Say whether what is told of an event is wanted."""
        if told.is_for_all:
            return True
        return (self.types is None or told.type in self.types) and self.scope_id in (None, told.scope_id)


class Follower:
    """One open stream: what waits to be sent, and how far in the workspace's log it has come."""

    __slots__ = (
        "_arrived",
        "_cut",
        "_cutting",
        "_ended",
        "_spoke_at",
        "_waiting",
        "_waiting_bytes",
        "access",
        "audience",
        "compose",
        "held",
        "person",
        "position",
        "until",
        "wants",
        "workspace",
    )

    def __init__(
        self, access: Access, *, held: Held, compose: Compose, position: Position, wants: Wants | None = None
    ) -> None:
        """Begin at a place of the log.

        Args:
            access: as the request found it; the hub looks it up anew before anything is sent.
            held: the credential that it hangs by.
            compose: puts events into bytes.
            position: nothing up to here is sent.
            wants: what is sent of that which all of a class are told.
        """
        self.workspace = access.workspace_id
        self.person = access.principal.user_id
        self.access = access
        self.held = held
        self.compose = compose
        self.position = position
        self.wants = wants
        self.audience: object = None
        self.until: datetime | None = None
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._arrived = asyncio.Event()
        self._ended = False
        self._spoke_at = clock.elapsed()
        self._cut: Callable[[], None] | None = None
        self._cutting: asyncio.TimerHandle | None = None

    @property
    def is_ended(self) -> bool:
        """Whether nothing more will be put into the stream."""
        return self._ended

    @property
    def has_room(self) -> bool:
        """Whether so little waits that a whole part of the log can be put in besides."""
        return len(self._waiting) <= MOST_WAITING // 4 and self._waiting_bytes <= MOST_WAITING_BYTES // 4

    def on_cut(self, cut: Callable[[], None]) -> None:
        """Have `cut` called when the stream was ended and its last words were not taken in time."""
        self._cut = cut

    def say(self, packet: bytes) -> None:
        """Put a packet into the stream, or give the stream up when too much waits."""
        if self._ended:
            return
        if len(self._waiting) >= MOST_WAITING or self._waiting_bytes + len(packet) > MOST_WAITING_BYTES:
            self._drop()
            return
        self._waiting.append(packet)
        self._waiting_bytes += len(packet)
        self._arrived.set()

    def tell(self, told: Told, *, at: Position) -> None:
        """Put in what is told of an event, unless the stream is past it."""
        if at <= self.position:
            return
        self.position = at
        if self.wants is not None and not self.wants.takes(told):
            return
        if told.shared is not None:
            self.say(told.shared)
        elif (own := told.own.get(self.access.member_id)) is not None:
            self.say(own)

    def beat(self, seconds: float, *, stalled: float = STALLED_SECONDS) -> None:
        """After `seconds` of silence, keep the connection alive, and let the client know how far it has come.

        Give it up where its client has taken nothing for `stalled` seconds of what waits.
        """
        silence = clock.elapsed(self._spoke_at)
        if self._waiting and silence >= stalled:
            self._drop()
        elif not self._waiting and silence >= seconds:
            # An id without data is no event; by the standard the client takes note of it all the same.
            self.say(b": heartbeat\nid: %s\n\n" % str(self.position.event_id).encode())

    def greet(self, *, retry: float) -> None:
        """Say that the stream is open, and from where on it tells."""
        facts = {"workspace_id": self.workspace, "member_id": self.access.member_id}
        ready = ServerEvent(data=facts, event="ready", id=str(self.position.event_id)).encode()
        self.say(b"retry: %d\n%s" % (round(1000 * retry), ready))

    def reset(self, position: Position) -> None:
        """Go on from another place, and say that what lies between has to be fetched."""
        self.position = position
        self.say(ServerEvent(data=RESET, event="reset", id=str(position.event_id)).encode())

    def refuse(self, error: FostrError | type[FostrError]) -> None:
        """End the stream for a reason, at once: what still waits was meant for somebody who may no longer know it."""
        if self._ended:
            return
        self._forget()
        facts = {"code": error.code, "detail": error.detail}
        self.say(ServerEvent(data=facts, event="closed").encode())
        self.end()

    def end(self) -> None:
        """End the stream once what waits was sent."""
        if self._ended:
            return
        self._ended = True
        self._arrived.set()
        self._cutting = asyncio.get_running_loop().call_later(LAST_SECONDS, self._cut_off)

    def leave(self) -> None:
        """The client is gone, or has got everything."""
        self.end()
        self._forget()
        if self._cutting is not None:
            self._cutting.cancel()
        self._cut = None

    async def take(self) -> bytes | None:
        """Wait for the next bytes; None at the end of the stream."""
        while not self._waiting:
            if self._ended:
                return None
            self._arrived.clear()
            await self._arrived.wait()
        self._spoke_at = clock.elapsed()
        chunk: list[bytes] = []
        size = 0
        while self._waiting and size < CHUNK_BYTES:
            packet = self._waiting.popleft()
            chunk.append(packet)
            size += len(packet)
        self._waiting_bytes -= size
        return b"".join(chunk)

    def _drop(self) -> None:
        # Without a word, which it would not read: what it read last is where it goes on when it comes again.
        self._forget()
        self.end()
        self._cut_off()

    def _forget(self) -> None:
        self._waiting.clear()
        self._waiting_bytes = 0

    def _cut_off(self) -> None:
        if self._cut is not None:
            self._cut()
