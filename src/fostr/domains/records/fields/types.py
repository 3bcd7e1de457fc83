"""The types of fields: how each checks a value, and as what PostgreSQL compares it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, cast
from urllib.parse import urlsplit

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Kind: TypeAlias = Literal["text", "number", "time", "boolean", "list", "document"]
"""As what PostgreSQL compares the values of a field."""

Options: TypeAlias = "Mapping[str, Any]"
Check: TypeAlias = "Callable[[Any, Options], Any]"

LONGEST_TEXT: Final = 100_000
LONGEST_LINE: Final = 10_000
LARGEST_DOCUMENT: Final = 1 << 20
LARGEST_NUMBER: Final = 1e300
_EMAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")
_PHONE: Final = re.compile(r"\+?[0-9 ()./x-]{3,40}", re.IGNORECASE)
_TRUE: Final = frozenset({"true", "t", "yes", "y", "1", "on"})
_FALSE: Final = frozenset({"false", "f", "no", "n", "0", "off"})
_GROUPED_NUMBER: Final = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")


class ValueRefused(ValueError):
    """A value that does not fit its field; the message is a sentence for people."""


@dataclass(frozen=True, slots=True)
class FieldType:
    """A type of field.

    Attributes:
        name: how the API calls it.
        kind: as what its values are compared.
        check: turns a value into the form that is kept, or raises `ValueRefused`.
    """

    name: str
    kind: Kind
    check: Check


def _text(value: Any, _: Options) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueRefused("is not a text")
    text = str(value)
    if len(text) > LONGEST_LINE:
        raise ValueRefused(f"is longer than {LONGEST_LINE} characters")
    return text


def _long_text(value: Any, _: Options) -> str:
    if not isinstance(value, str):
        raise ValueRefused("is not a text")
    if len(value) > LONGEST_TEXT:
        raise ValueRefused(f"is longer than {LONGEST_TEXT} characters")
    return value


def _number(value: Any, _: Options) -> int | float:
    if isinstance(value, bool):
        raise ValueRefused("is not a number")
    if isinstance(value, str):
        value = _parse_number(value)
    # Written this way round, the comparison also refuses what is not a number, and takes integers of any size.
    if not isinstance(value, int | float) or not abs(value) <= LARGEST_NUMBER:
        raise ValueRefused("is not a finite number")
    return value if isinstance(value, float) or abs(value) < 1 << 63 else float(value)


def _parse_number(text: str) -> int | float:
    stripped = text.strip()
    if _GROUPED_NUMBER.fullmatch(stripped):
        stripped = stripped.replace(",", "")
    if "_" in stripped:
        raise ValueRefused("is not a number")
    try:
        return int(stripped) if stripped.lstrip("+-").isdecimal() and len(stripped) < 19 else float(stripped)
    except ValueError:
        raise ValueRefused("is not a number") from None


def _boolean(value: Any, _: Options) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower() if isinstance(value, str | int) else ""
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueRefused("is neither true nor false")


def _date(value: Any, _: Options) -> str:
    try:
        return date.fromisoformat(value.strip() if isinstance(value, str) else "").isoformat()
    except ValueError:
        raise ValueRefused("is not a date such as 2026-01-31") from None


def _datetime(value: Any, _: Options) -> str:
    try:
        moment = datetime.fromisoformat(value.strip() if isinstance(value, str) else "")
        zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return zoned.astimezone(UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError):
        raise ValueRefused("is not a moment such as 2026-01-31T12:00:00Z") from None


def _email(value: Any, _: Options) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if len(text) > 254 or not _EMAIL.fullmatch(text):
        raise ValueRefused("is not an e-mail address")
    return text


def _url(value: Any, _: Options) -> str:
    text = value.strip() if isinstance(value, str) else ""
    try:
        parts = urlsplit(text)
    except ValueError:
        raise ValueRefused("is not a web address") from None
    if parts.scheme not in {"http", "https"} or not parts.netloc or len(text) > LONGEST_LINE:
        raise ValueRefused("is not a web address")
    return text


def _phone(value: Any, _: Options) -> str:
    text = str(value).strip() if isinstance(value, str | int) else ""
    if not _PHONE.fullmatch(text):
        raise ValueRefused("is not a telephone number")
    return text


def _select(value: Any, options: Options) -> str:
    text = _text(value, options)
    choices = options.get("choices")
    if choices and text not in choices:
        raise ValueRefused("is not one of the choices")
    return text


def _multi_select(value: Any, options: Options) -> list[str]:
    items: list[Any] = cast("list[Any]", value) if isinstance(value, list) else [value]
    return [_select(item, options) for item in items]


def _location(value: Any, _: Options) -> dict[str, float]:
    if isinstance(value, str):
        parts = value.split(",")
        value = {"lat": parts[0], "lng": parts[1]} if len(parts) == 2 else None
    if not isinstance(value, dict):
        raise ValueRefused("is not a place such as {lat, lng}")
    place = cast("dict[str, Any]", value)
    lat, lng = _number(place.get("lat"), {}), _number(place.get("lng"), {})
    if not (-90 <= lat <= 90 and -180 <= lng <= 180):
        raise ValueRefused("lies outside of the world")
    return {"lat": float(lat), "lng": float(lng)}


def _json(value: Any, _: Options) -> Any:
    try:
        size = len(orjson.dumps(value))
    except orjson.JSONEncodeError:
        raise ValueRefused("is not JSON") from None
    if size > LARGEST_DOCUMENT:
        raise ValueRefused(f"is larger than {LARGEST_DOCUMENT} bytes")
    return value


def _geometry(value: Any, _: Options) -> Any:
    from fostr.domains.records.fields.geometry import check_geometry

    return check_geometry(value)


TYPES: Final[dict[str, FieldType]] = {
    entry.name: entry
    for entry in (
        FieldType("text", "text", _text),
        FieldType("long_text", "text", _long_text),
        FieldType("number", "number", _number),
        FieldType("currency", "number", _number),
        FieldType("percent", "number", _number),
        FieldType("boolean", "boolean", _boolean),
        FieldType("date", "time", _date),
        FieldType("datetime", "time", _datetime),
        FieldType("email", "text", _email),
        FieldType("url", "text", _url),
        FieldType("phone", "text", _phone),
        FieldType("select", "text", _select),
        FieldType("multi_select", "list", _multi_select),
        FieldType("location", "document", _location),
        FieldType("geometry", "document", _geometry),
        FieldType("json", "document", _json),
    )
}
TypeName: TypeAlias = Literal[
    "text", "long_text", "number", "currency", "percent", "boolean", "date", "datetime", "email", "url", "phone",
    "select", "multi_select", "location", "geometry", "json",
]  # fmt: skip
