"""The records that are measured on: ten fields each, made by PostgreSQL from their numbers, the same in every run."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import asyncpg

    from bench.world import World

LARGE: Final = int(os.environ.get("BENCH_ROWS", "1000000"))
"""Records of the large recordset, and rows of the import; a smaller number is for trying things out."""

_STATES: Final = (
    "AL", "AK", "AZ", "AR", "CA", "CO", "CT", "DE", "FL", "GA", "HI", "ID", "IL", "IN", "IA", "KS", "KY", "LA",
    "ME", "MD", "MA", "MI", "MN", "MS", "MO", "MT", "NE", "NV", "NH", "NJ", "NM", "NY", "NC", "ND", "OH", "OK",
    "OR", "PA", "RI", "SC", "SD", "TN", "TX", "UT", "VT", "VA", "WA", "WV", "WI", "WY",
)  # fmt: skip
_STAGES: Final = ("open", "open", "open", "open", "won", "lost", "paused", "new")
_PLACES: Final = ("Harbour", "Mill", "Church", "Station", "Market", "Garden", "River", "Castle")
_FIRMS: Final = ("& Sons", "Partners", "Holdings", "Trading", "Works", "Group", "Supply", "Studio")


def _pick(words: Sequence[str], seed: int) -> str:
    listed = ", ".join(f"'{word}'" for word in words)
    return f"(array[{listed}])[1 + abs(hashint4extended(n, {seed}) % {len(words)})]"


def _number(most: int, seed: int) -> str:
    return f"abs(hashint4extended(n, {seed}) % {most})"


FIELDS: Final[list[dict[str, Any]]] = [
    {"name": "Name", "key": "name", "type": "text", "is_required": True},
    {"name": "State", "key": "state", "type": "select", "options": {"choices": _STATES}, "is_promoted": True},
    {
        "name": "Stage",
        "key": "stage",
        "type": "select",
        "options": {"choices": sorted(set(_STAGES))},
        "is_promoted": True,
    },
    {"name": "Email", "key": "email", "type": "email"},
    {"name": "Company", "key": "company", "type": "text"},
    {"name": "Amount", "key": "amount", "type": "currency", "options": {"currency": "USD"}, "is_promoted": True},
    {"name": "Units", "key": "units", "type": "number"},
    {"name": "Latitude", "key": "latitude", "type": "number"},
    {"name": "Longitude", "key": "longitude", "type": "number"},
    {"name": "Opened", "key": "opened", "type": "date"},
]
"""As they are sent when the recordset is made. Lists are filtered and sorted by those that are promoted; which of the
others get typed columns is the product's choice."""

SETTINGS: Final = {"title_field": "name", "map": {"lat_field": "latitude", "lng_field": "longitude"}}

VALUES: Final[Mapping[str, str]] = {
    "name": f"{_pick(_PLACES, 1)} || ' ' || n::text",
    "state": _pick(_STATES, 2),
    "stage": _pick(_STAGES, 3),
    "email": "'person' || n::text || '@example.com'",
    "company": f"{_pick(_PLACES, 4)} || ' ' || {_pick(_FIRMS, 5)}",
    "amount": f"({_number(5_000_000, 6)}::numeric / 100)",
    "units": _number(1_000, 7),
    "latitude": f"(25 + {_number(24_000_000, 8)}::numeric / 1000000)",
    "longitude": f"(-124 + {_number(57_000_000, 9)}::numeric / 1000000)",
    "opened": f"(date '2015-01-01' + {_number(4_000, 10)}::integer)",
}
"""The SQL of each value of record number `n`."""

MANY: Final = 50_000

COLUMNS: Final = ", ".join(f"{text} as {key}" for key, text in VALUES.items())

NEW_RECORD: Final[dict[str, Any]] = {
    "name": "Harbour 17",
    "state": "TX",
    "stage": "open",
    "email": "person17@example.com",
    "company": "Mill & Sons",
    "amount": 1234.56,
    "units": 17,
    "latitude": 30.685861,
    "longitude": -95.017928,
    "opened": "2024-02-29",
}
"""What is sent to make one more."""


