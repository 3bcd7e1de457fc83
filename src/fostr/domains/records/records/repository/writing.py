"""Writing records: each statement changes the record, its search text, its history and its recordset's count at once.

Statements are constants: every one names all promoted columns, so that a recordset which promotes other fields, or
none, needs no other text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias
from uuid import UUID

from fostr.domains.records.records.record import DELETED
from fostr.domains.records.records.tables import PROMOTED, PROMOTED_NUMBER, PROMOTED_TEXT
from fostr.domains.records.recordsets.counts.repository import ADDED_UP, BULK_SHARD, pick_shard
from fostr.kernel.ids import new_id

if TYPE_CHECKING:
    from datetime import datetime

    from fostr.domains.records.fields.model import Recordset
    from fostr.domains.records.fields.shaping import Shaped
    from fostr.kernel.db.sql import Fragment
    from fostr.kernel.db.unit import Unit
    from fostr.kernel.events.outbox import Cause

Operation: TypeAlias = Literal["create", "update", "delete", "restore"]


@dataclass(frozen=True, slots=True)
class Content:
    """Everything in a record that somebody may write."""

    shaped: Shaped
    status: str
    tags: list[str]
    owner_id: UUID | None


@dataclass(frozen=True, slots=True)
class Change:
    """What the history tells of a write.

    Attributes:
        member_id: who made it.
        now: when.
        cause: why; every version that one bulk write makes carries the same.
        before: what changed, as it was: `field_values` with the changed keys, and any of `status`, `tags` and
            `owner_id` that changed. A key that had no value is None.
        after: the same, as it is.
    """

    member_id: UUID | None
    now: datetime
    cause: Cause | None
    before: dict[str, Any] = field(default_factory=dict[str, Any])
    after: dict[str, Any] = field(default_factory=dict[str, Any])


def _cast(column: str) -> str:
    if column in PROMOTED_TEXT:
        return "text"
    return "double precision" if column in PROMOTED_NUMBER else "timestamptz"


_PROMOTED_COLUMNS: Final = ", ".join(PROMOTED)
_PROMOTED_VALUES: Final = ", ".join(f":{column}::{_cast(column)}" for column in PROMOTED)
_PROMOTED_CHANGES: Final = ", ".join(f"{column} = :{column}" for column in PROMOTED)

# The lock on the recordset stands in for the foreign key that records do without.
_CREATE: Final = f"""
    with held as materialized (
        select s.id from recordsets s
        where s.workspace_id = :workspace and s.id = :recordset_id and s.fields_version = :fields_version
          and s.deleted_at is null
        for key share
    ), created as (
        insert into records
            (workspace_id, id, recordset_id, title, status, field_values, tags, geometry, geometry_type, bbox,
             {_PROMOTED_COLUMNS}, owner_id, created_by, updated_by, created_at, updated_at)
        select :workspace, :id, c.id, :title, :status, :field_values, :tags, :geometry, :geometry_type,
               :bbox::text::box, {_PROMOTED_VALUES}, :owner_id::uuid, :member::uuid, :member::uuid, :now, :now
        from held c
    ), found as (
        insert into record_search (workspace_id, record_id, recordset_id, document)
        select :workspace, :id, c.id, to_tsvector('simple', :search) from held c
    ), counted as (
        insert into recordset_counts (workspace_id, recordset_id, shard, count)
        select :workspace, c.id, :shard, 1 from held c
        {ADDED_UP}
    ), told as (%s)
    select true from held
"""
CREATED: Final = "held"
"""The relation in it that has a row when a record is created."""

_SEARCHED_AND_KEPT: Final = """
    searched as (
        insert into record_search (workspace_id, record_id, recordset_id, document)
        select :workspace, c.id, c.recordset_id, to_tsvector('simple', :search)
        from changed c where :search::text is not null
        on conflict (workspace_id, record_id) do update set document = excluded.document
    ), kept as (
        insert into record_versions
            (workspace_id, id, record_id, version, operation, before, after, cause, changed_by, changed_at)
        select :workspace, :version_id, c.id, c.version, :operation, :before, :after, :cause, :member::uuid, :now
        from changed c
    )
"""
_UPDATE: Final = f"""
    with held as materialized (
        select s.id from recordsets s
        where s.workspace_id = :workspace and s.id = :recordset_id and s.fields_version = :fields_version
        for key share
    ), changed as (
        update records r set
            title = :title, status = :status, field_values = :field_values, tags = :tags, geometry = :geometry,
            geometry_type = :geometry_type, bbox = :bbox::text::box, {_PROMOTED_CHANGES}, owner_id = :owner_id,
            updated_by = :member, updated_at = :now, version = r.version + 1
        from held h
        where r.workspace_id = :workspace and r.id = :id and r.recordset_id = h.id
        returning r.id, r.recordset_id, r.version
    ), {_SEARCHED_AND_KEPT}
    select c.version from changed c
"""

# Many versions need many ids at once: each is the one made for the write, with the 32 bits that are random in it
# counting instead. No other id shares the rest.
SERIES_ID: Final = "overlay(:series::text placing lpad(to_hex(%s), 8, '0') from 29)::uuid"
_DELETE: Final = f"""
    with chosen as materialized (
        select r.id, r.status from records r where %s and r.deleted_at is null order by r.id for update
    ), gone as (
        update records r set status = '{DELETED}', deleted_at = :now, deleted_by = :member, updated_by = :member,
            updated_at = :now, version = r.version + 1
        from chosen c
        where r.workspace_id = :workspace and r.id = c.id
        returning r.id, r.recordset_id, r.version, c.status
    ), kept as (
        insert into record_versions
            (workspace_id, id, record_id, version, operation, before, after, cause, changed_by, changed_at)
        select :workspace, {SERIES_ID % "row_number() over (order by g.id)"}, g.id, g.version, 'delete',
               jsonb_build_object('status', g.status), jsonb_build_object('status', '{DELETED}'),
               :cause, :member::uuid, :now
        from gone g
    ), numbers as materialized (
        select g.recordset_id, count(*) as count from gone g group by g.recordset_id
    ), counting as materialized (
        select s.id, n.count from recordsets s join numbers n on n.recordset_id = s.id
        where s.workspace_id = :workspace order by s.id for key share of s
    ), counted as (
        insert into recordset_counts (workspace_id, recordset_id, shard, count)
        select :workspace, c.id, {BULK_SHARD}, -c.count from counting c
        {ADDED_UP}
    )
