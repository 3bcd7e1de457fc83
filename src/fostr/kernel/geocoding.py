"""The port behind which every geocoder stands: an address in, a place out, and how sure the geocoder is of it."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from fostr.kernel.http.errors import Unavailable

Precision: TypeAlias = Literal["address", "street", "postal_code", "city", "region", "country"]
"""What the place is the middle of; for an address, the building or its entrance."""


class GeocoderNotConfigured(Unavailable):
    """The geocoder that was asked for has no key or no address here."""

    code = "geocoder_not_configured"
    detail = "This geocoder is not configured on this server."


class GeocoderFailed(Exception):
    """A geocoder could not be asked: it is down, slow, over its quota, or refuses the key.

    That the address is unknown to it is no failure.
    """

    def __init__(self, reason: str, *, is_lasting: bool) -> None:
        """Say why, in words for people, and whether asking again soon is of no use."""
        super().__init__(reason)
        self.is_lasting = is_lasting


@dataclass(frozen=True, slots=True)
class Address:
    """An address in parts, as far as they are known; `street` holds the house number too, `whole` all of it."""

    whole: str
    street: str = ""
    city: str = ""
    state: str = ""
    postal_code: str = ""
    country: str = ""

    @property
    def spelling(self) -> str:
        """The address in one spelling, by which two that differ in case, spaces and marks are the same."""
        parts = (self.whole, self.street, self.city, self.state, self.postal_code, self.country)
        return "|".join(" ".join(fold(part).split()) for part in parts)


@dataclass(frozen=True, slots=True)
class Place:
    """Where an address lies.

    Attributes:
        lat: degrees north (WGS 84).
        lng: degrees east.
        precision: what it is the middle of.
        confidence: from 0 to 1; how likely the address lies there, as exactly as `precision` says.
        found: the address as the geocoder writes it.
    """

    lat: float
    lng: float
    precision: Precision
    confidence: float
    found: str


class Geocoder(Protocol):
    """Finds places of addresses.

    Attributes:
        name: how settings and answers call it.
        pause: seconds between two questions that its operator asks for.
    """

    name: str
    pause: float

    async def find(self, address: Address) -> Place | None:
        """Return where an address lies; None when it is not known.

        Raises:
            GeocoderFailed: it could not be asked.
        """
        ...


def fold(text: str) -> str:
    """Return a text without case and without marks on its letters."""
    plain = unicodedata.normalize("NFKD", text)
    return "".join(character for character in plain if not unicodedata.combining(character)).casefold()
