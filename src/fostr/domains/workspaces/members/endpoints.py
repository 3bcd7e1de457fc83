"""Operations on the members of a workspace."""

import hashlib
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from fostr.domains.workspaces.members import service
from fostr.domains.workspaces.members.errors import (
    AlreadyMember,
    InvitationRequired,
    MemberIsSelf,
    MemberNotFound,
    MemberNotJoined,
    PersonNotFound,
    RoleUnknown,
)
from fostr.domains.workspaces.members.roles import LastOwner, MemberRanksHigher, RightsChanged
from fostr.domains.workspaces.members.schemas import (
    Member,
    MemberCard,
    MemberCreate,
    MemberFilter,
    MemberUpdate,
    OwnMember,
)
from fostr.domains.workspaces.permissions import ADD_MEMBERS, VIEW_MEMBERS
from fostr.domains.workspaces.roles.errors import PermissionNotHeld, RoleTooHigh
from fostr.kernel.http.assets import is_known
from fostr.kernel.http.concurrency import ExpectedVersion, IfMatchInvalid
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import StaleUpdate, raises
from fostr.kernel.http.guards import in_path_workspace, in_workspace
from fostr.kernel.http.paging import LimitedSlice, Page, SkippedSlice
from fostr.kernel.http.routing import Router
from fostr.kernel.http.scopes import Impersonating, PersonRequired, RecentSignInRequired

router = Router(prefix="/members", tags=["Members"])
workspace_router = Router(prefix="/workspaces/{workspace_id}/members", tags=["Workspaces"])

Viewer = Annotated[Context, in_workspace(VIEW_MEMBERS)]
Anybody = Annotated[Context, in_workspace(None)]

Cards = list[MemberCard]

ROLE_REFUSALS = (RoleUnknown, RoleTooHigh, PermissionNotHeld)
RECENTLY_REFUSALS = (RecentSignInRequired, PersonRequired, Impersonating)


async def read_filter(
    search: Annotated[str | None, Query(max_length=200, description="Part of a name or an address.")] = None,
    is_active: Annotated[bool | None, Query(description="Only those who may come in, or who may not.")] = None,
    *,
    include_removed: Annotated[bool, Query(description="Whether to list those who have left, too.")] = False,
) -> MemberFilter:
    """Return which members were asked for."""
    return MemberFilter(search=search, is_active=is_active, include_removed=include_removed)


@workspace_router.get("")
async def list_in_workspace(
    context: Annotated[Context, in_path_workspace(VIEW_MEMBERS)], part: LimitedSlice
) -> Page[Member]:
    """List the people of a workspace, those who have not accepted their invitation yet included.

    The oldest member comes first.
    """
    everybody = MemberFilter(search=None, is_active=None, include_removed=False)
    return await service.list_members(context, wanted=everybody, part=part)


@router.get("")
async def list(  # noqa: A001 - endpoints are bare verbs
    context: Viewer, wanted: Annotated[MemberFilter, Depends(read_filter)], part: SkippedSlice
) -> Page[Member]:
    """List members.

    The oldest member comes first. Who has left is listed only where that is asked for.
    """
    return await service.list_members(context, wanted=wanted, part=part)


@router.get(
    "/all",
    response_model=Cards,
    responses={304: {"description": "Nothing has changed since."}},
)
async def list_all(context: Viewer, request: Request) -> Response:
    """List every active member with few fields, by name.

    For menus and mentions, which keep the list: `ETag` names its content, and `If-None-Match` with that name is
    answered with 304 while nothing has changed.
    """
    body = await service.list_cards(context)
    digest = hashlib.sha256(body).hexdigest()[:32]
    headers = {"ETag": f'"{digest}"', "Cache-Control": "private, no-cache"}
    if is_known(request, digest):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


@router.get("/me")
async def get_own(context: Anybody) -> OwnMember:
    """Show the caller as a member, with what their role allows."""
    return await service.get_own(context)


@router.get("/{member_id}", responses=raises(MemberNotFound))
async def get(context: Viewer, member_id: UUID) -> Member:
    """Show one member.

    Somebody who has left is still shown, as `removed`: what they made keeps their name.
    """
    return await service.get_member(context.unit, member_id=member_id)


@router.post(
    "",
    status_code=201,
    responses=raises(InvitationRequired, PersonNotFound, AlreadyMember, *ROLE_REFUSALS, *RECENTLY_REFUSALS),
)
async def create(context: Annotated[Context, in_workspace(ADD_MEMBERS)], data: MemberCreate) -> Member:
    """Make somebody with an account a member, at once.

    Somebody who had left is the same member again, and what they had made is theirs. Who has no account needs an
    invitation: `invitation_required`. Making somebody an owner takes a recent sign-in.
    """
    return await service.add_person(context, data=data)


@router.patch(
    "/{member_id}",
    responses=raises(
        MemberNotFound,
        MemberNotJoined,
        MemberIsSelf,
        LastOwner,
        MemberRanksHigher,
        RightsChanged,
        StaleUpdate,
        IfMatchInvalid,
        *ROLE_REFUSALS,
        *RECENTLY_REFUSALS,
    ),
)
async def update(context: Anybody, member_id: UUID, data: MemberUpdate, expected_version: ExpectedVersion) -> Member:
    """Change a member: what they are called here, their title, their role, or whether they may come in.

    Everybody changes their own display name and title; the rest takes `can_edit_members`. With `is_active` false the
    member is kept out at once, with all their credentials for this workspace, until it is true again. Making or
    unmaking an owner takes a recent sign-in.
    """
    return await service.update_member(context, member_id=member_id, data=data, expected_version=expected_version)
