"""Workspaces with nobody in them, for tests of what lies below people and rights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fostr.kernel.ids import new_id

if TYPE_CHECKING:
    from uuid import UUID

    from fostr.kernel.runtime import Runtime


async def create_bare_workspace(runtime: Runtime) -> UUID:
    """Insert a workspace without members and return its id."""
    workspace = new_id()
    async with runtime.database.unit() as unit:
        await unit.run(
            "insert into workspaces (id, slug, name) values (:id, :slug, 'Bare')",
            id=workspace,
            slug=f"bare-{workspace.hex[-12:]}",
        )
    return workspace
