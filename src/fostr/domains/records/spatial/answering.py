"""From what the database returned to places, and from what was found to the answer."""

# pyright: reportUnknownMemberType=false
# Shapely's functions take keywords that its types leave open.

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import numpy as np
import orjson
import shapely

from fostr.domains.records.fields.geometry import TURN, Bounds, narrowest_arc
from fostr.domains.records.spatial.distances import widen
from fostr.domains.records.spatial.ids import count_through, sort_ids, write_ids
from fostr.domains.records.spatial.places import ID_BYTES, Places
from fostr.domains.records.spatial.shapes import make_shapes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fostr.domains.records.spatial.places import Ids
    from fostr.domains.records.spatial.shapes import Floats

FEW: Final = 20
"""Sources whose boxes are looked up one by one, in place of one box around all."""
_PACKED: Final = np.dtype([("id", np.uint8, ID_BYTES), ("box", ">f8", 4)])


def open_places(points: bytes, shape_ids: list[bytes], geometries: list[dict[str, Any]]) -> Places:
    """Return places, the points as `repository.read_points` packs them."""
    packed = np.frombuffer(points, dtype=_PACKED)
    ids = np.frombuffer(b"".join(shape_ids), dtype=np.uint8).reshape(-1, ID_BYTES)
    return Places(
        ids=np.concatenate([packed["id"], ids]),
        lngs=packed["box"][:, 2].astype(np.float64),
        lats=packed["box"][:, 3].astype(np.float64),
        shapes=make_shapes(geometries),
    )


def find_boxes(sources: Places, metres: float) -> list[Bounds]:
    """Return boxes outside of which no target can stand to the sources as it is asked, `exclude` aside."""
    points = np.column_stack([sources.lngs, sources.lats, sources.lngs, sources.lats])
    boxes = np.concatenate([shapely.bounds(sources.shapes).reshape(-1, 4), points])
    if not len(boxes):
        return []
    wide = widen(boxes, metres)
    return [_around(wide[[place]]) for place in range(len(wide))] if len(wide) <= FEW else [_around(wide)]


def _around(boxes: Floats) -> Bounds:
    wests, easts = boxes[:, 0], boxes[:, 2]
    arcs = [(float(west), float(east)) for west, east in zip(wests, easts, strict=True)]
    west, east = (-180.0, 180.0) if (easts - wests >= TURN).any() else narrowest_arc(arcs)
    return Bounds(west, max(-90.0, float(boxes[:, 1].min())), east, min(90.0, float(boxes[:, 3].max())))


def answer(ids: Ids, *, limit: int, after: UUID | None, counts: Mapping[str, int]) -> bytes:
    """Return the answer, as `SpatialMatches` describes it."""
    ordered = sort_ids(ids)
    begin = 0 if after is None else count_through(ordered, after)
    page = ordered[begin : begin + limit]
    is_truncated = begin + limit < len(ordered)
    facts = {
        "count": len(ordered),
        "truncated": is_truncated,
        "next_after": UUID(bytes=page[-1].tobytes()) if is_truncated else None,
        **counts,
    }
    return b'{"record_ids":[' + write_ids(page) + b"]," + orjson.dumps(facts)[1:]
