"""Where records lie, read in the form in which it is computed with."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from fostr.kernel.db.sql import Fragment
    from fostr.kernel.db.unit import Unit

PREFETCH: Final = 500
POINT_BYTES: Final = 48
"""Of a packed point: its id and its box."""

# As bytes in one value: a hundred thousand rows of numbers take a tenth of the time that as many rows would.
_POINTS: Final = """
    select coalesce(string_agg(uuid_send(p.id) || box_send(p.bbox), ''::bytea), ''::bytea) as packed
    from (
        select r.id, r.bbox from records r
        where %s and r.bbox is not null and r.geometry_type = 'Point' limit :most
    ) p
"""
_SHAPES: Final = """
    select r.id, r.geometry::text as geometry from records r
    where %s and r.bbox is not null and r.geometry_type <> 'Point' limit :most
"""


@dataclass(frozen=True, slots=True)
class FoundShapes:
    """Records that are not points, with their geometries as GeoJSON.

    Attributes:
        size: characters of all of them.
    """

    ids: list[bytes]
    geometries: list[dict[str, Any]]
    size: int


async def read_points(unit: Unit, condition: Fragment, *, most: int) -> bytes:
    """Return the records `r` that are points: of each sixteen bytes of its id and four doubles of its box.

    Args:
        unit: the unit of work.
        condition: which records.
        most: where reading ends.
    """
    return await unit.value(_POINTS % condition.text, most=most, **condition.params)


async def read_shapes(unit: Unit, condition: Fragment, *, most: int, most_characters: int) -> FoundShapes:
    """Return the other records that lie somewhere.

    Args:
        unit: the unit of work.
        condition: which records.
        most: where reading ends.
        most_characters: the same, a little later.
    """
    ids: list[bytes] = []
    geometries: list[dict[str, Any]] = []
    size = 0
    text = _SHAPES % condition.text
    async with aclosing(unit.stream(text, prefetch=PREFETCH, most=most, **condition.params)) as rows:
        async for row in rows:
            size += len(row["geometry"])
            if size > most_characters:
                break
            ids.append(row["id"].bytes)
            geometries.append(orjson.loads(row["geometry"]))
    return FoundShapes(ids, geometries, size)
