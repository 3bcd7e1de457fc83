"""Statements about the workspace in which an account is activated."""

from uuid import UUID

from fostr.domains.identity.activation.schemas import ActivationWorkspace
from fostr.kernel.db.unit import Unit


async def find_workspace(unit: Unit, *, user_id: UUID, wanted: UUID | None) -> ActivationWorkspace | None:
    """Return the wanted workspace if the person belongs to it, else the first that they belong to."""
    row = await unit.row(
        """
        select w.id, w.name from memberships m
        join workspaces w on w.id = m.workspace_id and w.deleted_at is null
        where m.user_id = :user_id and m.status = 'active'
        order by (m.workspace_id = :wanted) desc nulls last, m.created_at, m.workspace_id limit 1
        """,
        user_id=user_id,
        wanted=wanted,
    )
    return None if row is None else ActivationWorkspace(**dict(row))
