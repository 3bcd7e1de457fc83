"""Who listens to a workspace, by class: those who see the same of events, so that each is looked at once for all.

A class holds for one epoch of the workspace's rights. What decides about it, and what is read with its rights, is read
in one snapshot, so that no event is shown by rights which had ended when the event was written.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fostr.kernel import clock
from fostr.kernel.auth.lookup import find_holders
from fostr.kernel.events.log import SETTLED
from fostr.kernel.events.visibility import class_of
from fostr.kernel.http.context import Context, RequestFacts
from fostr.kernel.http.errors import NotFound, TokenExpired, Unauthorized

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from fostr.kernel.auth.lookup import Held, Holder
    from fostr.kernel.db.unit import Unit
    from fostr.kernel.events.consumers import Event
    from fostr.kernel.events.followers import Follower, Told
    from fostr.kernel.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Share:
    """What one class is told of a part of the log."""

    followers: Sequence[Follower]
    told: Sequence[Told | None]


async def begin_snapshot(unit: Unit) -> int:
    """Have everything that a unit of work reads be of one moment; to be called before its first statement.

    Returns the position up to which the log is settled at that moment: asked for before, as `find_settled` wants it.
    """
    settled = await unit.look_up(SETTLED)
    assert settled is not None  # noqa: S101 - a function always returns a value
    await unit.run("set transaction isolation level repeatable read")
    return settled[0]


async def find_epoch(unit: Unit) -> int | None:
    """Return the epoch of rights in the unit's workspace; None where it was deleted."""
    return await unit.value(
        "select w.rights_epoch from workspaces w where w.id = :workspace and w.deleted_at is null",
    )


async def sort_followers(runtime: Runtime, unit: Unit, followers: Sequence[Follower]) -> None:
    """Look up again who holds the streams' credentials; close what hangs by a void one, put the others in classes."""
    assert unit.workspace is not None  # noqa: S101 - rooms bind it
    holders = await find_holders(unit, {follower.held for follower in followers}, wanted=unit.workspace)
    classes: dict[Hashable, Hashable] = {}
    for follower in followers:
        holder = holders.get(follower.held)
        if holder is None or holder.caller.access is None:
            follower.refuse(_why_closed(follower.held, holder))
            continue
        follower.access, follower.until = access, _ = holder.caller.access, holder.until
        # The credentials of one person mostly differ in nothing that matters here.
        key = (access.member_id, access.principal.scope, access.principal.acting_as)
        if key not in classes:
            classes[key] = await class_of(_act(runtime, unit, follower))
        follower.audience = classes[key]


def _why_closed(held: Held, holder: Holder | None) -> type[Unauthorized | NotFound]:
    if holder is not None:
        return NotFound
    return TokenExpired if held.until is not None and held.until <= clock.now() else Unauthorized


async def compose_shares(
    runtime: Runtime, unit: Unit, followers: Iterable[Follower], events: Sequence[Event]
) -> list[Share]:
    """Return what each class of some followers is told of some events."""
    classes: defaultdict[Hashable, list[Follower]] = defaultdict(list)
    for follower in followers:
        classes[follower.compose, follower.audience].append(follower)
    shares: list[Share] = []
    for members in classes.values():
        someone = members[0]
        listening = {follower.access.member_id: follower.access for follower in members}
        told = await someone.compose(_act(runtime, unit, someone), listening, events)
        shares.append(Share(members, told))
    return shares


def _act(runtime: Runtime, unit: Unit, follower: Follower) -> Context:
    return Context(
        unit=unit,
        runtime=runtime,
        facts=RequestFacts(request_id="", address="", user_agent=""),
        now=clock.now(),
        principal=follower.access.principal,
        access=follower.access,
    )
