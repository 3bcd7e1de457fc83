"""What a webhook may be like, and what it listens to."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal, TypeAlias
from urllib.parse import urlsplit

from fostr.domains.webhooks.deliveries.events import DELIVERY_EXHAUSTED
from fostr.domains.webhooks.errors import EventTypesUnknown, HttpsRequired, WebhookHeadersInvalid, WebhookTestThrottled
from fostr.kernel.events.catalogue import group_of, list_event_types
from fostr.kernel.events.visibility import category_of
from fostr.kernel.limits.limit import Limit

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from fostr.settings import Settings

DisabledReason: TypeAlias = Literal["failing", "gone", "owner_left", "owner_may_not", "handed_over", "secret_lost"]
"""Why the system switched a webhook off: its receiver failed for days; it said that it is gone (410); its owner left,
or may not manage webhooks any more; it was handed over; its secret cannot be read any more."""

MOST_WEBHOOKS: Final = 100
MOST_HEADERS: Final = 20
LONGEST_HEADER: Final = 2000
DEFAULT_OVERLAP: Final = 86400
"""Seconds that a former secret goes on signing: a day, in which receivers can change over."""
TESTS: Final = Limit(WebhookTestThrottled, per="webhook", most=10, window=timedelta(minutes=1))

_SHOWN: Final = 4
_NOT_SENT: Final = frozenset({DELIVERY_EXHAUSTED})
"""What would follow from being sent: a receiver that takes nothing would be told of that, and so on."""
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_HEADER_VALUE: Final = re.compile(r"[\x20-\x7e]*")
_NOT_THEIRS: Final = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
    }
)
_NOT_THEIR_BEGINNINGS: Final = ("proxy-", "webhook-")


def list_sent_types() -> list[str]:
    """Return the types of events that webhooks are told of: all but those that are told to single members."""
    told = [one.name for one in list_event_types() if category_of(one.entity) is not None]
    return [name for name in told if name not in _NOT_SENT]


def check_event_types(names: Iterable[str]) -> None:
    """Refuse names that are neither of types that webhooks are told of, nor of groups of them.

    Raises:
        EventTypesUnknown: with the names.
    """
    known = list_sent_types()
    groups = {group_of(name) for name in known}
    unknown = sorted({name for name in names if name not in groups and name not in known})
    if unknown:
        raise EventTypesUnknown(event_types=unknown)


def listens_to(event_types: Collection[str], name: str) -> bool:
    """Say whether a webhook that asked for some types and groups, or for none, is told of a type."""
    return not event_types or name in event_types or group_of(name) in event_types


def check_scheme(url: str, settings: Settings) -> None:
    """Refuse addresses to which everybody on the way could read along.

    Where the operator lets addresses lead into private networks, receivers in them may go without encryption: they
    seldom have a certificate.

    Raises:
        HttpsRequired: it is such an address.
    """
    if not url.startswith("https:") and not settings.allow_private_addresses:
        raise HttpsRequired


def mask_url(url: str) -> str:
    """Return an address as events tell of it: what follows the host often is a secret, and only its end is shown."""
    parts = urlsplit(url)
    if parts.path in ("", "/") and not parts.query:
        return url
    return f"{parts.scheme}://{parts.netloc}/…{url[-_SHOWN:]}"


def check_headers(headers: Mapping[str, str]) -> None:
    """Refuse headers that are not the maker's to set, are named twice, or cannot stand in a request.

    Raises:
        WebhookHeadersInvalid: with their names.
    """
    names = [name.lower() for name in headers]
    wrong = [name for name, value in headers.items() if not _can_be_sent(name, value)]
    wrong += [name for name in headers if names.count(name.lower()) > 1]
    if wrong:
        raise WebhookHeadersInvalid(headers=sorted(set(wrong)))


def _can_be_sent(name: str, value: str) -> bool:
    lower = name.lower()
    if lower in _NOT_THEIRS or lower.startswith(_NOT_THEIR_BEGINNINGS):
        return False
    can_stand = _HEADER_NAME.fullmatch(name) is not None and _HEADER_VALUE.fullmatch(value) is not None
    return can_stand and len(value) <= LONGEST_HEADER
