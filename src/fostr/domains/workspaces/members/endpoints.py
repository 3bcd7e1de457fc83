"""Operations on the members of a workspace."""

from typing import Annotated

from fostr.domains.workspaces.members import service
from fostr.domains.workspaces.members.schemas import Member
from fostr.domains.workspaces.permissions import VIEW_MEMBERS
from fostr.kernel.http.context import Context
from fostr.kernel.http.guards import in_path_workspace
from fostr.kernel.http.paging import LimitedSlice, Page
from fostr.kernel.http.routing import Router

router = Router(prefix="/workspaces/{workspace_id}/members", tags=["Workspaces"])


@router.get("")
async def list(  # noqa: A001 - endpoints are bare verbs
    context: Annotated[Context, in_path_workspace(VIEW_MEMBERS)], part: LimitedSlice
) -> Page[Member]:
    """List the people of a workspace, those who have not accepted their invitation yet included.

    The oldest member comes first.
    """
    return await service.list_members(context, part=part)
