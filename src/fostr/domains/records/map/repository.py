"""Records for a map: as lines of JSON, counted by cells of a grid, and whole for a tile."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fostr.domains.records.fields.geometry import Bounds
from fostr.kernel.events.log import find_settled

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from uuid import UUID

    import asyncpg

    from fostr.domains.records.map.mercator import Cells
    from fostr.kernel.db.sql import Fragment
    from fostr.kernel.db.unit import Unit

# Joined as text: building each line as a JSON value first takes half as long again.
_LINE: Final = """
    '{"id":"' || r.id || '","geometry":' || r.geometry::text || ',"geometry_type":"' || r.geometry_type
    || '","title":' || to_json(r.title)::text
    || case when r.geometry_type = 'Point' then
           ',"lat":' || (r.geometry->'coordinates'->>1) || ',"lng":' || (r.geometry->'coordinates'->>0)
       else '' end
    || %s || '}'
"""


async def stream_lines(
    unit: Unit, condition: Fragment, *, shown: Fragment | None, limit: int | None
) -> AsyncGenerator[bytes]:
    """Yield lines of JSON, many at once, one for each record `r` that meets a condition.

    Args:
        unit: a unit of work of its own, for as long as the stream lasts.
        condition: which records; they lie somewhere.
        shown: SQL of the values that go along, as an object; None for none, and no `fields` at all.
        limit: the most lines.
    """
    line = _LINE % ("''" if shown is None else f"""',"fields":' || ({shown.text})::text""")
    params = {**condition.params, **({} if shown is None else shown.params)}
    text = f"select {line} as line from records r where {condition.text} limit :line_limit"
    async with aclosing(unit.copy_lines(text, line_limit=limit, **params)) as packets:
        async for packet in packets:
            yield packet


@dataclass(frozen=True, slots=True)
class Looked:
    """Up to where the log of events was settled at a moment, and whether something had changed by then."""

    settled: int
    has_changed: bool


# What was visible at the former moment but not settled counts as changed once more.
_CHANGED: Final = """
    exists (
        select from events e
        where e.workspace_id = :workspace and e.position > :since
          and (:in_any or :recordset_id::text = coalesce(
              e.after->>'recordset_id', e.before->>'recordset_id',
              case when e.entity = 'recordset' then e.entity_id::text
                   when e.entity in ('record', 'import') then :recordset_id::text end
          ))
    )
"""


async def look_for_changes(unit: Unit, recordset_id: UUID, *, since: int | None, in_any: bool) -> Looked:
    """Look whether records of a recordset have been written.

    Args:
        unit: the unit of work; what it reads afterwards is of this moment, or newer.
        recordset_id: whose.
        since: a former moment; without one nothing counts as changed.
        in_any: whether whatever happens in the workspace counts.
    """
    settled = await find_settled(unit)
    if since is None:
        return Looked(settled, has_changed=False)
    has_changed: bool = await unit.value(
        f"select {_CHANGED}", since=since, in_any=in_any, recordset_id=str(recordset_id)
    )
    return Looked(settled, has_changed)


@dataclass(frozen=True, slots=True)
class Cluster:
    """The records of one cell.

    Attributes:
        column: of the cell, from the antimeridian eastward.
        row: of the cell, from north.
        lng: in the middle of the records.
        lat: the same.
        bounds: around all of them.
    """

    column: int
    row: int
    count: int
    lng: float
    lat: float
    bounds: Bounds


# Each record counts once: where the middle of its box lies. The rows beyond the square of Web Mercator are its last.
_CLUSTERS: Final = """
    select c.cell_column, c.cell_row, count(*) as count, avg(c.lng) as lng, avg(c.lat) as lat,
           min((c.bbox[1])[0]) as west, min((c.bbox[1])[1]) as south,
           max((c.bbox[0])[0]) as east, max((c.bbox[0])[1]) as north
    from (
        select p.bbox, p.lng, p.lat,
               least(
                   greatest(floor((p.lng + 180) / 360 * :across::integer), 0), :across::integer - 1
               )::integer as cell_column,
               least(greatest(floor((0.5 - atanh(sin(radians(
                   least(greatest(p.lat, -85.0511287798066), 85.0511287798066)
               ))) / (2 * pi())) * :across::integer), 0), :across::integer - 1)::integer as cell_row
        from (
            select m.bbox, case when m.middle[0] > 180 then m.middle[0] - 360 else m.middle[0] end as lng,
                   m.middle[1] as lat
            from (select r.bbox, center(r.bbox) as middle from records r where {condition}) m
        ) p
    ) c
    where {inside}
    group by c.cell_column, c.cell_row
    order by count desc, c.cell_column, c.cell_row
    limit :most
