"""From an event to what members are told of it.

In the relay it is only asked whom an event may concern; a job then finds out what each of them may know, and tells
them. So an event that concerns a thousand members holds up nobody who follows the workspace.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from uuid import UUID

from fostr.domains.notifications.deliveries.planning import Planned, plan_deliveries
from fostr.domains.notifications.events import ENTITY, NOTIFICATION_CREATED
from fostr.domains.notifications.preferences.service import find_choices
from fostr.domains.notifications.registry import find_notification_type, list_notification_types
from fostr.domains.notifications.telling.repository import Told, insert_notifications
from fostr.kernel import clock
from fostr.kernel.auth.principals import Scope
from fostr.kernel.events.log import find_event
from fostr.kernel.events.outbox import record
from fostr.kernel.events.visibility import category_of, class_of, concerned_by, see_events, see_for_class
from fostr.kernel.jobs.behalf import act_as_members
from fostr.kernel.jobs.dispatch import dispatch

if TYPE_CHECKING:
    from collections.abc import Container, Hashable, Mapping, Sequence

    from fostr.domains.notifications.preferences.rules import Choice
    from fostr.domains.notifications.registry import NotificationType
    from fostr.kernel.db.unit import Unit
    from fostr.kernel.events.consumers import Event
    from fostr.kernel.events.visibility import Seen
    from fostr.kernel.http.context import Context
    from fostr.kernel.runtime import Runtime

TELL: Final = "notifications.tell"


@dataclass(frozen=True, slots=True)
class _Audience:
    """Members who may know the same of an event."""

    seen: Seen
    members: list[UUID]

    def within(self, others: Container[UUID]) -> _Audience:
        """Return those of them who are among others."""
        return replace(self, members=[one for one in self.members if one in others])


def list_event_types() -> frozenset[str]:
    """Return the types of events that anybody can be notified of."""
    return frozenset(name for kind in list_notification_types() for name in kind.events)


async def consider(unit: Unit, event: Event) -> None:
    """Have the members told whom an event concerns, if there are any."""
    concerned: dict[str, list[str]] = {}
    for kind in list_notification_types():
        if event.type not in kind.events:
            continue
        recipients = [
            one for one in dict.fromkeys(await kind.recipients(unit, event)) if _may_be_told(kind, event, one)
        ]
        if recipients:
            concerned[kind.name] = [str(one) for one in recipients]
    if concerned:
        task = {"event_id": str(event.id), "recipients": concerned}
        await dispatch(unit, TELL, task, workspace=event.workspace_id)


async def tell(
    runtime: Runtime, unit: Unit, *, event_id: UUID, recipients: Mapping[str, Sequence[UUID]], cause_id: UUID
) -> int:
    """Tell members of an event; return how many notifications that made.

    Told are those who are members still, may see the event, and have not switched the type off. Whoever was told of it
    before is not told again.

    Args:
        runtime: what the process holds.
        unit: bound to the workspace.
        event_id: the event.
        recipients: whom it concerns, by the name of the type.
        cause_id: the job.
    """
    event = await find_event(unit, event_id)
    if event is None:
        return 0
    concerned = {one for members in recipients.values() for one in members}
    contexts = await act_as_members(runtime, unit, member_ids=concerned, cause_id=cause_id, scope=Scope.ADMIN)
    others = {one: context for one, context in contexts.items() if not _acts_in_disguise(context, event)}
    audiences = await _find_audiences(others, event)
    told = 0
    for name, members in recipients.items():
        kind = find_notification_type(name)
        if kind is not None:
            told += await _tell_of(unit, kind, event, [one.within(set(members)) for one in audiences])
    return told


def _may_be_told(kind: NotificationType, event: Event, member_id: UUID) -> bool:
    """Leave out who did it. In whose name an administrator did it, that member did not do it, and is told."""
    actor = event.actor
    return kind.tells_actor or actor.get("acting_as") is not None or actor.get("member_id") != str(member_id)


def _acts_in_disguise(context: Context, event: Event) -> bool:
    return event.actor.get("acting_as") == str(context.principal.user_id)


async def _find_audiences(contexts: Mapping[UUID, Context], event: Event) -> list[_Audience]:
    """Return what members may know of an event: it is looked at once for all who see the same."""
    concerned = concerned_by(event)
    classes: defaultdict[Hashable, list[UUID]] = defaultdict(list)
    found: list[_Audience] = []
    for member_id, context in contexts.items():
        is_told_apart = len(contexts) == 1 or not concerned.isdisjoint((member_id, context.principal.user_id))
        if is_told_apart or category_of(event.entity) is None:
            [seen] = await see_events(context, [event])
            found += [] if seen is None else [_Audience(seen, [member_id])]
        else:
            classes[await class_of(context)].append(member_id)
    for members in classes.values():
        [seen] = await see_for_class(contexts[members[0]], [event])
        found += [] if seen is None else [_Audience(seen, members)]
    return found


async def _tell_of(unit: Unit, kind: NotificationType, event: Event, audiences: Sequence[_Audience]) -> int:
    members = [one for audience in audiences for one in audience.members]
    choices = await find_choices(unit, kind=kind, member_ids=members) if members else {}
    told = [one for audience in audiences for one in _compose(kind, audience.within(choices), choices)]
    if not told:
        return 0
    actor = event.actor.get("member_id")
    new = await insert_notifications(
        unit, told, kind=kind, actor_id=None if actor is None else UUID(actor), now=clock.now()
    )
    await plan_deliveries(unit, planned=[_plan(kind, one, new[one], choices[one]) for one in new])
    await _announce(unit, kind, event, {one: new[one] for one in new if choices[one].in_app})
    return len(new)


def _compose(kind: NotificationType, audience: _Audience, choices: Mapping[UUID, Choice]) -> list[Told]:
    notice = kind.write(audience.seen) if audience.members else None
    if notice is None:
        return []
    return [Told(one, notice, audience.seen, in_app=choices[one].in_app) for one in audience.members]


def _plan(kind: NotificationType, member_id: UUID, notification_id: UUID, choice: Choice) -> Planned:
    return Planned(
        notification_id=notification_id,
        member_id=member_id,
        type=kind.name,
        is_critical=kind.is_critical,
        email=choice.email and not kind.has_own_mail,
        whatsapp=choice.whatsapp,
    )


async def _announce(unit: Unit, kind: NotificationType, event: Event, arrived: Mapping[UUID, UUID]) -> None:
    """Record that notifications have come into inboxes, which wakes the streams of those who look."""
    if arrived:
        await record(
            unit,
            type=NOTIFICATION_CREATED,
            entity=ENTITY,
            entity_id=next(iter(arrived.values())),
            after={"source_event_id": str(event.id), "type": kind.name, "member_ids": [str(one) for one in arrived]},
        )
