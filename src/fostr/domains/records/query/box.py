"""Bounding boxes of map queries: parsed, checked, and split where they cross the antimeridian."""

from __future__ import annotations

import math
from typing import Final

from fostr.domains.records.fields.geometry import Bounds
from fostr.kernel.db.sql import Fragment
from fostr.kernel.http.errors import Unprocessable

NUMBERS: Final = 4


class BoxInvalid(Unprocessable):
    """The bounding box cannot be used."""

    code = "bbox_invalid"
    detail = "A bounding box is west,south,east,north in degrees."


def parse_box(text: str) -> list[Bounds]:
    """Return the one or two boxes that `west,south,east,north` stands for (RFC 7946, section 5).

    A box whose west lies east of its east crosses the antimeridian, and becomes two.

    Raises:
        BoxInvalid: not four finite numbers, outside of the world, or its south above its north.
    """
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise BoxInvalid from None
    if not all(math.isfinite(number) for number in (west, south, east, north)):
        raise BoxInvalid
    if not (-180 <= west <= 180 and -180 <= east <= 180 and south >= -90 and north <= 90):
        raise BoxInvalid("A bounding box lies between -180 and 180, and between -90 and 90 degrees.")
    if south > north:
        raise BoxInvalid("The south of a bounding box cannot lie above its north.")
    if west <= east:
        return [Bounds(west, south, east, north)]
    return [Bounds(west, south, 180.0, north), Bounds(-180.0, south, east, north)]


def box_condition(boxes: list[Bounds]) -> Fragment:
    """Return the condition that a record `r` touches one of the boxes."""
    params = {f"box_{number}": box.as_box() for number, box in enumerate(boxes)}
    text = " or ".join(f"r.bbox && (:{name}::text)::box" for name in params)
    return Fragment(f"({text})", params)
