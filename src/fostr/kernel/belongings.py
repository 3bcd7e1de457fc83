"""What a member owns or is assigned, in every domain: for handing it over before, or after, they leave.

Each domain registers the kinds of things that can belong to a member, in a module named `belongings`. Rows that only
say who did something are no belongings: they keep the member's id, and with it the name, for good.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from fostr.kernel.discovery import import_modules
from fostr.kernel.events.outbox import Cause, record
from fostr.kernel.ids import new_id

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from fostr.kernel.db.unit import Unit
    from fostr.kernel.http.context import Context

ROLE: Final = "belongings"
"""The name of the files in which domains register their kinds."""


@dataclass(frozen=True, slots=True)
class Belonging:
    """One thing that belongs to a member.

    Attributes:
        name: what people call it; possibly empty.
    """

    id: UUID
    name: str
    created_at: datetime


class Lister(Protocol):
    """Lists a part of what a member has of a kind."""

    async def __call__(self, unit: Unit, member_id: UUID, *, limit: int, offset: int) -> list[Belonging]:
        """Return a part of the things, the oldest first."""
        ...


class Reassigner(Protocol):
    """Hands everything of a kind over from one member to another."""

    async def __call__(self, context: Context, *, source: UUID, target: UUID) -> int:
        """Hand it over, with the events that tell of it, and return how many things it was."""
        ...


Counter: TypeAlias = "Callable[[Unit, UUID], Awaitable[int]]"
Releaser: TypeAlias = "Callable[[Context, UUID], Awaitable[None]]"


@dataclass(frozen=True, slots=True)
class BelongingKind:
    """A kind of things that can belong to a member.

    Attributes:
        name: unique; callers name it.
        label: what people call many of them.
        columns: `<table>.<column>` of each column that says to whom such a thing belongs.
        count: says how many a member has.
        list: returns some of them.
        reassign: hands all of them over; None where that cannot be: a key acts with its maker's rights, for one.
        release: ends what must not outlast the membership, when a member is removed; None where it stays theirs.
    """

    name: str
    label: str
    columns: frozenset[str]
    count: Counter
    list: Lister
    reassign: Reassigner | None = None
    release: Releaser | None = None


async def record_handover(
    context: Context, *, type: str, source: UUID, target: UUID, listed_as: str, ids: Sequence[UUID]
) -> None:
    """Record one event for things that went from one member to another, unless there were none.

    Args:
        context: the request.
        type: the event's.
        source: the member who had them.
        target: the member who has them now.
        listed_as: the fact that lists them, such as `team_ids`.
        ids: the things.
    """
    if ids:
        await record(
            context,
            type=type,
            entity="member",
            entity_id=source,
            after={**tell_ends(source, target), "count": len(ids), listed_as: [str(each) for each in ids]},
            cause=Cause(kind="request", id=new_id(), count=len(ids)),
        )


def tell_ends(source: UUID, target: UUID) -> dict[str, str]:
    """Return from whom to whom something went, as events tell it."""
    return {"from_member_id": str(source), "to_member_id": str(target)}


_kinds: dict[str, BelongingKind] = {}


def register_belongings(*kinds: BelongingKind) -> None:
    """Add a domain's kinds.

    Raises:
        ValueError: a name is taken.
    """
    for kind in kinds:
        if _kinds.setdefault(kind.name, kind) != kind:
            message = f"belongings of kind {kind.name} are registered twice"
            raise ValueError(message)


def list_belonging_kinds() -> list[BelongingKind]:
    """Return every kind by name."""
    import_modules(ROLE)
    return sorted(_kinds.values(), key=lambda kind: kind.name)
