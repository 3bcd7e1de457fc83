"""Durations: kept as seconds, to the millisecond; read as people and as ISO 8601 write them."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from fostr.domains.records.fields.values import ValueRefused, check_number

if TYPE_CHECKING:
    from fostr.domains.records.fields.values import Options

LONGEST: Final = 10**12
"""Seconds: about 31,700 years."""

_SIGN: Final = r"(?P<sign>[+-]?)"
_CLOCK: Final = re.compile(
    rf"{_SIGN}(?P<hours>[0-9]{{1,9}}):(?P<minutes>[0-5][0-9])(?::(?P<seconds>[0-5][0-9](?:\.[0-9]+)?))?", re.ASCII
)
_ISO: Final = re.compile(
    rf"{_SIGN}P(?=[0-9T])(?:(?P<weeks>[0-9.]+)W)?(?:(?P<days>[0-9.]+)D)?"
    r"(?:T(?=[0-9])(?:(?P<hours>[0-9.]+)H)?(?:(?P<minutes>[0-9.]+)M)?(?:(?P<seconds>[0-9.]+)S)?)?",
    re.ASCII | re.IGNORECASE,
)
_WORDS: Final = re.compile(
    rf"{_SIGN}(?=[0-9.])(?:(?P<weeks>[0-9.]+) ?w(?:ee)?k?s?)? ?(?:(?P<days>[0-9.]+) ?d(?:ays?)?)? ?"
    r"(?:(?P<hours>[0-9.]+) ?h(?:(?:ou)?rs?)?)? ?(?:(?P<minutes>[0-9.]+) ?m(?:in(?:ute)?s?)?)? ?"
    r"(?:(?P<seconds>[0-9.]+) ?s(?:ec(?:ond)?s?)?)?",
    re.ASCII | re.IGNORECASE,
)
_PARTS: Final = {"weeks": 604_800, "days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}


def check_duration(value: Any, options: Options) -> int | float:
    """Return seconds, of a number of them or of a text: `1:30` and `1:30:15` (hours first), `90m`, `PT1H30M`."""
    if isinstance(value, str):
        value = _parse(value)
    seconds = check_number(value, options)
    if abs(seconds) > LONGEST:
        raise ValueRefused("is too long")
    rounded = round(seconds, 3)
    return int(rounded) if rounded == int(rounded) else rounded


def _parse(text: str) -> int | float | str:
    """Return the seconds that a text writes, or the text when it is none of the forms: it may be a number."""
    stripped = text.strip()
    match = next((found for form in (_CLOCK, _ISO, _WORDS) if (found := form.fullmatch(stripped))), None)
    if match is None:
        return text
    written = match.groupdict()
    try:
        total = sum(
            (Decimal(written[part]) * seconds for part, seconds in _PARTS.items() if written.get(part)), Decimal(0)
        )
    except ArithmeticError:
        raise ValueRefused("is not a duration") from None
    return float(-total if match["sign"] == "-" else total)


def write_duration(seconds: float) -> str:
    """Return a duration as hours, minutes and seconds, as `check_duration` reads it back."""
    thousandths = round(abs(seconds) * 1000)
    whole, fraction = divmod(thousandths, 1000)
    hours, rest = divmod(whole, 3600)
    clock = f"{'-' if seconds < 0 else ''}{hours}:{rest // 60:02d}:{rest % 60:02d}"
    return f"{clock}.{fraction:03d}" if fraction else clock
