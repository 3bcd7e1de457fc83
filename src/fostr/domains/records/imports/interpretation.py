"""How a column writes its numbers and dates, and its texts in the form that fields take.

A field takes `1234.5` and `2026-01-31`. A file may say `1.234,5` and `31.01.2026`, and whether `01/02/2026` is in
January or in February only its other rows can tell.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import orjson

from fostr.domains.records.fields.types import TYPES, ValueRefused

if TYPE_CHECKING:
    from collections.abc import Callable

    from fostr.domains.records.fields.model import Field

DecimalSign: TypeAlias = Literal[".", ","]
DateOrder: TypeAlias = Literal["ymd", "dmy", "mdy"]

NUMBERS: Final = frozenset(
    name for name, field_type in TYPES.items() if field_type.kind == "number" and field_type.write is None
)
"""Types of numbers that are written as such; durations are not."""
TIMES: Final = frozenset(name for name, field_type in TYPES.items() if field_type.kind == "time")

_COMMA_NUMBER: Final = re.compile(r"(?:[0-9]{1,3}(?:[. \u00a0\u202f'][0-9]{3})+|[0-9]+)(?:,[0-9]+)?")
_SIGNED_NUMBER: Final = re.compile(
    r"(?P<before>[^0-9+-]{0,5}[+-]?[^0-9+-]{0,5})(?P<number>[0-9](?:.*[0-9])?)(?P<after>[^0-9]{0,5})", re.DOTALL
)
"""A number between the signs or codes of its currency, or before a percent sign."""
_DATE: Final = re.compile(
    r"(?P<a>[0-9]{4}|[0-9]{1,2})(?P<sign>[./-])(?P<b>[0-9]{1,2})(?P=sign)(?P<c>[0-9]{4}|[0-9]{1,2})"
    r"(?:,?[ T]+(?P<time>.+))?"
)
_VERSION: Final = re.compile(r"[0-9]\.[0-9]|[0-9]+\.[0-9]\.|[0-9]+.[0-9]+.[0-9](?![0-9])")
"""Numbers of versions, such as 1.10.12, and what has too few digits for a year: no dates."""
_CLOCK: Final = re.compile(
    r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?P<rest>:[0-9]{2}(?:\.[0-9]{1,6})?)? ?(?P<half>[AaPp])\.?[Mm]\.?"
)
_SHORT_CLOCK: Final = re.compile(r"[0-9]:[0-9]{2}(?::[0-9]{2})?")
_PLACES: Final[dict[DateOrder, tuple[str, str, str]]] = {
    "ymd": ("a", "b", "c"),
    "dmy": ("c", "b", "a"),
    "mdy": ("c", "a", "b"),
}
_CENTURY_TURN: Final = 69
"""Years of two digits are of 1969 to 2068, as POSIX has it."""


@dataclass(frozen=True, slots=True)
class Style:
    """How a column writes its values."""

    decimal: DecimalSign = "."
    date_order: DateOrder = "ymd"


AS_FIELDS_TAKE_IT: Final = Style()

Prepare: TypeAlias = "Callable[[str], Any]"


def preparation(field: Field, style: Style) -> Prepare | None:
    """Return what turns a column's texts into what the field takes; None where they are taken as they are.

    What is returned raises `ValueRefused` for texts that cannot be meant.
    """
    if field.type in NUMBERS:
        return prepare_comma_number if style.decimal == "," else None
    if field.type in TIMES:
        return lambda text: prepare_date(text, style.date_order)
    return _OTHERS.get(field.type)


def prepare_comma_number(text: str) -> str:
    """Return a number with a decimal comma as one with a point; what stands around it stays."""
    match = _SIGNED_NUMBER.fullmatch(text.strip())
    if match is None:
        raise ValueRefused("is not a number")
    stripped = match["number"]
    if not _COMMA_NUMBER.fullmatch(stripped):
        raise ValueRefused("is not a number")
    return match["before"] + re.sub(r"[. \u00a0\u202f']", "", stripped).replace(",", ".") + match["after"]


def prepare_date(text: str, order: DateOrder) -> str:
    """Return a date or a moment in the order of a column as ISO 8601 writes it; other texts stay as they are."""
    match = _match_date(text)
    if match is None:
        return text
    # Four digits in front can only be the year, whatever the order of the others.
    year, month, day = (match[name] for name in _PLACES["ymd" if len(match["a"]) == 4 else order])
    try:
        found = date(_read_year(year), int(month), int(day)).isoformat()
    except ValueError:
        raise ValueRefused("is not a date in the order of its column") from None
    return f"{found}T{_prepare_clock(match['time'])}" if match["time"] else found


def _match_date(text: str) -> re.Match[str] | None:
    stripped = text.strip()
    match = _DATE.fullmatch(stripped)
    if match is None or len(match["a"]) == 4 or len(match["c"]) == 4:
        return match
    return None if _VERSION.match(stripped) else match


def _read_year(digits: str) -> int:
    year = int(digits)
    if len(digits) > 2:
        return year
    return year + (1900 if year >= _CENTURY_TURN else 2000)


def _prepare_clock(text: str) -> str:
    if _SHORT_CLOCK.fullmatch(text):
        return f"0{text}"
    match = _CLOCK.fullmatch(text)
    if match is None:
        return text
    hour = int(match["hour"]) % 12 + (12 if match["half"] in "Pp" else 0)
    return f"{hour:02d}:{match['minute']}{match['rest'] or ''}"


def _prepare_document(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise ValueRefused("is not JSON") from None


def _prepare_list(text: str) -> Any:
    if text.lstrip().startswith("["):
        return _prepare_document(text)
    parts = text.split(";" if ";" in text else ",")
    return [part.strip() for part in parts if part.strip()]


def _prepare_place(text: str) -> Any:
    return _prepare_document(text) if text.lstrip().startswith("{") else text


_OTHERS: Final[dict[str, Prepare]] = {
    "json": _prepare_document,
    "geometry": _prepare_document,
    "multi_select": _prepare_list,
    "member": _prepare_list,
    "location": _prepare_place,
}


@dataclass(frozen=True, slots=True)
class DateEvidence:
    """In which orders all the dates of a column can be read; several when no row decides."""

    possible: tuple[DateOrder, ...]

    @property
    def is_ambiguous(self) -> bool:
        """Whether no row decides."""
        return len(self.possible) > 1


def weigh_dates(texts: list[str]) -> DateEvidence:
    """Return the orders in which all texts are dates, the likelier first."""
    if all(_year_leads(text) for text in texts):
        return DateEvidence(("ymd",))
    orders: tuple[DateOrder, ...] = ("mdy", "dmy") if any("/" in text for text in texts) else ("dmy", "mdy")
    return DateEvidence(tuple(order for order in orders if all(_reads_as_date(text, order) for text in texts)))


def _year_leads(text: str) -> bool:
    match = _match_date(text)
    return match is None or len(match["a"]) == 4


def _reads_as_date(text: str, order: DateOrder) -> bool:
    try:
        prepare_date(text, order)
    except ValueRefused:
        return False
    return True
