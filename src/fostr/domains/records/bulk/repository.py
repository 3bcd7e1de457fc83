"""Statements that write many records at once.

Each changes the records, their search text, their history and their recordset's count, whatever the number of rows. The
versions that one bulk write makes, and the records that it creates, have ids of one series: the 96 leading bits are
those of its cause's id, the last 32 count. So whatever it wrote is a range of a primary key, which no write pays for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import orjson

from fostr.domains.records.records.record import DELETED, Record
from fostr.domains.records.records.tables import PROMOTED, PROMOTED_NUMBER, PROMOTED_TEXT
from fostr.domains.records.recordsets.counts.repository import ADDED_UP, BULK_SHARD

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import asyncpg

    from fostr.domains.records.records.changes import Difference
    from fostr.domains.records.records.repository.writing import Content, Operation
    from fostr.kernel.db.sql import Fragment
    from fostr.kernel.db.unit import Unit
    from fostr.kernel.events.outbox import Cause

SERIES_BITS: Final = 32

_RECORD: Final = """
    r.id, r.recordset_id, r.title, r.status, r.field_values, r.tags, r.geometry, r.geometry_type, r.owner_id,
    r.import_id, r.created_by, r.updated_by, r.created_at, r.updated_at, r.deleted_at, r.version
"""


def series_id(series: UUID, place: int) -> UUID:
    """Return an id of a series by its place in it."""
    return UUID(int=series.int >> SERIES_BITS << SERIES_BITS | place)


def series_bounds(series: UUID) -> tuple[UUID, UUID]:
    """Return the least and the greatest id of a series."""
    return series_id(series, 0), series_id(series, (1 << SERIES_BITS) - 1)


@dataclass(frozen=True, slots=True)
class Change:
    """How a record that the transaction has locked is to change.

    Attributes:
        record: as it is.
        content: as it is to be; with the status of the trash it goes there, without it comes back.
        difference: between the two, for its history.
        search: the words by which it is found, when they change.
    """

    record: Record
    content: Content
    difference: Difference
    search: str | None

    @property
    def operation(self) -> Operation:
        """What its history calls it."""
        if self.content.status == DELETED:
            return "delete"
        return "restore" if self.record.status == DELETED else "update"

    @property
    def counted(self) -> int:
        """By how much it changes the number of records that are not in the trash."""
        return {"delete": -1, "restore": 1}.get(self.operation, 0)


@dataclass(frozen=True, slots=True)
class Signature:
    """What every row of a bulk write says of who made it, when and why.

    Attributes:
        series: the cause's id.
    """

    series: UUID
    cause: Cause
    member_id: UUID | None
    now: datetime


@dataclass(frozen=True, slots=True)
class Found:
    """A locked record, and what row rules leave the caller of it."""

    record: Record
    sees: bool
    edits: bool
    deletes: bool


def _cast(column: str) -> str:
    if column in PROMOTED_TEXT:
        return "text"
    return "double precision" if column in PROMOTED_NUMBER else "timestamptz"


_COLUMNS: Final = ", ".join(PROMOTED)
_ARRAYS: Final = ", ".join(f":{name}::{_cast(name)}[]" for name in PROMOTED)
_SET: Final = ", ".join(f"{name} = d.{name}" for name in PROMOTED)

_GIVEN: Final = f"""
    given as materialized (
        select d.place, d.id, d.title, d.status, d.field_values::jsonb as field_values, d.tags::jsonb as tags,
               d.geometry::jsonb as geometry, d.geometry_type, d.bbox::box as bbox, d.owner_id, d.search, {_COLUMNS}
               %(columns)s
        from unnest(
            :places::integer[], :ids::uuid[], :titles::text[], :statuses::text[], :documents::text[], :tags::text[],
            :geometries::text[], :geometry_types::text[], :boxes::text[], :owners::uuid[], :searches::text[],
            {_ARRAYS} %(arrays)s
        ) as d (place, id, title, status, field_values, tags, geometry, geometry_type, bbox, owner_id, search,
                {_COLUMNS} %(names)s)
    )
"""
_TAGS: Final = "array(select jsonb_array_elements_text(d.tags))"

_INSERT: Final = f"""
    with {_GIVEN % {"columns": "", "arrays": "", "names": ""}}, created as (
        insert into records
            (workspace_id, id, recordset_id, title, status, field_values, tags, geometry, geometry_type, bbox,
             {_COLUMNS}, owner_id, created_by, updated_by, created_at, updated_at)
        select :workspace, d.id, :recordset_id, d.title, d.status, d.field_values, {_TAGS}, d.geometry,
               d.geometry_type, d.bbox, {_COLUMNS}, d.owner_id, :member::uuid, :member::uuid, :now, :now
        from given d order by d.place
    ), counted as (
        insert into recordset_counts (workspace_id, recordset_id, shard, count)
        select :workspace, :recordset_id, {BULK_SHARD}, :delta::bigint
        {ADDED_UP}
    )
    insert into record_search (workspace_id, record_id, recordset_id, document)
    select :workspace, d.id, :recordset_id, to_tsvector('simple', d.search) from given d
