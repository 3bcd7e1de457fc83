"""Reading single records, each with everything that a change of it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fostr.domains.records.records.record import Record
from fostr.kernel.db.sql import prefix_names

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    import asyncpg

    from fostr.kernel.db.sql import Fragment
    from fostr.kernel.db.unit import Unit

_COLUMNS: Final = """
    r.id, r.recordset_id, r.title, r.status, r.field_values, r.tags, r.geometry, r.geometry_type, r.owner_id,
    r.import_id, r.created_by, r.updated_by, r.created_at, r.updated_at, r.deleted_at, r.version
"""
_FIND: Final = f"select {_COLUMNS} from records r where r.workspace_id = :workspace and r.id = :id"
# Others may still link to it meanwhile, and whoever deletes it waits for them.
_LOCK: Final = f"{_FIND} for no key update"


async def find_record(unit: Unit, record_id: UUID) -> Record | None:
    """Return a record, deleted or not."""
    row = await unit.row(_FIND, id=record_id)
    return None if row is None else _record(row)


async def lock_record(unit: Unit, record_id: UUID) -> Record | None:
    """Return a record as it is now, and let nobody else change it until the transaction ends."""
    row = await unit.row(_LOCK, id=record_id)
    return None if row is None else _record(row)


async def find_values(unit: Unit, record_id: UUID, *, columns: Fragment) -> dict[str, Any]:
    """Return values of a record `r` that is there, which the SQL gives as one JSON object."""
    text = f"select {columns.text} from records r where r.workspace_id = :workspace and r.id = :shown_id"
    return await unit.value(text, shown_id=record_id, **columns.params)


async def list_changes_since(unit: Unit, record_id: UUID, *, version: int) -> list[dict[str, Any]]:
    """Return what each change after a version of a record made of what it changed, in their order."""
    rows = await unit.rows(
        """
        select v.after from record_versions v
        where v.workspace_id = :workspace and v.record_id = :id and v.version > :version and v.after is not null
        order by v.version
        """,
        id=record_id,
        version=version,
    )
    return [row["after"] for row in rows]


async def list_visible(unit: Unit, record_ids: Sequence[UUID], *, sees: Fragment) -> set[UUID]:
    """Return which of some records, those in the trash too, meet a condition, their recordset not in the trash."""
    rows = await unit.rows(
        f"""
        select r.id from records r
        where r.workspace_id = :workspace and r.id = any(:ids::uuid[]) and {sees.text}
          and r.recordset_id in (
              select living.id from recordsets living
              where living.workspace_id = :workspace and living.deleted_at is null
          )
        """,
        ids=list(record_ids),
        **sees.params,
    )
    return {row["id"] for row in rows}


async def find_deletable(
    unit: Unit, record_ids: list[UUID], *, sees: Fragment, deletes: Fragment, recordset_id: UUID | None
) -> dict[UUID, bool]:
    """Return which of some records the caller can see, each with whether they may delete it.

    Args:
        unit: the unit of work.
        record_ids: the records.
        sees: the condition that the caller may see a record `r`, in any recordset.
        deletes: the same for deleting it.
        recordset_id: the only recordset to look in; None for all.
    """
    # Each of the two conditions stands for itself: they give their parameters other values.
    deleting = prefix_names(deletes, "delete_")
    rows = await unit.rows(
        f"""
        select r.id, coalesce({deleting.text}, false) as may_delete from records r
        where r.workspace_id = :workspace and r.id = any(:ids::uuid[]) and r.deleted_at is null and {sees.text}
          and r.recordset_id = coalesce(:recordset_id, r.recordset_id)
          and r.recordset_id in (
              select living.id from recordsets living
              where living.workspace_id = :workspace and living.deleted_at is null
          )
        """,
        ids=record_ids,
        recordset_id=recordset_id,
        **sees.params,
        **deleting.params,
    )
    return {row["id"]: row["may_delete"] for row in rows}


def _record(row: asyncpg.Record) -> Record:
    return Record(**dict(row.items()))
