"""Nominatim, the geocoder of OpenStreetMap, by geopy."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from fostr.kernel.geocoding import GeocoderFailed, Place, Precision

if TYPE_CHECKING:
    from fostr.kernel.geocoding import Address

SECONDS: Final = 10.0
PUBLIC: Final = "nominatim.openstreetmap.org"
_PRECISIONS: Final[tuple[tuple[int, Precision, float], ...]] = (
    (30, "address", 0.9),
    (26, "street", 0.7),
    (21, "postal_code", 0.6),
    (13, "city", 0.6),
    (5, "region", 0.4),
)
"""The least `place_rank` of each precision (ranks as Nominatim's manual lists them: 30 is a building, 26 a street)."""
_WORD_FOR_POSTCODE: Final = "postcode"


class Nominatim:
    """Asks a Nominatim server; the public one allows one question a second, and wants to know who asks."""

    name = "nominatim"

    def __init__(self, *, url: str, contact: str) -> None:
        """Take the server's address, and how its operator can reach ours."""
        self._url = urlsplit(url)
        self._contact = contact
        self.pause = 1.0 if self._url.hostname == PUBLIC else 0.0

    async def find(self, address: Address) -> Place | None:
        """Return where an address lies; see `Geocoder`."""
        return await asyncio.to_thread(self._find, address)

    def _find(self, address: Address) -> Place | None:
        from geopy import exc, geocoders

        domain = f"{self._url.netloc}{self._url.path.rstrip('/')}"
        make: Any = geocoders.Nominatim
        client = make(domain=domain, scheme=self._url.scheme, timeout=SECONDS, user_agent=f"fostr ({self._contact})")
        try:
            found: Any = client.geocode(address.whole)
        except (exc.GeocoderAuthenticationFailure, exc.GeocoderInsufficientPrivileges, exc.ConfigurationError):
            raise GeocoderFailed("Nominatim refuses to be asked by this server.", is_lasting=True) from None
        except exc.GeopyError:
            raise GeocoderFailed("Nominatim could not be asked.", is_lasting=False) from None
        return None if found is None else _read(found.raw)


def _read(raw: dict[str, Any]) -> Place:
    precision, confidence = _exactness(raw)
    return Place(
        lat=float(raw["lat"]),
        lng=float(raw["lon"]),
        precision=precision,
        confidence=confidence,
        found=raw.get("display_name", ""),
    )


def _exactness(raw: dict[str, Any]) -> tuple[Precision, float]:
    if raw.get("type") == _WORD_FOR_POSTCODE:
        return "postal_code", 0.6
    rank = int(raw.get("place_rank", 0))
    for least, precision, confidence in _PRECISIONS:
        if rank >= least:
            return precision, confidence
    return "country", 0.3
