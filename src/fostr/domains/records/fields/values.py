"""How the values of fields are checked: each function takes what somebody sent and returns what is kept.

Every check takes what it has returned as it is: a value that is written back changes nothing.
"""

from __future__ import annotations

import math
import re
import unicodedata
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast
from urllib.parse import urlsplit
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping

Options: TypeAlias = "Mapping[str, Any]"

LONGEST_TEXT: Final = 100_000
MOST_ATTACHMENTS: Final = 500
LONGEST_LINE: Final = 10_000
FIRST_DAY: Final = date(1, 1, 2)
LAST_MOMENT: Final = datetime.max.replace(tzinfo=UTC)
"""asyncpg takes the first moment of its calendar, and this one, for infinities."""
LARGEST_DOCUMENT: Final = 1 << 20
LARGEST_NUMBER: Final = 1e300
LARGEST_RATING: Final = 10
USUAL_RATING: Final = 5
MOST_MEMBERS: Final = 100

_EMAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")
_PHONE: Final = re.compile(
    r"(?P<number>\+?[0-9 ()./-]{3,40}?)(?: *(?:x|ext\.?) *(?P<extension>[0-9]{1,8}))?", re.IGNORECASE
)
_INTERNATIONAL: Final = re.compile(r"(?:\+|00)(?P<digits>[1-9][0-9]{6,14})")
_TRUE: Final = frozenset({"true", "t", "yes", "y", "1", "on"})
_FALSE: Final = frozenset({"false", "f", "no", "n", "0", "off"})
_GROUPED_NUMBER: Final = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
_MOST_DIGITS: Final = 19
"""Digits of the largest whole number of 64 bits."""


class ValueRefused(ValueError):
    """A value that does not fit its field; the message is a sentence for people."""


def check_text(value: Any, options: Options) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueRefused("is not a text")
    return _check_length(str(value), options, longest=LONGEST_LINE)


def check_long_text(value: Any, options: Options) -> str:
    if not isinstance(value, str):
        raise ValueRefused("is not a text")
    return _check_length(value, options, longest=LONGEST_TEXT)


def _check_length(text: str, options: Options, *, longest: int) -> str:
    longest = options.get("max_length") or longest
    if len(text) > longest:
        raise ValueRefused(f"is longer than {longest} characters")
    return text


def check_number(value: Any, options: Options) -> int | float:
    if isinstance(value, bool):
        raise ValueRefused("is not a number")
    if isinstance(value, str):
        value = parse_number(value)
    # Written this way round, the comparison also refuses what is not a number, and takes integers of any size.
    if not isinstance(value, int | float) or not abs(value) <= LARGEST_NUMBER:
        raise ValueRefused("is not a finite number")
    number = value if isinstance(value, float) or abs(value) < 1 << 63 else float(value)
    return _check_limits(number, options) if options else number


def _check_limits(number: float, options: Options) -> float:
    least, most = options.get("min"), options.get("max")
    if least is not None and number < least:
        raise ValueRefused(f"is less than {least}")
    if most is not None and number > most:
        raise ValueRefused(f"is more than {most}")
    return number


def parse_number(text: str) -> int | float:
    """Return the number that a text writes, with a point before its fraction, and commas between thousands or none."""
    stripped = text.strip()
    if _GROUPED_NUMBER.fullmatch(stripped):
        stripped = stripped.replace(",", "")
    if "_" in stripped:
        raise ValueRefused("is not a number")
    digits = stripped.lstrip("+-")
    try:
        return int(stripped) if digits.isdecimal() and len(digits) <= _MOST_DIGITS else float(stripped)
    except ValueError:
        raise ValueRefused("is not a number") from None


def check_currency(value: Any, options: Options) -> int | float:
    if isinstance(value, str):
        value = _strip_currency(value, options.get("currency"))
    return check_number(value, options)


def _strip_currency(text: str, code: str | None) -> str:
    """Return an amount without its sign of currency, or the code of the field's; with another one it is no number."""
    amount = text.strip()
    if code is not None:
        amount = amount.removeprefix(code).removesuffix(code).strip()
    sign = amount[:1] if amount[:1] in {"-", "+"} else ""
    unsigned = amount[len(sign) :].strip()
    for end in (unsigned[:1], unsigned[-1:]):
        if end and unicodedata.category(end) == "Sc":
            return sign + unsigned.removeprefix(end).removesuffix(end).strip()
    return amount


def check_percent(value: Any, options: Options) -> int | float:
    """Return a share of one: 0.25 is 25 percent, and so is the text `25%`."""
    if isinstance(value, str) and value.rstrip().endswith("%"):
        # By way of its decimal digits: 29 divided by 100 in binary is not what 0.29 is.
        hundredfold = parse_number(value.rstrip().removesuffix("%"))
        if not math.isfinite(hundredfold):
            raise ValueRefused("is not a finite number")
        value = float(Decimal(repr(hundredfold)).scaleb(-2))
    return check_number(value, options)


def check_rating(value: Any, options: Options) -> int | None:
    number = check_number(value, {})
    most = options.get("max", USUAL_RATING)
    if number == 0:
        return None
    if number != int(number) or not 1 <= number <= most:
        raise ValueRefused(f"is not a whole number from 1 to {most}")
    return int(number)


def check_boolean(value: Any, _: Options) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower() if isinstance(value, str | int) else ""
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueRefused("is neither true nor false")


