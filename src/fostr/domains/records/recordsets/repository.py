"""Statements on recordsets, their fields and grants."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import orjson

from fostr.domains.records.fields.model import Field, Recordset
from fostr.domains.records.fields.system import SYSTEM
from fostr.domains.records.recordsets.counts.repository import RECORD_COUNT
from fostr.domains.records.rules.repository import LIMITS
from fostr.domains.records.rules.rule import NO_LIMITS, Limits, parse_limits
from fostr.kernel.access.evaluator import Standing

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    import asyncpg

    from fostr.kernel.db.sql import Fragment
    from fostr.kernel.db.unit import Unit

_FIELDS: Final = """
    (select json_agg(json_build_object(
         'id', f.id, 'key', f.key, 'name', f.name, 'type', f.type, 'position', f.position,
         'is_required', f.is_required, 'options', f.options, 'hidden_from', f.hidden_from,
         'read_only_for', f.read_only_for, 'promoted_to', f.promoted_to,
         'is_promotion_filled', f.is_promotion_filled, 'is_removed', f.removed_at is not null, 'retyping', f.retyping
     ) order by f.position, f.id)::text
     from recordset_fields f where f.workspace_id = :workspace and f.recordset_id = s.id)
"""
_GRANTED: Final = """
    (select coalesce(array_agg(distinct a.action), '{}')
     from recordset_grants g cross join lateral unnest(g.actions) as a (action)
     where g.workspace_id = :workspace and g.recordset_id = s.id and (
         g.member_id = :member
         or g.team_id in (
             select t.team_id from team_members t
             join teams a on a.workspace_id = :workspace and a.id = t.team_id and a.is_active
             where t.workspace_id = :workspace and t.member_id = :member
         )
     ))
"""
_LOAD: Final = f"""
    select s.id, s.slug, s.name, s.mode, s.settings, s.owner_id, s.version,
           s.fields_version, s.synced_version, s.deleted_at, {_FIELDS} as fields, {_GRANTED} as granted,
           {LIMITS} as limits
    from recordsets s
    where s.workspace_id = :workspace and %s
"""
_LOAD_BY_ID: Final = _LOAD % "s.id = :id"
_LOAD_SOME: Final = _LOAD % "s.id = any(:ids::uuid[])"
_LOAD_BY_SLUG: Final = _LOAD % "s.slug = :slug"
_LOAD_LIMITED: Final = (
    _LOAD
    % """s.id in (
    select u.recordset_id from recordset_rules u
    where u.workspace_id = :workspace and u.is_active and (
        u.for_everybody or u.roles && :roles::text[] or :member = any(u.member_ids) or u.team_ids && array(
            select t.team_id from team_members t where t.workspace_id = :workspace and t.member_id = :member
        )
    )
)"""
)


@dataclass(frozen=True, slots=True)
class LoadedRecordset:
    """A recordset, how the member who asks stands to it, and the row rules that may limit them."""

    recordset: Recordset
    standing: Standing
    limits: Limits = NO_LIMITS


@dataclass(frozen=True, slots=True)
class StoredFields:
    """The fields of a recordset, and the keys of those that are being removed."""

    fields: tuple[Field, ...]
    removed: frozenset[str]


async def find_recordset(unit: Unit, reference: UUID | str, *, member_id: UUID) -> LoadedRecordset | None:
    """Return a recordset with its fields and the member's grants, by id or slug, the trash included."""
    if isinstance(reference, UUID):
        row = await unit.row(_LOAD_BY_ID, id=reference, member=member_id)
    else:
        row = await unit.row(_LOAD_BY_SLUG, slug=reference, member=member_id)
    return None if row is None else _loaded(row, member_id)


async def list_by_ids(unit: Unit, recordset_ids: Collection[UUID], *, member_id: UUID) -> list[LoadedRecordset]:
    """Return those of some recordsets that are there, like `find_recordset`."""
    rows = await unit.rows(_LOAD_SOME, ids=list(recordset_ids), member=member_id)
    return [_loaded(row, member_id) for row in rows]


def _loaded(row: asyncpg.Record, member_id: UUID) -> LoadedRecordset:
    standing = Standing(owns_object=row["owner_id"] == member_id, grants=frozenset(row["granted"]))
    return LoadedRecordset(recordset=_recordset(row), standing=standing, limits=parse_limits(row["limits"]))


async def list_limited(unit: Unit, *, member_id: UUID, roles: Collection[str]) -> list[LoadedRecordset]:
    """Return the recordsets of which a row rule names everybody, the member, a team of theirs, or one of the roles."""
    rows = await unit.rows(_LOAD_LIMITED, member=member_id, roles=sorted(roles))
    return [_loaded(row, member_id) for row in rows]


async def find_definition(unit: Unit, recordset_id: UUID) -> Recordset | None:
    """Return a recordset as nobody in particular sees it: for jobs, and for what was permitted already."""
    row = await unit.row(_LOAD_BY_ID, id=recordset_id, member=None)
    return None if row is None else _recordset(row)


