"""Wake webhooks when something happens that they are told of. What is sent, and to whom, is decided by the job."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from uuid import UUID

from fostr.domains.webhooks.deliveries.matching import is_sent, stands_for_many
from fostr.domains.webhooks.deliveries.repository import lanes
from fostr.domains.webhooks.deliveries.repository.deliveries import list_listeners
from fostr.domains.webhooks.deliveries.waking import wake
from fostr.domains.webhooks.events import (
    WEBHOOK_CREATED,
    WEBHOOK_DELETED,
    WEBHOOK_DISABLED,
    WEBHOOK_ENABLED,
    WEBHOOK_UPDATED,
)
from fostr.domains.webhooks.webhooks.rules import listens_to
from fostr.kernel.events.consumers import Event, register_consumer

if TYPE_CHECKING:
    from fostr.kernel.db.unit import Unit

CONSUMER: Final = "webhooks"
KEPT: Final = 100
_SWITCHES: Final = frozenset({WEBHOOK_CREATED, WEBHOOK_ENABLED, WEBHOOK_DISABLED})


@dataclass(slots=True)
class _Looked:
    """What one transaction has seen of its workspace's webhooks: their types by id, and which it has woken."""

    unit: Unit
    listeners: dict[UUID, list[str]]
    woken: set[UUID] = field(default_factory=set[UUID])


_looked: OrderedDict[UUID, _Looked] = OrderedDict()


async def wake_webhooks(unit: Unit, event: Event) -> None:
    """Wake the webhooks that may be told of an event.

    The events of a batch share a transaction, in which the webhooks are looked up once and each is woken once. One that
    is switched on meanwhile misses nothing: the event of that is in a later batch, and it begins to read there.
    """
    if event.entity == "webhook":
        await _follow(unit, event)
    looked = await _look(unit, event.workspace_id)
    if not looked.listeners or not is_sent(event.type):
        return
    is_bulk = stands_for_many(event)
    told = {
        webhook_id
        for webhook_id, types in looked.listeners.items()
        if webhook_id not in looked.woken and (is_bulk or listens_to(types, event.type))
    }
    if told:
        await wake(unit, told)
        looked.woken |= told


async def _follow(unit: Unit, event: Event) -> None:
    """Have a webhook read what happens from where it is switched on, to where it is switched off."""
    if event.type == WEBHOOK_DELETED:
        await lanes.delete_lane(unit, event.entity_id)
        return
    if event.type == WEBHOOK_UPDATED:
        # What a person changed about it may be what its receiver lacked.
        if (event.after or {}).get("is_active"):
            await lanes.end_pause(unit, event.entity_id)
            await wake(unit, [event.entity_id])
        return
    if event.type not in _SWITCHES:
        return
    _looked.pop(event.workspace_id, None)
    if (event.after or {}).get("is_active"):
        await lanes.open_lane(unit, event.entity_id, event_id=event.id)
        # What was waiting when it was switched off is sent now.
        await wake(unit, [event.entity_id])
    else:
        await lanes.close_lane(unit, event.entity_id)


async def _look(unit: Unit, workspace: UUID) -> _Looked:
    looked = _looked.get(workspace)
    if looked is None or looked.unit is not unit:
        looked = _looked[workspace] = _Looked(unit, await list_listeners(unit))
        _looked.move_to_end(workspace)
        if len(_looked) > KEPT:
            _looked.popitem(last=False)
    return looked


register_consumer(CONSUMER, types=None, handler=wake_webhooks, from_now=True)
