"""What a column holds, by a sample of its texts; never more than they all agree on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import orjson

from fostr.domains.records.fields.types import TYPES, ValueRefused
from fostr.domains.records.imports.interpretation import (
    DateOrder,
    DecimalSign,
    prepare_comma_number,
    prepare_date,
    weigh_dates,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from fostr.domains.records.fields.types import TypeName

PlaceRole: TypeAlias = Literal["lat", "lng"]

_CODE: Final = re.compile(r"[+-]?0[0-9]+.*|\+.*|[0-9]{16,}")
"""Leading zeros, telephone numbers and ids so long that a number would lose digits: texts, though digits alone."""

_DECIMAL_COMMA: Final = re.compile(
    r"[+-]?[0-9]{1,3}(?:[. \u00a0\u202f'][0-9]{3})+,[0-9]+|[+-]?[0-9]+,(?:[0-9]{1,2}|[0-9]{4,})"
)
_UNDECIDED: Final = re.compile(r"[+-]?[0-9]{1,3},[0-9]{3}")
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
    if _all_fit("email", texts):
        return "email"
    if _all_fit("url", texts):
        return "url"
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
    decimal = _decide_decimal(texts, delimiter)
    return Inferred("number", decimal=decimal) if _all_fit("number", texts, _comma(decimal)) else None


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
