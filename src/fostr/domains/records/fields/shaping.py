"""Turn the values that came in into what is stored: checked values, title, search text, geometry, promoted columns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, cast

import orjson

from fostr.domains.records.fields.geometry import bounds_of, point
from fostr.domains.records.fields.types import ValueRefused
from fostr.domains.records.fields.words import plain_words
from fostr.kernel.http.errors import Forbidden, Unprocessable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fostr.domains.records.fields.model import Field, Recordset
    from fostr.domains.records.fields.types import Check, Options
    from fostr.kernel.access.evaluator import FieldMask

LONGEST_TITLE: Final = 300
LONGEST_SEARCH: Final = 200_000
"""Characters by which a record can be found; one document of PostgreSQL takes at most 1 MB of words and places."""
LONGEST_PROMOTED_TEXT: Final = 400
"""Characters of a text in its promoted column: an index entry has room for about 2,700 bytes. Filters on longer texts
compare the value itself as well."""


class FieldValuesInvalid(Unprocessable):
    """Some values do not fit their fields."""

    code = "field_values_invalid"
    detail = "Some values do not fit their fields."


class FieldReadOnly(Forbidden):
    """The caller may see a field and not change it."""

    code = "field_read_only"
    detail = "You may not change this field."


@dataclass(frozen=True, slots=True)
class Shaped:
    """A record's content in the form in which it is stored."""

    values: dict[str, Any]
    title: str
    search: str
    geometry: dict[str, Any] | None
    geometry_type: str | None
    bbox: str | None
    promoted: dict[str, Any]


def check_values(recordset: Recordset, given: Mapping[str, Any], *, mask: FieldMask) -> dict[str, Any]:
    """Return the given values in the form that is kept; an empty value becomes None.

    Raises:
        FieldValuesInvalid: a field does not exist, may not be known to the caller, or does not take its value.
        FieldReadOnly: the caller may not change one of the fields, or nobody may: its values are computed.
    """
    faults: list[dict[str, str]] = []
    checked: dict[str, Any] = {}
    for key, value in given.items():
        field = recordset.by_key.get(key)
        if field is None or key in mask.hidden:
            faults.append({"field": key, "reason": _unknown(recordset, key, mask)})
        elif not field.field_type.is_written:
            raise FieldReadOnly(f"Values of type {field.type} are computed; nobody writes them.", field=key)
        elif key in mask.read_only:
            raise FieldReadOnly(field=key)
        else:
            _check_one(field, value, checked, faults)
    if faults:
        raise FieldValuesInvalid(errors=faults)
    return checked


def _unknown(recordset: Recordset, key: str, mask: FieldMask) -> str:
    """Say that there is no such field, and which one was probably meant: people write the name that they see."""
    named = [
        one.key for one in recordset.fields if one.name.casefold() == key.casefold() and one.key not in mask.hidden
    ]
    return f"there is no such field; {key} is the name of {named[0]}" if named else "there is no such field"


def _check_one(field: Field, value: Any, checked: dict[str, Any], faults: list[dict[str, str]]) -> None:
    try:
        checked[field.key] = check_value(field, value)
    except ValueRefused as refusal:
        faults.append({"field": field.key, "reason": str(refusal)})


def check_value(field: Field, value: Any) -> Any:
    """Return one value in the form that is kept; an empty value becomes None.

    Raises:
        ValueRefused: the field does not take it.
    """
    return check_typed(field.field_type.check, value, field.options)


def check_typed(check: Check, value: Any, options: Options) -> Any:
    """Return a value in the form in which fields of a type with some options keep it; see `check_value`."""
    if value is None or value == [] or (isinstance(value, str) and not value.strip()):
        return None
    checked: Any = check(value, options)
    if isinstance(checked, str):
        check_text(checked)
    elif isinstance(checked, list | dict):
        check_document(cast(Any, checked))
    return None if checked == [] else cast(Any, checked)


def check_text(text: str) -> None:
    """Refuse a text that PostgreSQL cannot keep.

    Raises:
        ValueRefused: it holds a NUL character, or half of a pair of surrogates.
    """
    if "\x00" in text:
        raise ValueRefused("holds a NUL character")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueRefused("holds half of a pair of surrogates") from None


