"""Addresses as records hold them, and the fields that take the places of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fostr.domains.records.fields.shaping import FieldReadOnly
from fostr.domains.records.geocoding.schemas import AddressFields
from fostr.domains.records.recordsets.definition import FieldUnknown, SettingsInvalid
from fostr.kernel.geocoding import Address
from fostr.kernel.http.errors import Unprocessable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fostr.domains.records.geocoding.schemas import GeocodeCreate
    from fostr.domains.records.recordsets.reach import Reached


class PlaceFieldsUnknown(Unprocessable):
    """Nothing says which fields take the places."""

    code = "place_fields_unknown"
    detail = "Say which fields take the places: `lat_field` and `lng_field`, or `location_field`."


@dataclass(frozen=True, slots=True)
class Plan:
    """Which fields are read and which are written.

    Attributes:
        parts: the fields of an address, by its parts; `whole` where they are only put together.
        joined: fields that are put together, in their order.
        lat: the field of latitudes, or None with a `location`.
        lng: the field of longitudes.
        location: the field of whole places.
    """

    parts: Mapping[str, str]
    joined: tuple[str, ...]
    lat: str | None
    lng: str | None
    location: str | None

    @property
    def place_keys(self) -> tuple[str, ...]:
        """The fields that are written: one of whole places, or those of latitudes and longitudes."""
        return tuple(key for key in (self.location, self.lat, self.lng) if key is not None)

    def address(self, values: Mapping[str, Any]) -> Address | None:
        """Return the address in a record's values; None where there is none."""
        texts = [" ".join(str(values[key]).split()) for key in self.joined if values.get(key) not in (None, "")]
        if not texts:
            return None
        parts = {part: str(values.get(key) or "").strip() for part, key in self.parts.items()}
        return Address(whole=", ".join(texts), **parts)

    def is_placed(self, values: Mapping[str, Any]) -> bool:
        """Say whether a record's values hold a place."""
        return all(values.get(key) is not None for key in self.place_keys)


def place_values(keys: Sequence[str], *, lat: float, lng: float) -> dict[str, Any]:
    """Return the values that put a record somewhere, by the keys of `Plan.place_keys`."""
    if len(keys) == 1:
        return {keys[0]: {"lat": lat, "lng": lng}}
    return {keys[0]: lat, keys[1]: lng}


def plan_fields(reached: Reached, data: GeocodeCreate) -> Plan:
    """Return the fields that a search for places reads and writes.

    Raises:
        FieldUnknown: one is not there, or the caller may not know of it.
        PlaceFieldsUnknown: neither the request nor the map's settings name those that take the places.
        SettingsInvalid: one of those cannot hold it.
        FieldReadOnly: the caller may not change one of those.
    """
    given = data.address_fields
    parts = given.model_dump(exclude_none=True) if isinstance(given, AddressFields) else {}
    joined = tuple(parts.values()) if isinstance(given, AddressFields) else tuple(given)
    lat, lng, location = _places(reached, data)
    for key in (*joined, *(each for each in (lat, lng, location) if each)):
        if key not in reached.recordset.by_key or key in reached.mask.hidden:
            raise FieldUnknown(field=key)
    for key, wanted in ((lat, "number"), (lng, "number"), (location, "location")):
        if key is None:
            continue
        if reached.recordset.by_key[key].type != wanted:
            raise SettingsInvalid(f"Field {key!r} cannot hold a place.", field=key)
        if key in reached.mask.read_only:
            raise FieldReadOnly(field=key)
    return Plan(parts=parts, joined=joined, lat=lat, lng=lng, location=location)


def _places(reached: Reached, data: GeocodeCreate) -> tuple[str | None, str | None, str | None]:
    if data.location_field is not None or data.lat_field is not None:
        return data.lat_field, data.lng_field, data.location_field
    places: dict[str, str] = reached.recordset.settings.get("map") or {}
    if places.get("location_field"):
        return None, None, places["location_field"]
    if places.get("lat_field") and places.get("lng_field"):
        return places["lat_field"], places["lng_field"], None
    raise PlaceFieldsUnknown
