"""What becomes of events that were put aside."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from fostr.domains.activity.dead_letters.events import DISCARDED, ENTITY, RETRIED
from fostr.domains.activity.dead_letters.schemas import DeadLetter, DeadLetterRetry
from fostr.kernel.events.dead_letters import (
    LetterUndeliverable,
    count_letters,
    delete_letter,
    find_letter,
    list_letters,
    retry_letter,
)
from fostr.kernel.events.outbox import record
from fostr.kernel.http.errors import Conflict, NotFound

if TYPE_CHECKING:
    from fostr.kernel.events.dead_letters import DeadLetter as Letter
    from fostr.kernel.http.context import Context
    from fostr.kernel.http.paging import Page, Slice


class DeadLetterNotFound(NotFound):
    """The workspace has no such dead letter."""

    code = "dead_letter_not_found"
    detail = "There is no such dead letter, or not any more."


class DeadLetterUndeliverable(Conflict):
    """The letter cannot be handed over any more."""

    code = "dead_letter_undeliverable"
    detail = "The consumer or the event is there no more; all that is left to do is to delete the letter."


async def list_dead_letters(context: Context, *, part: Slice) -> Page[DeadLetter]:
    """Return a part of what was put aside in the workspace."""
    letters = await list_letters(context.unit, limit=part.limit, offset=part.offset)
    total = sum((await count_letters(context.unit)).values())
    return part.page([DeadLetter(**asdict(letter)) for letter in letters], total=total)


async def retry_dead_letter(context: Context, letter_id: int) -> DeadLetterRetry:
    """Hand a dead letter's event to its consumer once more.

    Raises:
        DeadLetterNotFound: the workspace has no such letter.
        DeadLetterUndeliverable: the consumer or the event is there no more.
    """
    letter = await _find_letter(context, letter_id)
    try:
        error = await retry_letter(context.unit, letter)
    except LetterUndeliverable:
        raise DeadLetterUndeliverable from None
    await _tell(context, RETRIED, letter, is_delivered=error is None)
    return DeadLetterRetry(is_delivered=error is None, error=error)


async def delete_dead_letter(context: Context, letter_id: int) -> None:
    """Give up on an event that a consumer failed at.

    Raises:
        DeadLetterNotFound: the workspace has no such letter.
    """
    letter = await _find_letter(context, letter_id)
    await delete_letter(context.unit, letter)
    await _tell(context, DISCARDED, letter, is_delivered=False)


async def _find_letter(context: Context, letter_id: int) -> Letter:
    letter = await find_letter(context.unit, letter_id)
    if letter is None:
        raise DeadLetterNotFound
    return letter


async def _tell(context: Context, what: str, letter: Letter, *, is_delivered: bool) -> None:
    facts = {
        "letter_id": letter.id,
        "consumer": letter.consumer,
        "event_id": str(letter.event_id),
        "type": letter.type,
        "is_delivered": is_delivered,
    }
    await record(context, type=what, entity=ENTITY, entity_id=letter.event_id, after=facts)