"""

_MORE: Final = {
    "columns": ", d.operation, d.before, d.after",
    "arrays": ", :operations::text[], :befores::text[], :afters::text[]",
    "names": ", operation, before, after",
}
_CHANGE: Final = f"""
    with {_GIVEN % _MORE}, changed as (
        update records r set
            title = d.title, status = d.status, field_values = d.field_values, tags = {_TAGS},
            geometry = d.geometry, geometry_type = d.geometry_type, bbox = d.bbox, {_SET}, owner_id = d.owner_id,
            deleted_at = case when d.status = '{DELETED}' then coalesce(r.deleted_at, :now::timestamptz) end,
            deleted_by = case when d.status = '{DELETED}' then coalesce(r.deleted_by, :member::uuid) end,
            updated_by = :member, updated_at = :now, version = r.version + 1
        from given d
        where r.workspace_id = :workspace and r.id = d.id and r.recordset_id = :recordset_id
        returning r.id, r.version
    ), searched as (
        insert into record_search (workspace_id, record_id, recordset_id, document)
        select :workspace, d.id, :recordset_id, to_tsvector('simple', d.search) from given d where d.search is not null
        on conflict (workspace_id, record_id) do update set document = excluded.document
    ), kept as (
        insert into record_versions
            (workspace_id, id, record_id, version, operation, before, after, cause, changed_by, changed_at)
        select :workspace, overlay(:series::text placing lpad(to_hex(d.place), 8, '0') from 29)::uuid, c.id, c.version,
               d.operation, d.before::jsonb, d.after::jsonb, :cause, :member::uuid, :now
        from changed c join given d on d.id = c.id
    ), counted as (
        insert into recordset_counts (workspace_id, recordset_id, shard, count)
        select :workspace, :recordset_id, {BULK_SHARD}, :delta::bigint where :delta::bigint <> 0
        {ADDED_UP}
    )
    select c.id, c.version from changed c
