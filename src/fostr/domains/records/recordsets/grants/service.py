"""Grant access to a recordset, and take it back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fostr.domains.records.permissions import GRANTS, VIEW
from fostr.domains.records.recordsets.grants import repository
from fostr.domains.records.recordsets.grants.schemas import Grant, GrantCreate
from fostr.domains.records.recordsets.reach import Reached, RecordsetNotFound
from fostr.domains.records.recordsets.repository import lock_recordset
from fostr.domains.workspaces import public as workspaces
from fostr.kernel.events import outbox
from fostr.kernel.http.errors import NotFound
from fostr.kernel.ids import new_id

if TYPE_CHECKING:
    from uuid import UUID

    from fostr.domains.records.recordsets.grants.repository import GranteeColumn
    from fostr.kernel.http.paging import Page, Slice


class GrantNotFound(NotFound):
    """Nothing is granted to this member or team."""

    code = "grant_not_found"
    detail = "Nothing is granted to them on this recordset."


async def list_grants(target: Reached, *, part: Slice) -> Page[Grant]:
    """Return who was granted what on a recordset."""
    recordset_id = target.recordset.id
    rows = await repository.list_grants(target.unit, recordset_id, limit=part.limit, offset=part.offset)
    total = await repository.count_grants(target.unit, recordset_id)
    return part.page([Grant(**dict(row)) for row in rows], total=total)


async def create_grant(target: Reached, *, data: GrantCreate) -> Grant:
    """Grant actions to a member or a team, in place of what was granted to them before.

    Raises:
        RecordsetNotFound: the recordset was deleted for good in the meantime.
        MemberNotFound: there is no such member in the workspace.
        TeamNotFound: there is no such team in the workspace.
    """
    context, unit, recordset_id = target.context, target.unit, target.recordset.id
    column, grantee = await _check_grantee(target, data)
    if not await lock_recordset(unit, recordset_id):
        raise RecordsetNotFound
    before = await repository.find_grant(unit, recordset_id, column=column, grantee=grantee)
    await repository.save_grant(
        unit,
        recordset_id,
        id=new_id(),
        column=column,
        grantee=grantee,
        actions=[action for action in GRANTS if action in {VIEW, *data.actions}],
        granted_by=context.member_id,
        now=context.now,
    )
    grant = await repository.find_grant(unit, recordset_id, column=column, grantee=grantee)
    assert grant is not None  # noqa: S101 - it was written a statement ago
    was = None if before is None else _facts(dict(before))
    await _record(target, "access_granted", before=was, after=_facts(dict(grant)))
    return Grant(**dict(grant))


async def _check_grantee(target: Reached, data: GrantCreate) -> tuple[GranteeColumn, UUID]:
    if data.member_id is not None:
        await workspaces.check_member_exists(target.unit, member_id=data.member_id)
        return "member_id", data.member_id
    assert data.team_id is not None  # noqa: S101 - the schema asks for one of the two
    await workspaces.check_team_exists(target.unit, team_id=data.team_id)
    return "team_id", data.team_id


async def delete_grant(target: Reached, *, column: GranteeColumn, grantee: UUID) -> None:
    """Take what is granted from a member or a team.

    Raises:
        GrantNotFound: nothing was granted to them.
    """
    actions = await repository.delete_grant(target.unit, target.recordset.id, column=column, grantee=grantee)
    if actions is None:
        raise GrantNotFound
    was = _facts({"member_id": None, "team_id": None, column: grantee, "actions": actions})
    await _record(target, "access_revoked", before=was)


def _facts(grant: dict[str, Any]) -> dict[str, Any]:
    return {name: grant[name] for name in ("member_id", "team_id", "actions")}


async def _record(
    target: Reached, happened: str, *, before: dict[str, Any] | None = None, after: dict[str, Any] | None = None
) -> None:
    await workspaces.bump_rights_epoch(target.unit, workspace_id=target.context.workspace_id)
    await outbox.record(
        target.context,
        type=f"recordset.{happened}",
        entity="recordset",
        entity_id=target.recordset.id,
        before=before,
        after=after,
    )