def _recordset(row: asyncpg.Record) -> Recordset:
    stored = parse_fields(row["fields"] or "[]")
    return Recordset(
        id=row["id"],
        slug=row["slug"],
        name=row["name"],
        mode=row["mode"],
        settings=row["settings"],
        owner_id=row["owner_id"],
        version=row["version"],
        deleted=row["deleted_at"] is not None,
        fields=stored.fields,
        fields_version=row["fields_version"],
        synced_version=row["synced_version"],
        removed=stored.removed,
    )


@lru_cache(maxsize=1024)
def parse_fields(text: str) -> StoredFields:
    """Return the fields that PostgreSQL wrote as JSON; cached by the text, so never out of date."""
    entries: list[dict[str, Any]] = orjson.loads(text)
    return StoredFields(
        fields=tuple(_field(entry) for entry in entries if not entry["is_removed"]),
        removed=frozenset(entry["key"] for entry in entries if entry["is_removed"]),
    )


def _field(entry: dict[str, Any]) -> Field:
    return Field(
        id=UUID(entry["id"]),
        key=entry["key"],
        name=entry["name"],
        type=entry["type"],
        position=entry["position"],
        is_required=entry["is_required"],
        options=entry["options"],
        hidden_from=frozenset(entry["hidden_from"]),
        read_only_for=frozenset(entry["read_only_for"]),
        promoted_to=entry["promoted_to"] if entry["is_promotion_filled"] else None,
        filling=None if entry["is_promotion_filled"] else entry["promoted_to"],
        computed=SYSTEM.get(entry["type"]),
        retyping=entry["retyping"],
    )


async def lock_recordset(unit: Unit, recordset_id: UUID, *, fields_version: int | None = None) -> bool:
    """Keep a recordset from being changed or deleted for good until the transaction ends; say whether it is there.

    Whatever inserts records calls this first: it stands in for the foreign key that records do without.

    Args:
        unit: the transaction.
        recordset_id: the recordset.
        fields_version: the one that the records were shaped by. When the recordset has another by now, the answer is
            false: read it again, and shape the records anew.
    """
    return (
        await unit.value(
            """
            select true from recordsets s
            where s.workspace_id = :workspace and s.id = :id
              and s.fields_version = coalesce(:fields_version::integer, s.fields_version)
            for key share
            """,
            id=recordset_id,
            fields_version=fields_version,
        )
        is not None
    )


async def lock_for_change(unit: Unit, recordset_id: UUID) -> bool:
    """Let nobody change a recordset or write records into it until the transaction ends; say whether it is there."""
    return (
        await unit.value(
            "select true from recordsets s where s.workspace_id = :workspace and s.id = :id for update",
            id=recordset_id,
        )
        is not None
    )


_PROFILE: Final = f"""
    s.id, s.slug, s.name, s.description, s.type, s.mode, s.icon, s.color, s.settings, s.owner_id, s.is_active,
    {RECORD_COUNT} as record_count, s.created_by, s.created_at, s.updated_at, s.version
"""


async def get_profile(unit: Unit, recordset_id: UUID) -> dict[str, Any]:
    """Return what people see of a recordset that is there."""
    row = await unit.row(
        f"select {_PROFILE} from recordsets s where s.workspace_id = :workspace and s.id = :id", id=recordset_id
    )
    if row is None:
        raise LookupError(recordset_id)
    return dict(row)


@dataclass(frozen=True, slots=True)
class Listing:
    """Which recordsets are listed."""

    allowed: Fragment
    search: str | None = None
    type: str | None = None
    is_active: bool | None = None

    @property
    def condition(self) -> str:
        """The condition on a recordset `s`."""
        return f"""
            s.workspace_id = :workspace and s.deleted_at is null and {self.allowed.text}
            and (:pattern::text is null or s.name ilike :pattern or s.slug ilike :pattern
                 or s.description ilike :pattern)
            and (:type::text is null or s.type = :type)
            and (:is_active::boolean is null or s.is_active = :is_active)
        """

    @property
    def params(self) -> dict[str, Any]:
        """The values of the condition's parameters."""
        return {
            **self.allowed.params,
            "pattern": None if self.search is None else contains(self.search),
            "type": self.type,
            "is_active": self.is_active,
        }


def contains(text: str) -> str:
    """Return the pattern of `ilike` for texts that contain a text."""
    escaped = text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    return f"%{escaped}%"


async def list_recordsets(
    unit: Unit, listing: Listing, *, member_id: UUID, limit: int, offset: int
) -> list[asyncpg.Record]:
    """Return a part of the recordsets, by name, each with the actions that are granted to the member."""
    return await unit.rows(
        f"""
        select {_PROFILE}, {_GRANTED} as granted
        from recordsets s where {listing.condition}
        order by lower(s.name), s.id limit :limit offset :offset
        """,
        **listing.params,
        member=member_id,
        limit=limit,
        offset=offset,
    )


