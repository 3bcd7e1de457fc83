"""Operations on the caller's own tours."""

from typing import Annotated

from fastapi import Query

from fostr.domains.workspaces.members.tours import service
from fostr.domains.workspaces.members.tours.schemas import TourId, Tours, TourUpdate
from fostr.domains.workspaces.members.tours.service import TooManyTours
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import raises
from fostr.kernel.http.guards import in_workspace
from fostr.kernel.http.routing import Router

router = Router(prefix="/members/me/tours", tags=["Members"])

Member = Annotated[Context, in_workspace(None)]


@router.get("")
async def list(context: Member) -> Tours:  # noqa: A001 - endpoints are bare verbs
    """List the tours that the caller has begun, with whether they are done with each."""
    return await service.list_tours(context)


@router.post("", responses=raises(TooManyTours))
async def update(context: Member, data: TourUpdate) -> Tours:
    """Keep how far the caller is with a tour; answers all of them.

    A tour that was passed over is done with, like one that was seen to its end.
    """
    return await service.update_tour(context, data=data)


@router.delete("")
async def reset(
    context: Member,
    tour_id: Annotated[TourId | None, Query(description="The tour; without it, all of them.")] = None,
) -> Tours:
    """Forget a tour of the caller's, or all of them; answers what is left."""
    return await service.reset_tours(context, tour_id=tour_id)
