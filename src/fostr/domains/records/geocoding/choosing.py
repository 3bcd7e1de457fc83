"""Which geocoders there are here, in the order in which they are asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fostr.integrations.google_maps import GoogleMaps
from fostr.integrations.nominatim import Nominatim
from fostr.integrations.places import Places
from fostr.kernel.geocoding import GeocoderNotConfigured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fostr.kernel.geocoding import Geocoder
    from fostr.settings import Settings


def list_geocoders(settings: Settings) -> dict[str, Geocoder]:
    """Return the geocoders that are configured, by their names, the most exact first; the offline one always is."""
    found: list[Geocoder] = []
    if settings.google_maps_key is not None:
        found.append(GoogleMaps(key=settings.google_maps_key.get_secret_value(), url=settings.google_maps_url))
    if settings.nominatim_url is not None:
        found.append(Nominatim(url=settings.nominatim_url, contact=settings.public_url))
    return {geocoder.name: geocoder for geocoder in (*found, Places())}


def choose_geocoders(settings: Settings, names: Sequence[str] | None) -> list[Geocoder]:
    """Return the geocoders of these names in their order; all that are configured when none is named.

    Raises:
        GeocoderNotConfigured: one of them is not configured.
    """
    known = list_geocoders(settings)
    missing = [name for name in names or () if name not in known]
    if missing:
        raise GeocoderNotConfigured(geocoder=missing[0])
    return list(known.values()) if names is None else [known[name] for name in dict.fromkeys(names)]
