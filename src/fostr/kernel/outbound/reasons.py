"""Why a request came to nothing, in a word, for logs that the person reads who chose the address.

The errors themselves say less, for they may reach anybody. No word tells what is inside a private network: an address
in one is refused before anything is sent there.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import httpcore2

from fostr.kernel.outbound.errors import AddressRefused, HeaderRefused, OutboundTimeout

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fostr.kernel.http.errors import FostrError

Reason: TypeAlias = Literal[
    "timeout",
    "address_refused",
    "connection_refused",
    "connection_failed",
    "tls",
    "response_invalid",
    "header_refused",
]

# The first that is among the causes says why.
_REASONS: Final[dict[type[BaseException], Reason]] = {
    AddressRefused: "address_refused",
    OutboundTimeout: "timeout",
    HeaderRefused: "header_refused",
    ssl.SSLError: "tls",
    ConnectionRefusedError: "connection_refused",
}


def find_reason(error: FostrError) -> Reason:
    """Return why a request failed, from the error that the client raised."""
    causes = [error, *_causes(error)]
    for kind, reason in _REASONS.items():
        if any(isinstance(cause, kind) for cause in causes):
            return reason
    # A connection that is closed without an answer is such an error too, but has no cause: nothing was said at all.
    was_said = any(isinstance(cause, httpcore2.RemoteProtocolError) and _cause(cause) for cause in causes)
    return "response_invalid" if was_said else "connection_failed"


def _causes(error: BaseException) -> Iterator[BaseException]:
    while (cause := _cause(error)) is not None:
        yield cause
        error = cause


def _cause(error: BaseException) -> BaseException | None:
    # The connection pool raises anew what it passes on, and hides the cause; the context remains.
    return error.__cause__ or error.__context__