def check_document(value: Any) -> None:
    """Refuse a JSON value that PostgreSQL cannot keep.

    Raises:
        ValueRefused: a text in it cannot be kept, or an integer has more than 64 bits.
    """
    try:
        written = orjson.dumps(value)
    except orjson.JSONEncodeError:
        raise ValueRefused("holds a character or a number that cannot be stored") from None
    if b"\\u0000" in written:
        _check_texts(value)


def _check_texts(value: Any) -> None:
    match value:
        case str():
            check_text(value)
        case list():
            for item in cast("list[Any]", value):
                _check_texts(item)
        case dict():
            for key, item in cast("dict[str, Any]", value).items():
                check_text(key)
                _check_texts(item)
        case _:
            pass


def fill_defaults(recordset: Recordset, rows: Sequence[dict[str, Any]]) -> None:
    """Give new records the default values of the fields that are not among theirs; one that is sent empty stays so."""
    defaults = {field.key: field.options["default"] for field in recordset.fields if "default" in field.options}
    for values in rows if defaults else ():
        for key, default in defaults.items():
            values.setdefault(key, default)


def check_required(recordset: Recordset, values: Mapping[str, Any]) -> None:
    """Refuse a record that lacks a required value.

    Raises:
        FieldValuesInvalid: naming the fields.
    """
    missing = [f.key for f in recordset.fields if f.is_required and values.get(f.key) is None]
    if missing:
        raise FieldValuesInvalid(errors=[{"field": key, "reason": "is required"} for key in missing])


def shape(recordset: Recordset, values: Mapping[str, Any]) -> Shaped:
    """Derive everything that is stored from checked values; fields without a value are left out."""
    kept = {key: value for key, value in values.items() if value is not None}
    geometry = find_geometry(recordset, kept)
    return Shaped(
        values=kept,
        title=title_of(recordset, kept),
        search=search_text(recordset, kept),
        geometry=geometry,
        geometry_type=geometry["type"] if geometry else None,
        bbox=bounds_of(geometry).as_box() if geometry else None,
        promoted=promote(recordset, kept),
    )


def title_of(recordset: Recordset, values: Mapping[str, Any]) -> str:
    """Return what a record is called."""
    field = recordset.title_field
    value = values.get(field.key) if field else None
    return "" if value is None else str(value)[:LONGEST_TITLE]


def search_text(recordset: Recordset, values: Mapping[str, Any]) -> str:
    """Return the words by which a record is found, as `split_words` takes them apart."""
    texts: list[str] = []
    for key in recordset.searchable:
        value = values.get(key)
        if value is not None:
            texts += [str(v) for v in cast("list[Any]", value)] if isinstance(value, list) else [str(value)]
    return plain_words(" ".join(texts)[:LONGEST_SEARCH])


def find_geometry(recordset: Recordset, values: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return where a record lies, by the fields that the recordset's map settings name."""
    places: dict[str, str] = recordset.settings.get("map") or {}
    if value := values.get(places.get("geometry_field", "")):
        return value
    if value := values.get(places.get("location_field", "")):
        return point(value["lat"], value["lng"])
    lat, lng = values.get(places.get("lat_field", "")), values.get(places.get("lng_field", ""))
    if not isinstance(lat, int | float) or not isinstance(lng, int | float):
        return None
    return point(lat, lng) if -90 <= lat <= 90 and -180 <= lng <= 180 else None


def promote(recordset: Recordset, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the promoted columns and their typed values."""
    return {
        field.slot: promoted_value(field, values.get(field.key)) for field in recordset.fields if field.slot is not None
    }


def promoted_value(field: Field, value: Any) -> Any:
    """Return a checked value as its promoted column takes it."""
    if value is None:
        return None
    kind = field.field_type.kind
    if kind == "number":
        return float(value)
    if kind == "time":
        moment = datetime.fromisoformat(value)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return str(value)[:LONGEST_PROMOTED_TEXT]