def check_date(value: Any, _: Options) -> str:
    try:
        day = date.fromisoformat(value.strip() if isinstance(value, str) else "")
    except ValueError:
        raise ValueRefused("is not a date such as 2026-01-31") from None
    if day < FIRST_DAY:
        raise ValueRefused("lies too far back")
    return day.isoformat()


def check_datetime(value: Any, options: Options) -> str:
    """Return a moment in UTC; one without a zone is read in that of the field."""
    try:
        moment = datetime.fromisoformat(value.strip() if isinstance(value, str) else "")
        zoned = (moment if moment.tzinfo else moment.replace(tzinfo=zone_of(options))).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueRefused("is not a moment such as 2026-01-31T12:00:00Z") from None
    if zoned.date() < FIRST_DAY:
        raise ValueRefused("lies too far back")
    if zoned == LAST_MOMENT:
        raise ValueRefused("lies too far ahead")
    return zoned.isoformat().replace("+00:00", "Z")


def zone_of(options: Options) -> ZoneInfo:
    """Return the zone in which a field's moments are read and shown."""
    return _zone(options.get("time_zone", "UTC"))


@lru_cache(maxsize=600)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def check_email(value: Any, _: Options) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if len(text) > 254 or not _EMAIL.fullmatch(text):
        raise ValueRefused("is not an e-mail address")
    return text


def check_url(value: Any, _: Options) -> str:
    text = value.strip() if isinstance(value, str) else ""
    try:
        parts = urlsplit(text)
    except ValueError:
        raise ValueRefused("is not a web address") from None
    if parts.scheme not in {"http", "https"} or not parts.netloc or len(text) > LONGEST_LINE:
        raise ValueRefused("is not a web address")
    return text


def check_phone(value: Any, _: Options) -> str:
    """Return a telephone number: one with its country as E.164 writes it, another as it came.

    Without its country, a number's grouping and leading zero mean something only to those who dial it.
    """
    text = " ".join(str(value).split()) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    match = _PHONE.fullmatch(text)
    if match is None or not any(map(str.isdigit, text)):
        raise ValueRefused("is not a telephone number")
    number = match["number"].strip()
    # The zero in parentheses is what those within the country dial instead of its code.
    international = _INTERNATIONAL.fullmatch(re.sub(r"\(0\)|[ ()./-]", "", number))
    if international is not None:
        number = f"+{international['digits']}"
    return f"{number} x{match['extension']}" if match["extension"] else number


def check_select(value: Any, options: Options) -> str:
    text = check_text(value, {})
    choices = options.get("choices")
    if choices and text not in choices:
        raise ValueRefused("is not one of the choices")
    return text


def check_multi_select(value: Any, options: Options) -> list[str]:
    items: list[Any] = cast("list[Any]", value) if isinstance(value, list) else [value]
    return list(dict.fromkeys(check_select(item, options) for item in items if item not in ("", None)))


def check_member(value: Any, options: Options) -> list[str]:
    """Return the ids of members; whether they are there is asked for all records at once, before these are written."""
    items: list[Any] = cast("list[Any]", value) if isinstance(value, list) else [value]
    ids = list(dict.fromkeys(map(_check_id, items)))
    if len(ids) > 1 and not options.get("multiple"):
        raise ValueRefused("names more than one member")
    if len(ids) > MOST_MEMBERS:
        raise ValueRefused(f"names more than {MOST_MEMBERS} members")
    return ids


def check_member_id(value: Any, _: Options) -> str:
    return _check_id(value)


def _check_id(value: Any) -> str:
    try:
        return str(UUID(value if isinstance(value, str) else ""))
    except ValueError:
        raise ValueRefused("is not the id of a member") from None


def check_location(value: Any, _: Options) -> dict[str, float]:
    if isinstance(value, str):
        parts = value.split(",")
        value = {"lat": parts[0], "lng": parts[1]} if len(parts) == 2 else None
    if not isinstance(value, dict):
        raise ValueRefused("is not a place such as {lat, lng}")
    place = cast("dict[str, Any]", value)
    lat, lng = check_number(place.get("lat"), {}), check_number(place.get("lng"), {})
    if not (-90 <= lat <= 90 and -180 <= lng <= 180):
        raise ValueRefused("lies outside of the world")
    return {"lat": float(lat), "lng": float(lng)}


def check_json(value: Any, _: Options) -> Any:
    try:
        size = len(orjson.dumps(value))
    except orjson.JSONEncodeError:
        raise ValueRefused("is not JSON") from None
    if size > LARGEST_DOCUMENT:
        raise ValueRefused(f"is larger than {LARGEST_DOCUMENT} bytes")
    return value


def check_shape(value: Any, _: Options) -> Any:
    """Return a GeoJSON geometry."""
    from fostr.domains.records.fields.geometry import check_geometry

    return check_geometry(value)


def check_attachments(value: Any, _: Options) -> list[str]:
    """Return ids of attachments, each once."""
    items: list[Any] = cast("list[Any]", value) if isinstance(value, list) else [value]
    if len(items) > MOST_ATTACHMENTS:
        raise ValueRefused(f"names more than {MOST_ATTACHMENTS} files")
    try:
        return list(dict.fromkeys(str(UUID(item if isinstance(item, str) else "")) for item in items))
    except ValueError:
        raise ValueRefused("is not a list of attachments' ids") from None
