"""What happens to events that were put aside."""

from typing import Final
from uuid import UUID

from pydantic import BaseModel

from fostr.kernel.events.catalogue import EventType, register_events

ENTITY: Final = "dead_letter"
RETRIED: Final = "dead_letter.retried"
DISCARDED: Final = "dead_letter.discarded"


class DeadLetterFacts(BaseModel):
    """What an event tells of another that a consumer could not take; `entity_id` is that other event."""

    letter_id: int
    consumer: str
    event_id: UUID
    type: str
    is_delivered: bool


register_events(
    [
        EventType(
            RETRIED,
            entity=ENTITY,
            schema=DeadLetterFacts,
            summary="An event that had been put aside was handed once more to the consumer that had failed at it.",
            phrase="handed an event that had failed, {fact[type]}, once more to {fact[consumer]}",
        ),
        EventType(
            DISCARDED,
            entity=ENTITY,
            schema=DeadLetterFacts,
            summary="Somebody gave up on an event that a consumer had failed at.",
            phrase="gave up on handing an event that had failed, {fact[type]}, to {fact[consumer]}",
        ),
    ]
)
