"""Passwords: Argon2id hashes, made and checked off the event loop, by a bounded number of threads."""

import asyncio
import base64
import os
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal, TypeVar

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

Result = TypeVar("Result")

# How much work a hash is: "default" is OWASP's minimum for Argon2id, "light" is for tests.
Cost = Literal["default", "light"]

# Hashing is meant to be slow. Two threads keep a rush of sign-ins from taking every core and 19 MiB each.
_THREADS: Final = 2

# KiB of memory and passes over it.
_WORK: Final[dict[Cost, tuple[int, int]]] = {"default": (19 * 1024, 2), "light": (8, 1)}

_observers: list[Callable[[], None]] = []


def observe_hashing(observer: Callable[[], None]) -> Callable[[], None]:
    """Call `observer` before each password is hashed or checked; return a function that ends it.

    The tests count by it: the same work for every account, and for none.
    """
    _observers.append(observer)
    return lambda: _observers.remove(observer)


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether a password was right, and the hash to store in place of one that was made at another cost."""

    valid: bool
    new_hash: str | None = None


async def hash_password(password: str, *, cost: Cost = "default") -> str:
    """Return the Argon2id hash of a password, with its own salt."""
    return await _off_loop(lambda: _hasher(cost).hash(_to_bytes(password)))


async def verify_password(password: str, *, stored: str | None, cost: Cost = "default") -> bool:
    """Say whether the password is right.

    `stored` is None for an account that is unknown or has no password: the answer is then no, after the same
    work, so that its time does not tell which accounts exist.
    """
    return (await verify_and_update(password, stored=stored, cost=cost)).valid


async def verify_and_update(password: str, *, stored: str | None, cost: Cost = "default") -> Verification:
    """Verify like `verify_password`, and hash a right password anew where the stored cost is another."""
    return await _off_loop(lambda: _verify(password, stored, cost))


def _verify(password: str, stored: str | None, cost: Cost) -> Verification:
    given = _to_bytes(password)
    if stored is None:
        _hasher(cost).verify(given, STAND_INS[cost])
        return Verification(valid=False)
    valid, new_hash = _hasher(cost).verify_and_update(given, stored)
    return Verification(valid=valid, new_hash=new_hash)


async def _off_loop(work: Callable[[], Result]) -> Result:
    for observer in _observers:
        observer()
    return await asyncio.get_running_loop().run_in_executor(_threads(), work)


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="passwords")


@cache
def _hasher(cost: Cost) -> PasswordHash:
    memory, time = _WORK[cost]
    return PasswordHash((Argon2Hasher(memory_cost=memory, time_cost=time, parallelism=1),))


def _make_stand_in(cost: Cost) -> str:
    """Return a hash of nothing: random bits where the salt and the digest stand, and the cost of a real one.

    To check a password against it is the same work as against any other, and none is right. It is written and not
    computed, so that it is there when the process starts: made for the first unknown account, it would make that
    answer twice as slow as the ones after it.
    """
    memory, time = _WORK[cost]
    salt, digest = (base64.b64encode(os.urandom(size)).rstrip(b"=").decode() for size in (16, 32))
    return f"$argon2id$v=19$m={memory},t={time},p=1${salt}${digest}"


def _to_bytes(password: str) -> bytes:
    # The same character may be typed in two ways (one code point or two); both are the same password.
    return unicodedata.normalize("NFKC", password).encode("utf-8", errors="surrogatepass")


STAND_INS: Final[dict[Cost, str]] = {"default": _make_stand_in("default"), "light": _make_stand_in("light")}
"""Hashes of nothing, for accounts that are unknown or have no password."""