async def count_recordsets(unit: Unit, listing: Listing) -> int:
    """Return how many recordsets there are in a listing."""
    return await unit.value(f"select count(*) from recordsets s where {listing.condition}", **listing.params)


async def list_slugs(unit: Unit, slug: str) -> set[str]:
    """Return the slugs that are taken, the trash included, of those that are `slug` or begin with it and a dash."""
    rows = await unit.rows(
        """
        select s.slug from recordsets s
        where s.workspace_id = :workspace and (s.slug = :slug or s.slug like :slug || '-%')
        """,
        slug=slug,
    )
    return {row["slug"] for row in rows}


async def insert_recordset(unit: Unit, values: Mapping[str, Any]) -> bool:
    """Insert a recordset without fields, owned by who creates it; say whether its slug was free."""
    inserted = await unit.run(
        """
        insert into recordsets
            (workspace_id, id, slug, name, description, type, mode, icon, color, settings, owner_id, created_by,
             created_at, updated_at)
        values
            (:workspace, :id, :slug, :name, :description, :type, :mode, :icon, :color, :settings, :member, :member,
             :now, :now)
        on conflict (workspace_id, slug) do nothing
        """,
        **values,
    )
    return inserted == 1


async def update_recordset(unit: Unit, recordset: Recordset, values: Mapping[str, Any]) -> None:
    """Write what an update changes, and count the version up."""
    await unit.run(
        """
        update recordsets s
        set name = :name, description = :description, type = :type, mode = :mode, icon = :icon, color = :color,
            is_active = :is_active, settings = :settings, fields_version = :fields_version,
            synced_version = :synced_version, updated_at = :now, version = s.version + 1
        where s.workspace_id = :workspace and s.id = :id
        """,
        **values,
        id=recordset.id,
        mode=recordset.mode,
        settings=recordset.settings,
        fields_version=recordset.fields_version,
        synced_version=recordset.synced_version,
    )


async def save_fields(unit: Unit, recordset_id: UUID, fields: Sequence[Field]) -> None:
    """Insert fields, and write those that are there already anew."""
    await unit.run(
        """
        insert into recordset_fields
            (workspace_id, id, recordset_id, key, name, type, position, is_required, options, hidden_from,
             read_only_for, promoted_to, is_promotion_filled, retyping)
        select :workspace, d.id, :recordset_id, d.key, d.name, d.type, d.position, d.is_required, d.options,
               d.hidden_from, d.read_only_for, d.promoted_to, d.is_promotion_filled, d.retyping
        from jsonb_to_recordset(:fields::jsonb) as d (
            id uuid, key text, name text, type text, position integer, is_required boolean, options jsonb,
            hidden_from text[], read_only_for text[], promoted_to text, is_promotion_filled boolean, retyping jsonb
        )
        on conflict (workspace_id, id) do update
        set name = excluded.name, type = excluded.type, position = excluded.position,
            is_required = excluded.is_required, options = excluded.options, hidden_from = excluded.hidden_from,
            read_only_for = excluded.read_only_for, promoted_to = excluded.promoted_to,
            is_promotion_filled = excluded.is_promotion_filled, retyping = excluded.retyping
        """,
        recordset_id=recordset_id,
        fields=[_stored(field) for field in fields],
    )


def _stored(field: Field) -> dict[str, Any]:
    return {
        "id": field.id,
        "key": field.key,
        "name": field.name,
        "type": field.type,
        "position": field.position,
        "is_required": field.is_required,
        "options": field.options,
        "hidden_from": sorted(field.hidden_from),
        "read_only_for": sorted(field.read_only_for),
        "promoted_to": field.slot,
        "is_promotion_filled": field.filling is None,
        "retyping": field.retyping,
    }


async def release_columns(unit: Unit, field_ids: Sequence[UUID]) -> None:
    """Take the promoted columns from fields, so that others can have them."""
    await unit.run(
        """
        update recordset_fields f set promoted_to = null, is_promotion_filled = true
        where f.workspace_id = :workspace and f.id = any(:ids::uuid[])
        """,
        ids=list(field_ids),
    )


async def mark_fields_removed(unit: Unit, field_ids: Sequence[UUID], *, now: datetime) -> None:
    """Take fields away, all but the key, which is kept until the values are gone."""
    await unit.run(
        """
        update recordset_fields f set removed_at = :now, promoted_to = null, is_promotion_filled = true
        where f.workspace_id = :workspace and f.id = any(:ids::uuid[])
        """,
        ids=list(field_ids),
        now=now,
    )


async def list_custom_roles(unit: Unit, *, workspace_id: UUID) -> set[str]:
    """Return the keys of the roles that the workspace has added or changed."""
    rows = await unit.rows("select r.key from roles r where r.workspace_id = :workspace_id", workspace_id=workspace_id)
    return {row["key"] for row in rows}