"""
_DELETE_TELLING_COUNTS: Final = f"{_DELETE} select n.recordset_id, n.count from numbers n order by n.recordset_id"
_DELETE_TELLING_IDS: Final = f"{_DELETE} select g.id, g.recordset_id, g.version, g.status from gone g"
_RESTORE: Final = f"""
    with changed as (
        update records r set deleted_at = null, deleted_by = null, updated_by = :member, updated_at = :now,
            version = r.version + 1, status = coalesce((
                select v.before->>'status' from record_versions v
                where v.workspace_id = :workspace and v.record_id = :id and v.operation = 'delete'
                order by v.version desc limit 1
            ), 'active')
        where r.workspace_id = :workspace and r.id = :id and r.deleted_at is not null
        returning r.id, r.recordset_id, r.version, r.status
    ), kept as (
        insert into record_versions
            (workspace_id, id, record_id, version, operation, before, after, cause, changed_by, changed_at)
        select :workspace, :version_id, c.id, c.version, 'restore', :before, jsonb_build_object('status', c.status),
               :cause, :member::uuid, :now
        from changed c
    ), counting as materialized (
        select s.id from recordsets s join changed c on c.recordset_id = s.id
        where s.workspace_id = :workspace for key share of s
    ), counted as (
        insert into recordset_counts (workspace_id, recordset_id, shard, count)
        select :workspace, c.id, :shard, 1 from counting c
        {ADDED_UP}
    )
    select c.version, c.status from changed c
"""


async def insert_record(
    unit: Unit, record_id: UUID, *, recordset: Recordset, content: Content, change: Change, event: Fragment
) -> bool:
    """Insert a record, and the event that tells of it where `CREATED` has a row.

    Returns:
        whether the recordset still had the fields that the content was shaped by; else nothing is inserted.
    """
    created = await unit.value(
        _CREATE % event.text,
        id=record_id,
        recordset_id=recordset.id,
        fields_version=recordset.fields_version,
        shard=pick_shard(record_id),
        member=change.member_id,
        now=change.now,
        search=content.shaped.search,
        **event.params,
        **_columns(content),
    )
    return created is not None


async def update_record(
    unit: Unit,
    record_id: UUID,
    *,
    recordset: Recordset,
    operation: Operation,
    content: Content,
    change: Change,
    search_changed: bool,
) -> int | None:
    """Write a record that the transaction has locked, and what changed to its history; return the new version.

    Nothing when the recordset no longer has the fields that the content was shaped by.
    """
    return await unit.value(
        _UPDATE,
        id=record_id,
        recordset_id=recordset.id,
        fields_version=recordset.fields_version,
        operation=operation,
        version_id=new_id(),
        before=change.before,
        after=change.after,
        cause=change.cause,
        member=change.member_id,
        now=change.now,
        search=content.shaped.search if search_changed else None,
        **_columns(content),
    )


def _columns(content: Content) -> dict[str, Any]:
    shaped = content.shaped
    return {
        "title": shaped.title,
        "status": content.status,
        "field_values": shaped.values,
        "tags": content.tags,
        "geometry": shaped.geometry,
        "geometry_type": shaped.geometry_type,
        "bbox": shaped.bbox,
        "owner_id": content.owner_id,
        **_NOTHING_PROMOTED,
        **shaped.promoted,
    }


_NOTHING_PROMOTED: Final[dict[str, Any]] = dict.fromkeys(PROMOTED)


@dataclass(frozen=True, slots=True)
class Deleted:
    """A record that a statement moved to the trash, and the status that it had."""

    id: UUID
    recordset_id: UUID
    version: int
    status: str


async def delete_records(unit: Unit, condition: Fragment, *, change: Change) -> list[Deleted]:
    """Move the records `r` that meet a condition to the trash, and return them."""
    rows = await unit.rows(_DELETE_TELLING_IDS % condition.text, **condition.params, **_deleting(change))
    return [Deleted(**dict(row.items())) for row in rows]


async def delete_selected(unit: Unit, condition: Fragment, *, change: Change) -> int:
    """Move any number of records `r` of one recordset to the trash; return how many."""
    rows = await unit.rows(_DELETE_TELLING_COUNTS % condition.text, **condition.params, **_deleting(change))
    return sum(row["count"] for row in rows)


def _deleting(change: Change) -> dict[str, Any]:
    # The versions of a bulk write are the series that its cause's id begins: that is how they are found again.
    cause_id = None if change.cause is None else change.cause.id
    series = cause_id if isinstance(cause_id, UUID) else new_id()
    return {"series": str(series), "cause": change.cause, "member": change.member_id, "now": change.now}


async def restore_record(unit: Unit, record_id: UUID, *, change: Change) -> tuple[int, str] | None:
    """Take a record out of the trash; return its version and status, or nothing when it was not there."""
    row = await unit.row(
        _RESTORE,
        id=record_id,
        version_id=new_id(),
        shard=pick_shard(record_id),
        before={"status": DELETED},
        cause=change.cause,
        member=change.member_id,
        now=change.now,
    )
    return None if row is None else (row["version"], row["status"])