"""


async def list_clusters(unit: Unit, condition: Fragment, *, cells: Cells, most: int) -> list[Cluster]:
    """Return the cells that hold records `r`, those with the most first.

    Args:
        unit: the unit of work.
        condition: which records; they lie somewhere.
        cells: only of these cells.
        most: of how many cells.
    """
    inside = "c.cell_row between :first_row and :last_row"
    if cells.east - cells.west + 1 < cells.across:
        # Columns beyond the last are those at the beginning.
        inside += (
            " and mod(c.cell_column - :first_column::integer + :across::integer, :across::integer) <= :columns::integer"
        )
    await unit.plan_for_values()
    rows = await unit.rows(
        _CLUSTERS.format(condition=condition.text, inside=inside),
        across=cells.across,
        most=most,
        first_row=cells.north,
        last_row=cells.south,
        first_column=cells.west % cells.across,
        columns=cells.east - cells.west,
        **condition.params,
    )
    return [_cluster(row) for row in rows]


def _cluster(row: asyncpg.Record) -> Cluster:
    bounds = Bounds(row["west"], row["south"], row["east"], row["north"])
    return Cluster(row["cell_column"], row["cell_row"], row["count"], row["lng"], row["lat"], bounds)


@dataclass(frozen=True, slots=True)
class Named:
    """A record and what it is called."""

    id: str
    title: str


async def find_singles(unit: Unit, condition: Fragment, clusters: Sequence[Cluster]) -> list[Named | None]:
    """Return the records `r` that are alone in their cells, in the order of the clusters."""
    rows = await unit.rows(
        f"""
        select w.place, r.id::text as id, r.title
        from unnest(:boxes::text[], :lngs::float8[], :lats::float8[]) with ordinality as w (bbox, lng, lat, place)
        join records r on r.bbox && w.bbox::box and {condition.text}
        where (r.bbox[0])[0] = w.lng and (r.bbox[0])[1] = w.lat and (r.bbox[1])[0] = ((w.bbox::box)[1])[0]
        """,
        boxes=[cluster.bounds.as_box() for cluster in clusters],
        lngs=[cluster.bounds.east for cluster in clusters],
        lats=[cluster.bounds.north for cluster in clusters],
        **condition.params,
    )
    found = {row["place"]: Named(row["id"], row["title"]) for row in rows}
    return [found.get(place) for place in range(1, len(clusters) + 1)]


_SIZE: Final = """
    select count(*) as count,
           coalesce(sum(case when s.geometry_type = 'Point' then 0 else pg_column_size(s.geometry) end), 0) as bytes
    from (select r.geometry, r.geometry_type from records r where {} limit :most) s
"""
_FEATURES: Final = """
    select r.id::text as id, r.title, (r.bbox[0])[0] as lng, (r.bbox[0])[1] as lat,
           case when r.geometry_type <> 'Point' then r.geometry end as geometry,
           {} as shown
    from records r where {}
"""


async def measure_features(unit: Unit, condition: Fragment, *, most: int) -> tuple[int, int]:
    """Return how many records `r` there are, up to `most`, and how many bytes their shapes take."""
    await unit.plan_for_values()
    row = await unit.row(_SIZE.format(condition.text), most=most, **condition.params)
    assert row is not None  # noqa: S101 - an aggregate has one row
    return row["count"], int(row["bytes"])


async def list_features(unit: Unit, condition: Fragment, *, shown: Fragment) -> list[asyncpg.Record]:
    """Return records `r` with where they lie, what they are called, and the values that are shown, as an object."""
    return await unit.rows(_FEATURES.format(shown.text, condition.text), **shown.params, **condition.params)
