"""Passwords: the rules that a new one meets, and Argon2id hashes made and checked off the event loop."""

import asyncio
import re
import string
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Final, Literal, TypeVar

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from fostr.kernel.http.errors import Unprocessable

Result = TypeVar("Result")

# How much work a hash is: "default" is OWASP's minimum for Argon2id, "light" is for tests.
Cost = Literal["default", "light"]

MINIMUM_LENGTH: Final = 8
MAXIMUM_LENGTH: Final = 128

# Hashing is meant to be slow. Two threads keep a rush of sign-ins from taking every core and 19 MiB each.
_THREADS: Final = 2


# Shorter names stand in too many good passwords by chance.
_SHORTEST_TELLING_NAME: Final = 4
_DISGUISES: Final = str.maketrans("01345678@$!|+", "oleasgtbasiit")
# Chosen for what people make of them under rules like ours: a word of this list, a capital, "1!" at the end.
_WELL_KNOWN_WORDS: Final = frozenset(
    """
    abc abcd abcde abcdef abcdefg abcdefgh admin administrator asdf asdfgh asdfghjkl baseball batman
    changeit changeme charlie computer default dragon football fostr fostradmin freedom guest hello
    helloworld iloveyou insecure jordan letmein login london love lovely loveyou master michael monday
    monkey ninja nothing pass passcode passme passphrase passw password passwords passwort pokemon
    princess qazwsx qazwsxedc qwer qwerty qwertyu qwertyui qwertyuiop qwertz root samsung secret shadow
    soccer spring starwars summer autumn winter sunday sunshine superman superuser temp temporary test
    tester testing testtest trustno user username welcome whatever zaq zaqwsx zxcvbn zxcvbnm
    """.split()  # noqa: SIM905 - as a list, a word a line, it would fill two pages
)


class Rule(StrEnum):
    """What a password may fail, in the words that the answer names it by."""

    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    NO_UPPERCASE = "no_uppercase"
    NO_LOWERCASE = "no_lowercase"
    NO_DIGIT = "no_digit"
    NO_SPECIAL = "no_special"
    TOO_COMMON = "too_common"
    CONTAINS_EMAIL = "contains_email"


class PasswordTooWeak(Unprocessable):
    """A new password breaks one or more of the rules, which the field `unmet` lists."""

    code = "password_too_weak"
    detail = (
        f"The password needs {MINIMUM_LENGTH} to {MAXIMUM_LENGTH} characters, among them an upper-case "
        "letter, a lower-case letter, a digit and a special character. It must be neither a well-known word "
        "nor contain the e-mail address."
    )


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether a password was right, and the hash to store in place of one that was made at another cost."""

    valid: bool
    new_hash: str | None = None


def check_password(password: str, *, email: str | None = None) -> None:
    """Raise PasswordTooWeak with every unmet rule, unless the password may be set."""
    unmet = _list_unmet(password, email=email)
    if unmet:
        raise PasswordTooWeak(unmet=[rule.value for rule in unmet])


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
        _hasher(cost).verify(given, _dummy_hash(cost))
        return Verification(valid=False)
    valid, new_hash = _hasher(cost).verify_and_update(given, stored)
    return Verification(valid=valid, new_hash=new_hash)


async def _off_loop(work: Callable[[], Result]) -> Result:
    return await asyncio.get_running_loop().run_in_executor(_threads(), work)


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="passwords")


@cache
def _hasher(cost: Cost) -> PasswordHash:
    if cost == "light":
        return PasswordHash((Argon2Hasher(memory_cost=8, time_cost=1, parallelism=1),))
    return PasswordHash((Argon2Hasher(memory_cost=19 * 1024, time_cost=2, parallelism=1),))


@cache
def _dummy_hash(cost: Cost) -> str:
    return _hasher(cost).hash("no account has this password")


def _to_bytes(password: str) -> bytes:
    # The same character may be typed in two ways (one code point or two); both are the same password.
    return unicodedata.normalize("NFKC", password).encode("utf-8", errors="surrogatepass")


def _list_unmet(password: str, *, email: str | None) -> list[Rule]:
    broken = {
        Rule.TOO_SHORT: len(password) < MINIMUM_LENGTH,
        Rule.TOO_LONG: len(password) > MAXIMUM_LENGTH,
        Rule.NO_UPPERCASE: not any(character.isupper() for character in password),
        Rule.NO_LOWERCASE: not any(character.islower() for character in password),
        Rule.NO_DIGIT: not any(character.isdecimal() for character in password),
        Rule.NO_SPECIAL: not any(_is_special(character) for character in password),
        Rule.TOO_COMMON: _is_well_known(password),
        Rule.CONTAINS_EMAIL: _contains_email(password, email),
    }
    return [rule for rule, is_broken in broken.items() if is_broken]


def _is_special(character: str) -> bool:
    return unicodedata.category(character)[0] in "PS"


def _contains_email(password: str, email: str | None) -> bool:
    local_part = (email or "").partition("@")[0].casefold()
    return len(local_part) >= _SHORTEST_TELLING_NAME and local_part in password.casefold()


def _is_well_known(password: str) -> bool:
    """Recognise `P@ssw0rd1!` and its like: a famous word in disguise, with digits and signs around it."""
    core = password.casefold().strip(string.digits + string.punctuation + string.whitespace)
    letters = re.sub(r"[^a-z]", "", core.translate(_DISGUISES))
    return letters in _WELL_KNOWN_WORDS
