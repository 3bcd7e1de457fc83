"""Google Maps Geocoding API, by geopy."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from fostr.kernel.geocoding import GeocoderFailed, Place, Precision

if TYPE_CHECKING:
    from fostr.kernel.geocoding import Address

SECONDS: Final = 10.0
_PRECISIONS: Final[dict[str, tuple[Precision, float]]] = {
    "ROOFTOP": ("address", 0.97),
    "RANGE_INTERPOLATED": ("address", 0.85),
    "GEOMETRIC_CENTER": ("street", 0.7),
}
"""What its `location_type` stands for; APPROXIMATE is looked up by the kind of result."""
_APPROXIMATE: Final[tuple[tuple[str, Precision, float], ...]] = (
    ("postal_code", "postal_code", 0.65),
    ("locality", "city", 0.6),
    ("postal_town", "city", 0.6),
    ("sublocality", "city", 0.6),
    ("administrative_area_level_1", "region", 0.4),
    ("country", "country", 0.3),
)
_VAGUE: Final[tuple[Precision, float]] = ("region", 0.4)
_PARTIAL: Final = 0.6
"""What is left of the confidence when only a part of the address was understood."""


class GoogleMaps:
    """Asks Google; each question is billed to the key."""

    name = "google"
    pause = 0.0

    def __init__(self, *, key: str, url: str) -> None:
        """Take the key, and the address of the API."""
        self._key = key
        self._url = urlsplit(url)

    async def find(self, address: Address) -> Place | None:
        """Return where an address lies; see `Geocoder`."""
        return await asyncio.to_thread(self._find, address)

    def _find(self, address: Address) -> Place | None:
        from geopy import exc, geocoders

        make: Any = geocoders.GoogleV3
        client = make(
            api_key=self._key, domain=self._url.netloc, scheme=self._url.scheme, timeout=SECONDS, user_agent="fostr"
        )
        try:
            found: Any = client.geocode(address.whole)
        except (exc.GeocoderAuthenticationFailure, exc.GeocoderInsufficientPrivileges, exc.ConfigurationError):
            raise GeocoderFailed("Google refuses the key.", is_lasting=True) from None
        except exc.GeocoderQuotaExceeded:
            raise GeocoderFailed("The quota of the Google key is used up.", is_lasting=True) from None
        except exc.GeopyError:
            raise GeocoderFailed("Google could not be asked.", is_lasting=False) from None
        return None if found is None else _read(found.raw)


def _read(raw: dict[str, Any]) -> Place:
    geometry = raw["geometry"]
    precision, confidence = _exactness(geometry.get("location_type", ""), set(raw.get("types", ())))
    return Place(
        lat=float(geometry["location"]["lat"]),
        lng=float(geometry["location"]["lng"]),
        precision=precision,
        confidence=confidence * _PARTIAL if raw.get("partial_match") else confidence,
        found=raw.get("formatted_address", ""),
    )


def _exactness(location_type: str, kinds: set[str]) -> tuple[Precision, float]:
    if location_type != "APPROXIMATE":
        return _PRECISIONS.get(location_type, _VAGUE)
    for kind, precision, confidence in _APPROXIMATE:
        if kind in kinds:
            return precision, confidence
    return _VAGUE
