"""Operations on what belongs to a member."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from fostr.domains.workspaces.members.errors import MemberNotFound
from fostr.domains.workspaces.members.offboarding import service
from fostr.domains.workspaces.members.offboarding.errors import (
    ItemKindBound,
    ItemKindUnknown,
    TargetIsSource,
    TargetNotActive,
)
from fostr.domains.workspaces.members.offboarding.schemas import MemberItems, Reassigned, Reassignment
from fostr.domains.workspaces.permissions import REMOVE_MEMBERS
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import raises
from fostr.kernel.http.guards import in_workspace
from fostr.kernel.http.paging import SkippedSlice
from fostr.kernel.http.routing import Router

router = Router(prefix="/members/{member_id}", tags=["Members"])

Remover = Annotated[Context, in_workspace(REMOVE_MEMBERS)]


@router.get("/items", responses=raises(MemberNotFound, ItemKindUnknown))
async def list(  # noqa: A001 - endpoints are bare verbs
    context: Remover,
    member_id: UUID,
    part: SkippedSlice,
    kind: Annotated[str | None, Query(max_length=100, description="Only this kind, as the answer calls it.")] = None,
) -> MemberItems:
    """List what belongs to a member, by kind, each with its total.

    `skip` and `limit` count within each kind. What is in the trash counts, too: it may come back. Somebody who has
    left may still own things.
    """
    return await service.list_items(context, member_id=member_id, kind=kind, part=part)


@router.post(
    "/reassign",
    responses=raises(MemberNotFound, ItemKindUnknown, ItemKindBound, TargetNotActive, TargetIsSource),
)
async def reassign(context: Remover, member_id: UUID, data: Reassignment) -> Reassigned:
    """Hand everything that belongs to a member over to another, or only some kinds of it.

    All of it or, when anything is refused, nothing. What can't be handed over (keys, running jobs, what was granted to
    the member) stays until they are removed, and ends then.
    """
    return await service.reassign(context, member_id=member_id, data=data)
