"""Statements of this resource."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from fostr.kernel.db.unit import Unit


async def delete_activities(unit: Unit, ids: Sequence[UUID]) -> None:
    """Take what is gone from the log out of the feed."""
    await unit.run("delete from activities a where a.workspace_id = :workspace and a.id = any(:ids)", ids=list(ids))
