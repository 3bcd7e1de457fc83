"""Operations on impersonations."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends

from fostr.domains.identity.impersonation import service
from fostr.domains.identity.impersonation.errors import (
    ImpersonationEnded,
    ImpersonationNotFound,
    ImpersonationThrottled,
    NotImpersonable,
)
from fostr.domains.identity.impersonation.schemas import (
    ActingSession,
    Exchange,
    Impersonation,
    ImpersonationCreate,
    NewImpersonation,
)
from fostr.domains.identity.links.errors import LinkInvalid, LinkThrottled
from fostr.domains.identity.permissions import END_IMPERSONATIONS, VIEW_IMPERSONATIONS
from fostr.kernel.http.context import AccountContext, Context
from fostr.kernel.http.errors import Impersonating, NotFound, raises
from fostr.kernel.http.guards import Public, in_path_workspace
from fostr.kernel.http.operators import require_operator
from fostr.kernel.http.paging import LimitedSlice, Page
from fostr.kernel.http.routing import Router
from fostr.kernel.http.scopes import PersonRequired, RecentSignInRequired, recently

auth_router = Router(prefix="/auth/impersonate", tags=["Authentication"])
member_router = Router(prefix="/workspaces/{workspace_id}/members/{member_id}/impersonate", tags=["Workspaces"])
router = Router(prefix="/workspaces/{workspace_id}/impersonations", tags=["Workspaces"])

OperatorRecently = Annotated[AccountContext, recently(Depends(require_operator))]


@auth_router.post("/exchange", responses=raises(LinkInvalid, LinkThrottled))
async def exchange(context: Public, data: Exchange) -> ActingSession:
    """Exchange the token of an impersonation for a session in the person's name.

    The token works once, within a quarter of an hour. The session ends after an hour at the latest, however often its
    tokens are refreshed. It works in the one workspace, with the person's role there, but for what administers; the
    person's account is out of its reach. What is done in it names who acted.
    """
    return await service.exchange(context, data=data)


@member_router.post(
    "",
    status_code=201,
    responses=raises(
        NotFound, NotImpersonable, ImpersonationThrottled, RecentSignInRequired, PersonRequired, Impersonating
    ),
)
async def create(
    context: OperatorRecently, workspace_id: UUID, member_id: UUID, data: ImpersonationCreate
) -> NewImpersonation:
    """Ask to act in the name of a member, with the token that begins it.

    Only for who administers the installation, in a session with a recent sign-in; never in the name of another of
    them. The workspace's administrators see it, with the reason, and can end it. A token for the same member that was
    made before is void.
    """
    return await service.request(context, workspace_id=workspace_id, member_id=member_id, data=data)


@router.get("")
async def list(  # noqa: A001 - endpoints are bare verbs
    context: Annotated[Context, in_path_workspace(VIEW_IMPERSONATIONS)], part: LimitedSlice
) -> Page[Impersonation]:
    """List who of the installation acts, or acted, in the name of a member.

    The newest comes first.
    """
    return await service.list_impersonations(context, part=part)


@router.post("/{impersonation_id}/end", responses=raises(ImpersonationNotFound, ImpersonationEnded))
async def end(
    context: Annotated[Context, in_path_workspace(END_IMPERSONATIONS)], impersonation_id: UUID
) -> Impersonation:
    """End an impersonation at once, or void its token before it begins."""
    return await service.end_by_workspace(context, impersonation_id=impersonation_id)
