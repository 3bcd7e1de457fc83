"""Fields that name members of the workspace: those whom a write names must be there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from fostr.domains.workspaces import public as workspaces

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fostr.domains.records.fields.model import Recordset
    from fostr.kernel.db.unit import Unit


async def find_strangers(unit: Unit, recordset: Recordset, rows: Sequence[dict[str, Any]]) -> list[dict[str, str]]:
    """Return the values that name nobody, or somebody who has left; one statement for any number of rows."""
    keys = [field.key for field in recordset.fields if field.type == "member"]
    named = [(place, key, values[key]) for place, values in enumerate(rows) for key in keys if values.get(key)]
    if not named:
        return []
    ids = {UUID(member_id) for _, _, value in named for member_id in value}
    there = {str(member_id) for member_id in await workspaces.list_present(unit, member_ids=sorted(ids))}
    return [
        {"row": str(place), "field": key, "reason": "names somebody who is no member of this workspace"}
        for place, key, value in named
        if not there.issuperset(value)
    ]
