"""What members can be notified of: types, registered by the domains that know who cares."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, TypeAlias
from uuid import UUID

from fostr.kernel.discovery import import_modules
from fostr.kernel.lines import one_line
from fostr.kernel.modules import is_enabled

if TYPE_CHECKING:
    from collections.abc import Collection

    from fostr.kernel.db.unit import Unit
    from fostr.kernel.events.consumers import Event
    from fostr.kernel.events.visibility import Seen
    from fostr.kernel.modules import Module

ROLE: Final = "notifications"
"""The name of the files in which domains register their types."""

Category: TypeAlias = Literal["assigned_actions", "owned_actions", "mentions", "data", "team", "security"]
"""How settings group the types."""

CATEGORY_LABELS: Final[Mapping[Category, str]] = MappingProxyType(
    {
        "assigned_actions": "Assigned Actions",
        "owned_actions": "Owned Actions",
        "mentions": "Mentions",
        "data": "Data",
        "team": "Team",
        "security": "Security",
    }
)
"""What people call the categories, in the order in which settings show them."""

LONGEST_TITLE: Final = 200
LONGEST_BODY: Final = 1_000


@dataclass(frozen=True, slots=True)
class Channels:
    """On which ways members are told, as long as they have not said otherwise."""

    in_app: bool = True
    email: bool = True
    whatsapp: bool = False


@dataclass(frozen=True, slots=True)
class Notice:
    """What a notification says to one member.

    Attributes:
        title: one line; what is too long is cut, and line breaks go.
        body: a sentence or two more, as one line; possibly empty.
        link: where it leads: a path below the server's address, such as `/records/…`; None for nowhere.
        thread: notifications of one member with the same thread are shown together, such as those about one record;
            None for a thread of its own.
    """

    title: str
    body: str = ""
    link: str | None = None
    thread: str | None = None


Recipients: TypeAlias = "Callable[[Unit, Event], Awaitable[Sequence[UUID]]]"


@dataclass(frozen=True, slots=True)
class NotificationType:
    """Something that members can be notified of.

    Attributes:
        name: unique, such as `record_assigned`; it stands in addresses and in the database, so it never changes.
        category: the group in which settings show it.
        label: what people call it.
        description: when it comes, in a sentence.
        events: the types of events that it comes from.
        recipients: given such an event, returns the members whom it concerns; it need not ask whether they may see
            the event, nor leave out who caused it. It gets a unit of work in the event's workspace, to read.
        compose: writes what one recipient is told, from what they may know of the event; None to tell them nothing.
        is_critical: whether it passes through mute, digest and quiet hours.
        tells_actor: whether it is for who caused the event, too: of the end of an import, say.
        module: the part of the product that it belongs to, when a workspace may switch that off.
        has_own_mail: whether the domain writes the mail itself, with more in it than a notice can say; it asks
            `public.list_mailed` whom it may write to.
        defaults: see `Channels`.
    """

    name: str
    category: Category
    label: str
    description: str
    events: frozenset[str]
    recipients: Recipients
    compose: Callable[[Seen], Notice | None]
    is_critical: bool = False
    tells_actor: bool = False
    has_own_mail: bool = False
    module: Module | None = None
    defaults: Channels = Channels()

    def write(self, seen: Seen) -> Notice | None:
        """Return what one recipient is told, fit for lists, subjects and messages, whatever people called their things.

        None to tell them nothing.
        """
        notice = self.compose(seen)
        if notice is None:
            return None
        title, body = one_line(notice.title, longest=LONGEST_TITLE), one_line(notice.body, longest=LONGEST_BODY)
        return replace(notice, title=title, body=body)


_types: dict[str, NotificationType] = {}


def register_notifications(*types: NotificationType) -> None:
    """Add a domain's types.

    Raises:
        ValueError: a name is taken.
    """
    for one in types:
        if _types.setdefault(one.name, one) != one:
            raise ValueError(f"notification type {one.name} is registered twice")


def named_as(fact: str) -> Recipients:
    """Return what finds the one member whom an event names by a fact of what it tells, such as `requested_by`."""

    async def find(_: Unit, event: Event) -> list[UUID]:
        return [UUID((event.after or {})[fact])]

    return find


def find_notification_type(name: str) -> NotificationType | None:
    """Return a type by its name, or nothing when this version of the program does not have it."""
    import_modules(ROLE)
    return _types.get(name)


def list_notification_types() -> list[NotificationType]:
    """Return every type, by category and name."""
    import_modules(ROLE)
    order = list(CATEGORY_LABELS)
    return sorted(_types.values(), key=lambda one: (order.index(one.category), one.name))


def list_available_types(switched_modules: Collection[str]) -> dict[str, NotificationType]:
    """Return by name the types that there are in a workspace, by the modules that it switched the other way."""
    return {
        one.name: one
        for one in list_notification_types()
        if one.module is None or is_enabled(one.module, switched_modules)
    }
