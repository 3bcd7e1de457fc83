"""Bounding boxes of map queries: parsed, checked, and compared with those of records around the antimeridian."""

from __future__ import annotations

import math

from fostr.domains.records.fields.geometry import TURN, Bounds
from fostr.kernel.db.sql import Fragment
from fostr.kernel.http.errors import Unprocessable


class BoxInvalid(Unprocessable):
    """The bounding box cannot be used."""

    code = "bbox_invalid"
    detail = "A bounding box is west,south,east,north in degrees."


def parse_box(text: str) -> Bounds:
    """Return the box that `west,south,east,north` stands for (RFC 7946, section 5).

    A box whose west lies east of its east crosses the antimeridian.

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
    return Bounds(west, south, east if west <= east else east + TURN, north)


def box_condition(bounds: Bounds, *, name: str = "box") -> Fragment:
    """Return the condition that a record `r` touches a box.

    Boxes of records begin in the world and may end east of it. So what lies in the world meets them there or one turn
    further east; and what reaches beyond it, there or one turn further west.
    """
    turns = [0.0, -TURN] if bounds.east > 180 else [0.0, TURN]
    if bounds.east == 180:
        turns.append(-TURN)
    params = {f"{name}_{number}": shift_box(bounds, turn).as_box() for number, turn in enumerate(turns)}
    text = " or ".join(f"r.bbox && (:{name}::text)::box" for name in params)
    return Fragment(f"({text})", params)


def shift_box(bounds: Bounds, degrees: float) -> Bounds:
    """Return a box so many degrees further east."""
    return Bounds(bounds.west + degrees, bounds.south, bounds.east + degrees, bounds.north)
