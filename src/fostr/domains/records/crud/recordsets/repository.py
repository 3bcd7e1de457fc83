"""Statements that look after the numbers of records."""

from uuid import UUID

from fostr.domains.records.recordsets.counts.repository import count_of
from fostr.kernel.db.unit import Unit


async def list_miscounted(unit: Unit) -> list[UUID]:
    """Return the recordsets whose number of records is not what there is, both as one snapshot shows them."""
    rows = await unit.rows(
        f"""
        select s.id from recordsets s
        left join (
            select r.recordset_id, count(*) as count from records r
            where r.workspace_id = :workspace and r.deleted_at is null group by r.recordset_id
        ) there on there.recordset_id = s.id
        where s.workspace_id = :workspace and coalesce(there.count, 0) <> {count_of("s.id")}
        order by s.id
        """
    )
    return [row["id"] for row in rows]


async def count_recordsets(unit: Unit) -> int:
    """Return how many recordsets there are, those in the trash included."""
    return await unit.value("select count(*) from recordsets s where s.workspace_id = :workspace")
