"""Statements about workspaces by their names in addresses."""

from uuid import UUID

from fostr.kernel.db.unit import Unit


async def find_workspace_id(unit: Unit, *, slug: str) -> UUID | None:
    found = await unit.look_up("select id from workspaces where slug = :slug and deleted_at is null", slug=slug)
    return None if found is None else found["id"]
