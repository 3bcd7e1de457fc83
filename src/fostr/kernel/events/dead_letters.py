"""Events that a consumer failed at for the last time: handed to it once more, when somebody asks for it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from fostr.kernel.discovery import import_modules
from fostr.kernel.events.consumers import Consumer, list_consumers
from fostr.kernel.events.cursors import LONGEST_ERROR
from fostr.kernel.events.delivery import HANDLER_SECONDS, describe_error
from fostr.kernel.events.log import find_event

if TYPE_CHECKING:
    import asyncpg

    from fostr.kernel.db.unit import Unit

CONSUMER_MODULES: Final = ("consumers", "tasks")


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that was put aside.

    Attributes:
        id: of the letter.
        consumer: who failed at it.
        event_id: the event.
        type: of the event.
        attempts: how often it was tried, retries by hand among them.
        error: how it failed the last time.
        created_at: when it was put aside.
    """

    id: int
    consumer: str
    event_id: UUID
    type: str
    attempts: int
    error: str
    created_at: datetime


class LetterUndeliverable(LookupError):
    """There is nobody, or nothing, to hand over: the consumer, or the event, is there no more."""


def known_consumers() -> list[Consumer]:
    """Return every consumer of the product by name, in whatever process."""
    for role in CONSUMER_MODULES:
        import_modules(role)
    return list_consumers()


async def list_letters(unit: Unit, *, limit: int, offset: int) -> list[DeadLetter]:
    """Return what was put aside in the unit's workspace, the newest first."""
    rows = await unit.rows(
        """
        select id, consumer, event_id, type, attempts, error, created_at from event_dead_letters
        where workspace_id = :workspace order by id desc limit :limit offset :offset
        """,
        limit=limit,
        offset=offset,
    )
    return [_letter(row) for row in rows]


def _letter(row: asyncpg.Record) -> DeadLetter:
    return DeadLetter(**dict(row))


async def count_letters(unit: Unit) -> dict[str, int]:
    """Return how many events each consumer has put aside in the unit's workspace."""
    rows = await unit.rows(
        "select consumer, count(*) as count from event_dead_letters where workspace_id = :workspace group by consumer"
    )
    return {row["consumer"]: row["count"] for row in rows}


async def find_letter(unit: Unit, letter_id: int) -> DeadLetter | None:
    """Return a dead letter of the unit's workspace; nobody else has it until the transaction ends."""
    row = await unit.row(
        """
        select id, consumer, event_id, type, attempts, error, created_at from event_dead_letters
        where workspace_id = :workspace and id = :id for update
        """,
        id=letter_id,
    )
    return None if row is None else _letter(row)


async def delete_letter(unit: Unit, letter: DeadLetter) -> None:
    """Forget a dead letter; the event stays where it is."""
    await unit.run("delete from event_dead_letters where workspace_id = :workspace and id = :id", id=letter.id)


async def retry_letter(unit: Unit, letter: DeadLetter) -> str | None:
    """Hand a letter's event to its consumer again; return nothing, or how it failed.

    What the consumer writes stands together with the end of the letter, or not at all: it happens once, however often
    this is asked for. Events that came after this one were handed over long ago.

    Args:
        unit: in which the letter was found.
        letter: see there.

    Raises:
        LetterUndeliverable: the consumer is not registered any more, or the event is gone.
    """
    consumer = next((one for one in known_consumers() if one.name == letter.consumer), None)
    event = await find_event(unit, letter.event_id)
    if consumer is None or event is None:
        raise LetterUndeliverable
    try:
        async with unit.savepoint(), asyncio.timeout(HANDLER_SECONDS):
            await consumer.handler(unit, event)
    except Exception as error:  # noqa: BLE001 - whatever a handler raises is what the letter tells
        text = describe_error(error)
        # Where the connection is lost, so is the transaction, and this says so.
        await _note_error(unit, letter, text)
        return text
    await delete_letter(unit, letter)
    return None


async def _note_error(unit: Unit, letter: DeadLetter, error: str) -> None:
    await unit.run(
        """
        update event_dead_letters set attempts = attempts + 1, error = :error
        where workspace_id = :workspace and id = :id
        """,
        id=letter.id,
        error=error[:LONGEST_ERROR],
    )
