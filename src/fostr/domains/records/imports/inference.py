"""What a column holds, by a sample of its texts; never more than they all agree on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import orjson

from fostr.domains.records.fields.types import TYPES, TypeName, ValueRefused
from fostr.domains.records.imports.interpretation import (
    DateOrder,
    DecimalSign,
    prepare_comma_number,
    prepare_date,
    weigh_dates,
)

if TYPE_CHECKING:
    from collections.abc import Callable

PlaceRole: TypeAlias = Literal["lat", "lng"]

_CODE: Final = re.compile(r"[+-]?0[0-9]+.*|\+.*|[0-9]{16,}")
"""Leading zeros, telephone numbers and ids so long that a number would lose digits: texts, though digits alone."""

_DECIMAL_COMMA: Final = re.compile(
    r"[+-]?[0-9]{1,3}(?:[. \u00a0\u202f'][0-9]{3})+,[0-9]+|[+-]?[0-9]+,(?:[0-9]{1,2}|[0-9]{4,})"
)
_UNDECIDED: Final = re.compile(r"[+-]?[0-9]{1,3},[0-9]{3}")
_MONEY: Final = re.compile(r"^[+-]?\s*[$€£¥₹₩₽₺₪₫₴]|[$€£¥₹₩₽₺₪₫₴]$")
"""The sign of a currency at either end."""

_FORMS: Final[dict[TypeName, re.Pattern[str]]] = {
    "email": re.compile(r".*@.*", re.DOTALL),
    "url": re.compile(r"https?://.*", re.DOTALL | re.IGNORECASE),
    # With their country: other telephone numbers cannot be told from what else has digits.
    "phone": re.compile(r"\+[0-9 ()./-]{7,30}(?: *(?:x|ext\.?) *[0-9]{1,8})?", re.IGNORECASE),
    # As ISO 8601 writes it: 1:30 may be a time of day.
    "duration": re.compile(r"-?P(?=[0-9T]).+", re.DOTALL),
}
"""What a text of a type looks like, before it is checked to be one."""

_WORDS: Final = re.compile(r"true|false|yes|no|t|f|y|n|on|off", re.IGNORECASE)
_ISO_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}.*", re.DOTALL)
_PROSE: Final = 500
"""A text of more characters than this wants more room than a line."""

_ROLES: Final[dict[PlaceRole, frozenset[str]]] = {
    "lat": frozenset({"lat", "latitude", "breitengrad", "latitud", "y_lat", "gps_lat", "geo_lat", "lat_dd"}),
    "lng": frozenset(
        {"lng", "lon", "long", "longitude", "längengrad", "laengengrad", "longitud", "x_lng", "gps_lng", "gps_lon",
         "geo_lng", "geo_lon", "lon_dd"}
    ),
}  # fmt: skip
_LIMITS: Final[dict[PlaceRole, float]] = {"lat": 90.0, "lng": 180.0}


@dataclass(frozen=True, slots=True)
class Inferred:
    """What a column holds, and how it writes it.

    Attributes:
        is_date_order_certain: whether a row decides between day and month.
    """

    type: TypeName
    decimal: DecimalSign = "."
    date_order: DateOrder = "ymd"
    is_date_order_certain: bool = True


def infer_column(texts: list[str], *, delimiter: str = ",") -> Inferred:
    """Return what a column holds.

    Args:
        texts: its texts without the empty ones.
        delimiter: what stands between the cells; where that is a semicolon, `1,234` is more likely 1.234 than 1234.
    """
    stripped = [text.strip() for text in texts]
    if not stripped:
        return Inferred("text")
    if all(map(_WORDS.fullmatch, stripped)):
        return Inferred("boolean")
    return _infer_number(stripped, delimiter) or _infer_time(stripped) or Inferred(_infer_text(stripped))


def _infer_text(texts: list[str]) -> TypeName:
    """Return the narrowest type of text that all texts have."""
    for name, form in _FORMS.items():
        if all(map(form.fullmatch, texts)) and _all_fit(name, texts):
            return name
    if all(text[:1] == "{" and '"coordinates"' in text for text in texts):
        return "geometry"
    if all(text[:1] in "{[" for text in texts) and all(map(_is_json, texts)):
        return "json"
    return "long_text" if any(len(text) > _PROSE for text in texts) else "text"


def _is_json(text: str) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def _infer_number(texts: list[str], delimiter: str) -> Inferred | None:
    if any(map(_CODE.fullmatch, texts)):
        return None
    name: TypeName = "number"
    if all(text.endswith("%") for text in texts):
        name = "percent"
    elif any(map(_MONEY.search, texts)):
        name = "currency"
    bare = [text.strip("% ") if name == "percent" else _MONEY.sub("", text).strip() for text in texts]
    decimal = _decide_decimal(bare, delimiter)
    return Inferred(name, decimal=decimal) if _all_fit(name, texts, _comma(decimal)) else None


def _decide_decimal(texts: list[str], delimiter: str) -> DecimalSign:
    if any(map(_DECIMAL_COMMA.fullmatch, texts)):
        return ","
    undecided = any(map(_UNDECIDED.fullmatch, texts))
    pointed = any(re.search(r"\.[0-9]{1,2}$|\.[0-9]{4,}$", text) for text in texts)
    return "," if undecided and delimiter == ";" and not pointed else "."


def _comma(decimal: DecimalSign) -> Callable[[str], str] | None:
    return prepare_comma_number if decimal == "," else None


def _infer_time(texts: list[str]) -> Inferred | None:
    # Only what looks like a date with its separators: 20260131 is a number, and 2026-W05 is a text.
    evidence = weigh_dates(texts)
    for order in evidence.possible:
        certain = not evidence.is_ambiguous
        prepared = _prepare_all(texts, order)
        if prepared is None or not all(map(_ISO_DAY.fullmatch, prepared)):
            continue
        if _all_fit("date", prepared):
            return Inferred("date", date_order=order, is_date_order_certain=certain)
        if _all_fit("datetime", prepared):
            return Inferred("datetime", date_order=order, is_date_order_certain=certain)
    return None


def _prepare_all(texts: list[str], order: DateOrder) -> list[str] | None:
    try:
        return [prepare_date(text, order) for text in texts]
    except ValueRefused:
        return None


def _all_fit(name: TypeName, texts: list[str], prepare: Callable[[str], str] | None = None) -> bool:
    check = TYPES[name].check
    try:
        for text in texts:
            check(prepare(text) if prepare else text, {})
    except ValueRefused:
        return False
    return True


def place_role(name: str, inferred: Inferred, texts: list[str]) -> PlaceRole | None:
    """Return whether a column holds latitudes or longitudes, by its name and by its numbers."""
    if inferred.type != "number":
        return None
    plain = "_".join(name.casefold().replace("-", " ").replace(".", " ").split())
    for role, names in _ROLES.items():
        if plain in names and all(abs(_read(text, inferred.decimal)) <= _LIMITS[role] for text in texts):
            return role
    return None


def _read(text: str, decimal: DecimalSign) -> float:
    prepare = _comma(decimal)
    return float(TYPES["number"].check(prepare(text) if prepare else text, {}))