@dataclass(frozen=True, slots=True)
class Recordset:
    """A recordset.

    Attributes:
        columns: the typed column of each field that has one.
    """

    id: UUID
    slug: str
    columns: Mapping[str, str]


async def create_recordset(world: World, name: str) -> Recordset:
    """Make an empty recordset that the owner owns, and in which the member may see and create."""
    made = await world.call(
        world.owner,
        "POST",
        "/api/v1/recordsets",
        json={"name": name, "mode": "map", "fields": FIELDS, "settings": SETTINGS},
    )
    grant = {"member_id": str(world.member.member_id), "actions": ["can_view", "can_create"]}
    await world.call(world.owner, "POST", f"/api/v1/recordsets/{made['slug']}/access", json=grant)
    connection = await world.connect()
    try:
        columns = await connection.fetch(
            "select key, promoted_to from data.recordset_fields where recordset_id = $1 and promoted_to is not null",
            UUID(made["id"]),
        )
    finally:
        await connection.close()
    return Recordset(UUID(made["id"]), made["slug"], {row["key"]: row["promoted_to"] for row in columns})


async def ensure_records(world: World, size: int) -> Recordset:
    """Return a recordset of so many records, made when it is first asked for."""
    if size not in world.recordsets:
        recordset = await create_recordset(world, f"Orders {size}")
        connection = await world.connect()
        try:
            await _fill(connection, world, recordset, size)
        finally:
            await connection.close()
        world.recordsets[size] = recordset
    return world.recordsets[size]


_INDEXES: Final = """
    select format('drop index %I.%I', schemaname, indexname) as drop, indexdef as create from pg_indexes
    where schemaname = 'data' and tablename in ('records', 'record_search') and indexname not like 'pk%'
"""


async def _fill(connection: asyncpg.Connection[asyncpg.Record], world: World, recordset: Recordset, size: int) -> None:
    async with connection.transaction():
        # Building indexes once is many times quicker than adding to them row by row, where there is much to add.
        indexes = await connection.fetch(_INDEXES) if size >= MANY else []
        for index in indexes:
            await connection.execute(index["drop"])
        await connection.execute(_insertion(recordset), world.workspace, recordset.id, world.owner.member_id, size)
        await connection.execute(
            """
            insert into data.record_search (workspace_id, record_id, recordset_id, document)
            select r.workspace_id, r.id, r.recordset_id, to_tsvector('simple', concat_ws(
                ' ', r.title, r.field_values->>'state', r.field_values->>'stage', r.field_values->>'company'
            ))
            from data.records r where r.workspace_id = $1 and r.recordset_id = $2
            """,
            world.workspace,
            recordset.id,
        )
        await connection.execute(
            "insert into data.recordset_counts (workspace_id, recordset_id, shard, count) values ($1, $2, 0, $3)",
            world.workspace,
            recordset.id,
            size,
        )
        for index in indexes:
            await connection.execute(index["create"])
    await settle_tables(connection)


async def settle_tables(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    """Do what PostgreSQL would do by itself in the minutes after many rows came or went."""
    for table in ("records", "record_search"):
        await connection.execute(f"vacuum analyze data.{table}")
    await connection.execute("checkpoint")


def _insertion(recordset: Recordset) -> str:
    names = ", ".join(recordset.columns.values())
    values = ", ".join(f"v.{key}" for key in recordset.columns)
    document = ", ".join(f"'{key}', v.{key}" for key in VALUES)
    return f"""
        insert into data.records
            (workspace_id, id, recordset_id, title, field_values, geometry, geometry_type, bbox, created_by, updated_by,
             {names})
        select $1, uuidv7(), $2, v.name, jsonb_build_object({document}),
               jsonb_build_object('type', 'Point', 'coordinates', jsonb_build_array(v.longitude, v.latitude)), 'Point',
               box(point(v.longitude, v.latitude), point(v.longitude, v.latitude)), $3, $3, {values}
        from (select {COLUMNS} from generate_series(1, $4::integer) n) v
    """
