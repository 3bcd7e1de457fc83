"""Identifiers: UUID version 7 (RFC 9562), ordered by the moment and the sequence in which they were made."""

import os
import time
from threading import Lock
from uuid import UUID

_COUNTER_BITS = 42
_TAIL_BITS = 32
_COUNTER_LIMIT = 1 << _COUNTER_BITS
# A fresh counter begins in the lower half, so that 2**41 ids fit in a millisecond before it runs over.
_COUNTER_SEED_MASK = (_COUNTER_LIMIT >> 1) - 1
_VERSION = 0x7
_VARIANT = 0b10

_lock = Lock()
_last_millisecond = 0
_counter = 0


def new_id() -> UUID:
    """Return a new UUIDv7, greater than every id that this process made before, from whichever thread.

    Layout: 48 bits of Unix milliseconds, version, 42 bits of counter (around the variant), 32 random bits.
    The counter begins at random with each millisecond and goes up by one within it. When the system clock
    steps back, ids stay on the last millisecond seen, so their order never breaks.
    """
    millisecond, counter = _next_position()
    random_tail = int.from_bytes(os.urandom(4), "big")
    value = millisecond << 80
    value |= _VERSION << 76
    value |= (counter >> 30) << 64
    value |= _VARIANT << 62
    value |= (counter & 0x3FFF_FFFF) << _TAIL_BITS
    value |= random_tail
    return UUID(int=value)


def new_ids(count: int) -> list[UUID]:
    """Return `count` ids like those of `new_id`, in their order, for a third of its time each."""
    tails = memoryview(os.urandom(4 * count)).cast("I")
    ids: list[UUID] = []
    while len(ids) < count:
        millisecond, first, taken = _next_positions(count - len(ids))
        stem = millisecond << 80 | _VERSION << 76 | _VARIANT << 62
        ids += [
            UUID(int=stem | (counter >> 30) << 64 | (counter & 0x3FFF_FFFF) << _TAIL_BITS | tail)
            for counter, tail in zip(range(first, first + taken), tails[len(ids) :], strict=False)
        ]
    return ids


def _next_position() -> tuple[int, int]:
    millisecond, counter, _ = _next_positions(1)
    return millisecond, counter


def _next_positions(count: int) -> tuple[int, int, int]:
    """Take up to `count` positions that follow each other; return the first, and how many there are."""
    global _last_millisecond, _counter  # noqa: PLW0603 -- the sequence belongs to the process
    # Ids follow the real clock, not clock.now(): a test that travels back must not make ids sort wrongly.
    millisecond = time.time_ns() // 1_000_000
    with _lock:
        if millisecond > _last_millisecond:
            _last_millisecond = millisecond
            _counter = int.from_bytes(os.urandom(6), "big") & _COUNTER_SEED_MASK
        else:
            _counter += 1
            if _counter >= _COUNTER_LIMIT:
                _last_millisecond += 1
                _counter = 0
        first = _counter
        taken = min(count, _COUNTER_LIMIT - first)
        _counter += taken - 1
        return _last_millisecond, first, taken


def _start_anew() -> None:
    """Give a forked child its own lock and its own counter: it must not go on with its parent's sequence."""
    global _lock, _last_millisecond, _counter  # noqa: PLW0603 -- see above
    _lock = Lock()
    _last_millisecond = 0
    _counter = 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)
