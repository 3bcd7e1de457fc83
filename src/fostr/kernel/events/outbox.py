"""The outbox: every write records what happened, in its own transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias
from uuid import UUID

from fostr.kernel.db.sql import Fragment
from fostr.kernel.db.unit import Unit
from fostr.kernel.events.catalogue import EventType, get_event_type
from fostr.kernel.ids import new_id

if TYPE_CHECKING:
    from fostr.kernel.auth.principals import CredentialKind, Principal
    from fostr.kernel.http.context import Context

CHANNEL: Final = "fostr_events"
"""Where a commit says that a workspace has new events; the payload is the workspace's id."""

CauseKind: TypeAlias = Literal["request", "import", "automation", "proposal", "undo", "job"]
Payload: TypeAlias = Mapping[str, Any]
Observer: TypeAlias = Callable[[EventType, Payload | None, Payload | None], None]

_observers: list[Observer] = []


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it, and on whose behalf.

    Attributes:
        member_id: the member of the workspace; None for the system itself.
        user_id: the person behind the member.
        kind: the credential that was used, or `system`.
        acting_as: the administrator who impersonated the person, when somebody did.
    """

    member_id: UUID | None = None
    user_id: UUID | None = None
    kind: CredentialKind | Literal["system"] = "system"
    acting_as: UUID | None = None


SYSTEM: Final = Actor()


@dataclass(frozen=True, slots=True)
class Cause:
    """Why it happened.

    Attributes:
        kind: what kind of thing caused it.
        id: the request, the import, the run or the proposal. Each record version that a bulk write makes
            carries the same id, so that readers which need one event per record can find them.
        count: how many things a bulk write touched; None when it is the one that the event names.
    """

    kind: CauseKind
    id: str | UUID | None = None
    count: int | None = None


@dataclass(frozen=True, slots=True)
class ActedCause(Cause):
    """Why something happened that somebody did in another's name, for histories that keep a cause and no actor.

    Attributes:
        acting_as: the administrator who acted.
    """

    acting_as: UUID | None = None


def cause_by(principal: Principal, cause: Cause) -> Cause:
    """Return a cause that names who acts in the caller's name, when somebody does."""
    if principal.acting_as is None:
        return cause
    return ActedCause(kind=cause.kind, id=cause.id, count=cause.count, acting_as=principal.acting_as)


def observe_events(observer: Observer) -> Callable[[], None]:
    """Show every event, as it is recorded, to `observer(type, before, after)`; return a function that ends it.

    The tests use it to check what events tell against the schemas of their types.
    """
    _observers.append(observer)
    return lambda: _observers.remove(observer)


async def record(
    source: Context | Unit,
    *,
    type: str,
    entity: str,
    entity_id: UUID,
    before: Payload | None = None,
    after: Payload | None = None,
    cause: Cause | None = None,
    actor: Actor | None = None,
) -> UUID:
    """Record an event in the transaction of the write that it tells of, and return its id.

    It comes after the write: events of one thing are in the order of its changes because of the locks that those hold.
    A bulk write records one event, whose cause carries the count.

    Args:
        source: the request's context, which says who acts and why; or a unit of work bound to a workspace.
        type: a name of the catalogue.
        entity: the kind of thing that it is about; the one of the type.
        entity_id: the thing.
        before: the thing as it was; None for a new one.
        after: the thing as it is; None for one that is gone.
        cause: why; by default the request, when the source is one.
        actor: who; by default the caller, when the source is a request, and else the system.

    Raises:
        UnknownEventType: nobody registered the type.
        ValueError: the type is about another entity, or the unit is bound to no workspace.
    """
    event = compose_event(
        source, type=type, entity=entity, entity_id=entity_id, before=before, after=after, cause=cause, actor=actor
    )
    unit = source if isinstance(source, Unit) else source.unit
    await unit.run(event.text, **event.params)
    return event.params["event_id"]


def compose_event(
    source: Context | Unit,
    *,
    type: str,
    entity: str,
    entity_id: UUID,
    before: Payload | None = None,
    after: Payload | None = None,
    cause: Cause | None = None,
    actor: Actor | None = None,
    written: str | None = None,
) -> Fragment:
    """Return the statement that records an event, for a write that makes it part of its own and saves a round trip.

    Args:
        source: as for `record`; the statement is for its unit of work.
        type: as for `record`, as are those that follow.
        entity: see there.
        entity_id: see there.
        before: see there.
        after: see there.
        cause: see there.
        actor: see there.
        written: a relation of the write's statement with one row when something was written, and else none: then the
            event is not recorded either.

    Raises:
        UnknownEventType: nobody registered the type.
        ValueError: the type is about another entity, or the unit is bound to no workspace.
    """
    event_type = _checked_type(type, entity)
    for observer in _observers:
        observer(event_type, before, after)
    _announce(source)
    params = {
        "event_id": new_id(),
        "event_type": type,
        "event_version": event_type.version,
        "event_entity": entity,
        "event_entity_id": entity_id,
        "event_actor": actor or _actor(source),
        "event_before": before,
        "event_after": after,
        "event_cause": cause or _cause(source),
    }
    return Fragment(_INSERT if written is None else f"{_INSERT} from {written}", params)


_INSERT: Final = """
    insert into events (workspace_id, id, type, version, entity, entity_id, actor, before, after, cause)
    select :workspace, :event_id, :event_type, :event_version, :event_entity, :event_entity_id, :event_actor,
           :event_before, :event_after, :event_cause
"""


def _announce(source: Context | Unit) -> None:
    """Have the relay told once the transaction has committed."""
    unit = source if isinstance(source, Unit) else source.unit
    if unit.workspace is None:
        raise ValueError("an event belongs to a workspace; the unit of work is bound to none")
    if isinstance(source, Unit):
        unit.notify(CHANNEL, str(unit.workspace))
    else:
        source.runtime.bus.announce(unit, CHANNEL, str(unit.workspace))


def _checked_type(name: str, entity: str) -> EventType:
    event_type = get_event_type(name)
    if event_type.entity != entity:
        raise ValueError(f"{name} is about {event_type.entity}, not about {entity}")
    return event_type


def _actor(source: Context | Unit) -> Actor:
    if isinstance(source, Unit):
        return SYSTEM
    principal = source.principal
    return Actor(
        member_id=source.member_id,
        user_id=principal.user_id,
        kind=principal.kind,
        acting_as=principal.acting_as,
    )


def _cause(source: Context | Unit) -> Cause | None:
    return None if isinstance(source, Unit) else Cause(kind="request", id=source.facts.request_id)
