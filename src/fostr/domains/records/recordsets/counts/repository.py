"""How many records a recordset has, kept in shards so that writers do not wait for each other.

Every statement that creates, deletes or restores records adds to a shard in the same transaction, while it holds the
recordset's row: whoever counts anew locks that row first, and so counts what the shards are about to say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from uuid import UUID

    from fostr.kernel.db.unit import Unit

SHARDS: Final = 32
"""Single records are counted in the first of these shards, by their ids."""
BULK_SHARD: Final = SHARDS
"""What writes many records at once counts them here, so that nobody who writes one waits for it."""

ADDED_UP: Final = """
    on conflict (workspace_id, recordset_id, shard) do update set count = recordset_counts.count + excluded.count
"""
"""The end of an insert into `recordset_counts`."""


def count_of(recordset: str) -> str:
    """Return SQL of the number of a recordset's records, those in the trash left out.

    Args:
        recordset: SQL of the recordset's id.
    """
    return f"""
        (select coalesce(sum(n.count), 0)::bigint from recordset_counts n
         where n.workspace_id = :workspace and n.recordset_id = {recordset})
    """


RECORD_COUNT: Final = count_of("s.id")
"""The same of a recordset `s`."""


def pick_shard(record_id: UUID) -> int:
    """Return the shard in which a record is counted that is written by itself; the end of its id is random."""
    return record_id.int % SHARDS


async def get_count(unit: Unit, recordset_id: UUID) -> int:
    """Return how many records a recordset has, those in the trash left out."""
    return await unit.value(f"select {count_of(':id')}", id=recordset_id)


async def count_anew(unit: Unit, recordset_id: UUID) -> None:
    """Set the number of a recordset's records to what there is; the recordset is locked for change."""
    await unit.run(
        "delete from recordset_counts n where n.workspace_id = :workspace and n.recordset_id = :id", id=recordset_id
    )
    await unit.run(
        f"""
        insert into recordset_counts (workspace_id, recordset_id, shard, count)
        select :workspace, :id, {BULK_SHARD}, count(*) from records r
        where r.workspace_id = :workspace and r.recordset_id = :id and r.deleted_at is null
        """,
        id=recordset_id,
    )