"""


async def insert_records(
    unit: Unit, contents: Sequence[Content], *, recordset_id: UUID, signature: Signature, first: int = 1
) -> list[UUID]:
    """Insert records of a recordset that the transaction has locked, and return their ids.

    Args:
        unit: the transaction.
        contents: what is in each.
        recordset_id: where.
        signature: whose series the ids are of.
        first: the place of the first in it.
    """
    ids = [series_id(signature.series, first + place) for place in range(len(contents))]
    await unit.run(
        _INSERT,
        recordset_id=recordset_id,
        delta=len(contents),
        member=signature.member_id,
        now=signature.now,
        places=list(range(first, first + len(contents))),
        ids=ids,
        searches=[content.shaped.search for content in contents],
        **_columns(contents),
    )
    return ids


async def change_records(
    unit: Unit, changes: Sequence[Change], *, recordset_id: UUID, signature: Signature, first: int = 1
) -> dict[UUID, int]:
    """Change records of one recordset, which the transaction has locked as well; return their new versions.

    Args:
        unit: the transaction.
        changes: the changes, one to a record.
        recordset_id: whose records they are.
        signature: whose series the versions' ids are of.
        first: the place of the first in it.
    """
    rows = await unit.rows(
        _CHANGE,
        recordset_id=recordset_id,
        delta=sum(change.counted for change in changes),
        series=str(signature.series),
        cause=signature.cause,
        member=signature.member_id,
        now=signature.now,
        places=list(range(first, first + len(changes))),
        ids=[change.record.id for change in changes],
        searches=[change.search for change in changes],
        operations=[change.operation for change in changes],
        befores=[_write(change.difference.before) for change in changes],
        afters=[_write(change.difference.after) for change in changes],
        **_columns([change.content for change in changes]),
    )
    return {row["id"]: row["version"] for row in rows}


def _columns(contents: Sequence[Content]) -> dict[str, list[Any]]:
    shaped = [content.shaped for content in contents]
    promoted: dict[str, list[Any]] = {name: [entry.promoted.get(name) for entry in shaped] for name in PROMOTED}
    return {
        "titles": [entry.title for entry in shaped],
        "statuses": [content.status for content in contents],
        "documents": [_write(entry.values) for entry in shaped],
        "tags": [_write(content.tags) for content in contents],
        "geometries": [None if entry.geometry is None else _write(entry.geometry) for entry in shaped],
        "geometry_types": [entry.geometry_type for entry in shaped],
        "boxes": [entry.bbox for entry in shaped],
        "owners": [content.owner_id for content in contents],
        **promoted,
    }


def _write(value: Any) -> str:
    return orjson.dumps(value, default=str).decode()


def _flags(sees: Fragment, edits: Fragment, deletes: Fragment) -> tuple[str, dict[str, Any]]:
    text = f"""
        coalesce({sees.text}, false) as sees, coalesce({edits.text}, false) as edits,
        coalesce({deletes.text}, false) as deletes
    """
    return text, {**sees.params, **edits.params, **deletes.params}


async def lock_records(
    unit: Unit, ids: Sequence[UUID], *, recordset_id: UUID, sees: Fragment, edits: Fragment, deletes: Fragment
) -> dict[UUID, Found]:
    """Return records of a recordset, those in its trash among them, and let nobody else change them.

    Args:
        unit: the transaction.
        ids: the records.
        recordset_id: the recordset; records of others are not found.
        sees: the condition of row rules under which the caller sees a record `r`.
        edits: the same, to change it.
        deletes: the same, to delete it.
    """
    flags, params = _flags(sees, edits, deletes)
    rows = await unit.rows(
        f"""
        select {_RECORD}, {flags} from records r
        where r.workspace_id = :workspace and r.recordset_id = :locked_recordset and r.id = any(:locked_ids::uuid[])
        order by r.id for update of r
        """,
        locked_recordset=recordset_id,
        locked_ids=list(ids),
        **params,
    )
    return {row["id"]: _found(row) for row in rows}


async def lock_selected(unit: Unit, condition: Fragment, *, after: UUID, limit: int) -> list[Record]:
    """Return the next records `r`, by id, that meet a condition, and let nobody else change them."""
    rows = await unit.rows(
        f"""
        select {_RECORD} from records r where {condition.text} and r.id > :locked_after
        order by r.id limit :locked_most for update of r
        """,
        locked_after=after,
        locked_most=limit,
        **condition.params,
    )
    return [Record(**dict(row)) for row in rows]


def _found(row: asyncpg.Record) -> Found:
    given = dict(row)
    sees, edits, deletes = given.pop("sees"), given.pop("edits"), given.pop("deletes")
    return Found(record=Record(**given), sees=sees, edits=edits, deletes=deletes)


async def lock_keys(unit: Unit, keys: Sequence[int]) -> None:
    """Hold natural keys until the transaction ends, so that nobody else looks for them meanwhile."""
    await unit.run(
        "select pg_advisory_xact_lock(k.key) from (select unnest(:keys::bigint[]) as key) as k", keys=sorted(keys)
    )


async def list_matches(
    unit: Unit, condition: Fragment, *, match_on: Sequence[str], promoted: tuple[str, list[Any]] | None, keys: list[str]
) -> list[tuple[int, UUID]]:
    """Return which records `r` that meet a condition have the values of which natural key, by the key's place.

    Args:
        unit: the transaction.
        condition: SQL, the workspace in it.
        match_on: the keys of the fields.
        promoted: the typed column of one of them and the values in it, when there is one: it leads there by its index.
        keys: the values, each a JSON array in the order of `match_on`.
    """
    same = " and ".join(f"r.field_values->'{key}' = k.key->{place}" for place, key in enumerate(match_on))
    column, values = promoted or ("", [])
    quick = f"and r.{column} = k.promoted" if promoted else ""
    cast = _cast(column) if promoted else "text"
    rows = await unit.rows(
        f"""
        with keys as materialized (
            select d.place, d.key::jsonb as key, d.promoted
            from unnest(:match_keys::text[], :match_promoted::{cast}[]) with ordinality as d (key, promoted, place)
        )
        select k.place::integer - 1 as place, r.id from keys k join records r on {same} {quick}
        where {condition.text}
        order by k.place, r.id
        """,
        match_keys=keys,
        match_promoted=values or [None] * len(keys),
        **condition.params,
    )
    return [(row["place"], row["id"]) for row in rows]


async def list_members(unit: Unit, member_ids: Sequence[UUID]) -> set[UUID]:
    """Return which ids are those of members who have not left."""
    if not member_ids:
        return set()
    rows = await unit.rows(
        """
        select m.id from members m
        where m.workspace_id = :workspace and m.id = any(:ids::uuid[]) and m.status <> 'removed'
        """,
        ids=list(member_ids),
    )
    return {row["id"] for row in rows}
