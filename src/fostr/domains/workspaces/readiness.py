"""What is set up in a workspace: flags that the domains which know answer for.

A flag that nobody answers for is down: what this version of the program does not have has not been set up.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from fostr.kernel.http.context import Context

BRAND: Final = "brand"
PERSONAL_ONBOARDING: Final = "personal_onboarding"
COMPANY_ONBOARDING: Final = "company_onboarding"

Flag: TypeAlias = Literal["brand", "personal_onboarding", "company_onboarding"]
FlagReader: TypeAlias = "Callable[[Context], Awaitable[bool]]"

_readers: dict[Flag, FlagReader] = {}


def register_flag(flag: Flag, reader: FlagReader) -> Callable[[], None]:
    """Answer for a flag from now on; return a function that ends it, which tests need.

    Raises:
        ValueError: somebody does already.
    """
    if flag in _readers:
        message = f"flag {flag} is registered twice"
        raise ValueError(message)
    _readers[flag] = reader
    return lambda: _forget(flag)


def _forget(flag: Flag) -> None:
    del _readers[flag]


async def read_flag(context: Context, flag: Flag) -> bool:
    """Say whether something is set up."""
    reader = _readers.get(flag)
    return False if reader is None else await reader(context)
