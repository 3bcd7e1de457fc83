"""Who follows from events: consumers, registered by name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from fostr.kernel.db.unit import Unit


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a workspace's outbox: the number that an event has there, and the event; earlier ones are smaller."""

    number: int
    event_id: UUID = field(compare=False)


@dataclass(frozen=True, slots=True)
class Event:
    """An event as it stands in the outbox."""

    id: UUID
    workspace_id: UUID
    type: str
    version: int
    entity: str
    entity_id: UUID
    actor: dict[str, Any]
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    cause: dict[str, Any] | None
    created_at: datetime


Handler: TypeAlias = Callable[[Unit, Event], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Consumer:
    """A reader of the outbox. See `register_consumer`."""

    name: str
    types: frozenset[str] | None
    handler: Handler
    from_now: bool = False

    def wants(self, event_type: str) -> bool:
        """Say whether the consumer is given events of a type."""
        return self.types is None or event_type in self.types


_consumers: dict[str, Consumer] = {}


def register_consumer(name: str, *, types: Collection[str] | None, handler: Handler, from_now: bool = False) -> None:
    """Let `handler(unit, event)` be called for every event of some types, after its write was committed.

    It is called in the order of the writes of each workspace, at least once: the transaction of `unit` also moves
    the consumer on, so what a handler writes there happens once, and what it does elsewhere must bear being done
    again (the event's id tells). It does not wait for anything slow: for mail, webhooks and models it dispatches a
    job. An error rolls its transaction back, and the event is tried again, in the end put aside as a dead letter.

    Args:
        name: unique; it is what the consumer's place is kept by, so it is never changed.
        types: names of event types; None for all.
        handler: see above; the unit of work is bound to the event's workspace.
        from_now: a consumer that is added to an installation with history skips that history.

    Raises:
        ValueError: the name is taken.
    """
    if name in _consumers:
        raise ValueError(f"consumer {name} is registered twice")
    kinds = None if types is None else frozenset(types)
    _consumers[name] = Consumer(name=name, types=kinds, handler=handler, from_now=from_now)


def list_consumers() -> list[Consumer]:
    """Return the consumers by name."""
    return sorted(_consumers.values(), key=lambda consumer: consumer.name)
