"""Operations on the access to a recordset."""

from typing import Annotated
from uuid import UUID

from fostr.domains.records.modules import RECORDS
from fostr.domains.records.recordsets.grants import service
from fostr.domains.records.recordsets.grants.schemas import Grant, GrantCreate
from fostr.domains.records.recordsets.grants.service import GrantNotFound
from fostr.domains.records.recordsets.reach import ActionForbidden, Reached, RecordsetNotFound, recordset_in_path
from fostr.kernel.http.errors import raises
from fostr.kernel.http.paging import Page, Slice, numbered
from fostr.kernel.http.routing import Router

router = Router(prefix="/recordsets/{recordset}/access", tags=["Recordsets"], module=RECORDS)

Administered = Annotated[Reached, recordset_in_path("administer")]


@router.get("", responses=raises(RecordsetNotFound, ActionForbidden))
async def list(  # noqa: A001 - endpoints are bare verbs
    target: Administered, part: Annotated[Slice, numbered(size=100, most=500)]
) -> Page[Grant]:
    """List who was granted what on a recordset.

    Owners and administrators of the workspace, and the recordset's owner, need no grant and are not listed for it.
    Needs `can_admin` on the recordset.
    """
    return await service.list_grants(target, part=part)


@router.post("", status_code=201, responses=raises(RecordsetNotFound, ActionForbidden))
async def create(target: Administered, data: GrantCreate) -> Grant:
    """Grant access to a member or a team.

    Takes the place of what was granted to them before, and holds from the next request on. What their role in the
    workspace does not allow, no grant allows. Needs `can_admin` on the recordset.
    """
    return await service.create_grant(target, data=data)


@router.delete(
    "/members/{member_id}", status_code=204, responses=raises(RecordsetNotFound, ActionForbidden, GrantNotFound)
)
async def delete_member(target: Administered, member_id: UUID) -> None:
    """Take from a member what was granted to them.

    What was granted to their teams stays. Needs `can_admin` on the recordset.
    """
    await service.delete_grant(target, column="member_id", grantee=member_id)


@router.delete("/teams/{team_id}", status_code=204, responses=raises(RecordsetNotFound, ActionForbidden, GrantNotFound))
async def delete_team(target: Administered, team_id: UUID) -> None:
    """Take from a team what was granted to it.

    What was granted to its members themselves stays. Needs `can_admin` on the recordset.
    """
    await service.delete_grant(target, column="team_id", grantee=team_id)
