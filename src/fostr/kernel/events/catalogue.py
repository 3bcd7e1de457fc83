"""What can happen: every type of event, registered by the domain that it belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class EventType:
    """A kind of event, and the shape of what it tells.

    Attributes:
        name: `<thing>.<what happened>`, such as `comment.created`; unique.
        entity: the kind of thing that it is about, such as `comment`.
        version: of the shape. A change that readers must know of is a new version.
        schema: the shape of `before` and `after`; None when the type tells only that something happened.
        summary: what happened, for the page of event types.
        phrase: what somebody did, for the feed, where its name does not tell it well: `commented on {name}`. In it,
            `{name}` is what the thing is called (`Anchor`), and `{thing}` the same with its kind (`the view Cheap`);
            `{count:record}` is `3 records`, or `records` where nobody counted; `{whom}` the member or team that the
            event tells of, `{to}` the member who got something; `{fact[tool]}` one of the facts that it tells.
        own_phrase: the same where a member did it to themselves, as in `left the workspace`.
    """

    name: str
    entity: str
    version: int = 1
    schema: type[BaseModel] | None = None
    summary: str = ""
    phrase: str = ""
    own_phrase: str = ""


class UnknownEventType(LookupError):
    """An event of a type that no domain registered: an error of the program."""


_types: dict[str, EventType] = {}


def register_events(types: Iterable[EventType]) -> None:
    """Add a domain's types to the catalogue.

    Raises:
        ValueError: a name is taken by another type.
    """
    for event_type in types:
        if _types.setdefault(event_type.name, event_type) != event_type:
            raise ValueError(f"event type {event_type.name} is registered twice")


def get_event_type(name: str) -> EventType:
    """Return a type by its name.

    Raises:
        UnknownEventType: no domain registered it.
    """
    try:
        return _types[name]
    except KeyError:
        raise UnknownEventType(f"event type {name!r} is not registered") from None


def find_event_type(name: str) -> EventType | None:
    """Return a type by its name; None for one that this version of the program does not have."""
    return _types.get(name)


def group_of(name: str) -> str:
    """Return what stands for all types of one beginning, where types are asked for: `record.*` of `record.created`."""
    return f"{name.partition('.')[0]}.*"


def list_event_types() -> list[EventType]:
    """Return the whole catalogue, by entity and name."""
    return sorted(_types.values(), key=lambda event_type: (event_type.entity, event_type.name))


def describe_event_types() -> dict[str, dict[str, Any]]:
    """Return the JSON schema of every type that has one, by `<name>.v<version>`."""
    return {
        f"{event_type.name}.v{event_type.version}": event_type.schema.model_json_schema()
        for event_type in list_event_types()
        if event_type.schema is not None
    }


def check_payload(event_type: EventType, *payloads: Mapping[str, Any] | None) -> None:
    """Check what an event tells against the shape of its type.

    Raises:
        pydantic.ValidationError: it does not fit.
    """
    if event_type.schema is None:
        return
    for payload in payloads:
        if payload is not None:
            event_type.schema.model_validate(payload)
