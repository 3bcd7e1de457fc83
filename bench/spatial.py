"""A hundred thousand points in two thousand polygons by the API, beside the bare join of the same in Shapely."""

from __future__ import annotations

import asyncio
import math
import os
import random
import statistics
import time
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import numpy as np
import orjson
import shapely

from bench.load import fetch
from bench.report import Row, compare_rates

if TYPE_CHECKING:
    from bench.world import World

POINTS: Final = int(os.environ.get("BENCH_POINTS", "100000"))
POLYGONS: Final = int(os.environ.get("BENCH_POLYGONS", "2000"))
CORNERS: Final = 40
RADIUS: Final = 0.6
ROUNDS: Final = 5
MOST_OF_JOIN: Final = 1.5
_FIELDS: Final[list[dict[str, Any]]] = [
    {"name": "Name", "key": "name", "type": "text"},
    {"name": "Shape", "key": "shape", "type": "geometry"},
]
_INSERT: Final = """
    insert into data.records
        (workspace_id, id, recordset_id, title, field_values, geometry, geometry_type, bbox, created_by, updated_by)
    select $1, uuidv7(), $2, 'Place ' || n, jsonb_build_object('name', 'Place ' || n, 'shape', g.shape), g.shape,
           g.shape->>'type', box(point(g.east, g.north), point(g.west, g.south)), $3, $3
    from unnest($4::jsonb[], $5::float8[], $6::float8[], $7::float8[], $8::float8[])
         with ordinality as g (shape, west, south, east, north, n)
"""


async def measure_spatial(world: World) -> list[Row]:
    """Compare the time of the whole request, its answer included, with that of the join alone."""
    generator = random.Random(1)  # noqa: S311 - the same in every run
    polygons = [_star(*_position(generator)) for _ in range(POLYGONS)]
    points = [_position(generator) for _ in range(POINTS)]
    zones = await _fill(world, "Zones", polygons)
    places = await _fill(world, "Places", [{"type": "Point", "coordinates": [lng, lat]} for lng, lat in points])
    body = orjson.dumps(
        {"source": {"recordset_id": zones}, "target": {"recordset_id": places}, "operation": "intersects"}
    )
    target = await world.target(world.owner, "POST", "/api/v1/records/spatial-filter", body=body)
    await fetch(target, keeps=False)
    ours: list[float] = []
    bare: list[float] = []
    found = 0
    areas = np.array([shapely.Polygon(polygon["coordinates"][0]) for polygon in polygons], dtype=object)
    positions = np.array(points)
    for _ in range(ROUNDS):
        seconds, found = await asyncio.to_thread(_join, areas, positions)
        bare.append(seconds)
        ours.append((await fetch(target, keeps=False)).seconds)
    time_of_ours, time_of_bare = statistics.median(ours), statistics.median(bare)
    return [
        compare_rates(
            "spatial",
            value=1 / time_of_ours,
            baseline=1 / time_of_bare,
            unit="filters/s",
            least=1 / MOST_OF_JOIN,
            detail=f"{POINTS:,} points, {POLYGONS:,} polygons of {CORNERS} corners, {found:,} points found; "
            f"the request {1000 * time_of_ours:.0f} ms, the join {1000 * time_of_bare:.0f} ms, median of {ROUNDS}",
        )
    ]


def _position(generator: random.Random) -> tuple[float, float]:
    return round(generator.uniform(-124, -67), 6), round(generator.uniform(25, 49), 6)


def _star(lng: float, lat: float) -> dict[str, Any]:
    ring = [
        [
            round(lng + RADIUS * (0.6 if corner % 2 else 1.0) * math.cos(2 * math.pi * corner / CORNERS), 6),
            round(lat + RADIUS * (0.6 if corner % 2 else 1.0) * math.sin(2 * math.pi * corner / CORNERS), 6),
        ]
        for corner in range(CORNERS)
    ]
    return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}


def _join(areas: np.ndarray[Any, Any], positions: np.ndarray[Any, Any]) -> tuple[float, int]:
    """Return the seconds of the join as one would write it, points and tree made in it, and how many are found."""
    started = time.perf_counter()
    points: Any = shapely.points(positions)
    tree = shapely.STRtree(points)
    _, found = tree.query(areas, predicate="intersects")
    count = len(np.unique(found))
    return time.perf_counter() - started, count


async def _fill(world: World, name: str, shapes: list[dict[str, Any]]) -> str:
    made = await world.call(
        world.owner,
        "POST",
        "/api/v1/recordsets",
        json={"name": name, "mode": "map", "fields": _FIELDS, "settings": {"map": {"geometry_field": "shape"}}},
    )
    bounds = [_bounds(shape["coordinates"]) for shape in shapes]
    connection = await world.connect()
    try:
        await connection.execute(
            _INSERT,
            world.workspace,
            UUID(made["id"]),
            world.owner.member_id,
            [orjson.dumps(shape).decode() for shape in shapes],
            *(list(column) for column in zip(*bounds, strict=True)),
        )
        await connection.execute("vacuum analyze data.records")
    finally:
        await connection.close()
    return made["id"]


def _bounds(coordinates: Any) -> tuple[float, float, float, float]:
    positions = [coordinates] if isinstance(coordinates[0], float) else coordinates[0]
    lngs, lats = [position[0] for position in positions], [position[1] for position in positions]
    return min(lngs), min(lats), max(lngs), max(lats)
