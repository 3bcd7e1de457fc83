"""Operations on events that were put aside."""

from typing import Annotated

from fastapi import Path

from fostr.domains.activity.consumers.permissions import MANAGE_EVENTS
from fostr.domains.activity.dead_letters import service
from fostr.domains.activity.dead_letters.schemas import DeadLetter, DeadLetterRetry
from fostr.domains.activity.dead_letters.service import DeadLetterNotFound, DeadLetterUndeliverable
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import raises
from fostr.kernel.http.guards import in_workspace
from fostr.kernel.http.paging import LimitedSlice, Page
from fostr.kernel.http.routing import Router

router = Router(prefix="/events/dead-letters", tags=["Events"])

Managing = Annotated[Context, in_workspace(MANAGE_EVENTS)]
LetterId = Annotated[int, Path(ge=1, le=2**63 - 1)]


@router.get("")
async def list(context: Managing, part: LimitedSlice) -> Page[DeadLetter]:  # noqa: A001 - endpoints are bare verbs
    """List the events that consumers failed at for the last time.

    The newest come first.
    """
    return await service.list_dead_letters(context, part=part)


@router.post("/{letter_id}/retry", responses=raises(DeadLetterNotFound, DeadLetterUndeliverable))
async def retry(context: Managing, letter_id: LetterId) -> DeadLetterRetry:
    """Hand a dead letter's event once more to the consumer that failed at it.

    What the consumer does with it happens once, however often this is asked for. When it fails again, the letter stays
    and tells of the new error. The events behind it were handed over long ago, so this one comes out of its order.
    """
    return await service.retry_dead_letter(context, letter_id)


@router.delete("/{letter_id}", status_code=204, responses=raises(DeadLetterNotFound))
async def delete(context: Managing, letter_id: LetterId) -> None:
    """Give up on an event that a consumer failed at.

    The event itself stays in the log.
    """
    await service.delete_dead_letter(context, letter_id)
