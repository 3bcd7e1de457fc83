"""Send what is due for one webhook, several messages at a time, until nothing is.

One job at a time does so for each webhook; `webhook_lanes` says which. A message is due until what came of it is
written down, so that none is lost, whatever ends a job; one whose receiver took it, and whose job ended before it
could write that down, is sent again with the same id. No transaction is open while a receiver is waited for.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from fostr.domains.webhooks.deliveries.outcomes import Outcome, give_up, note
from fostr.domains.webhooks.deliveries.reading import Stretch, read_on
from fostr.domains.webhooks.deliveries.repository import deliveries, lanes
from fostr.domains.webhooks.deliveries.rights import act_as_owner, check_again
from fostr.domains.webhooks.deliveries.rules import GONE
from fostr.domains.webhooks.deliveries.waking import pass_on, wake_at
from fostr.domains.webhooks.errors import WebhookSecretLost
from fostr.domains.webhooks.sending import Message, send
from fostr.domains.webhooks.webhooks import repository as webhooks
from fostr.domains.webhooks.webhooks.sealing import open_target
from fostr.kernel import clock

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime
    from uuid import UUID

    from fostr.domains.webhooks.deliveries.repository.deliveries import StoredDelivery
    from fostr.domains.webhooks.deliveries.repository.lanes import Lane
    from fostr.domains.webhooks.deliveries.rules import Clock
    from fostr.domains.webhooks.sending import Target
    from fostr.domains.webhooks.webhooks.repository import StoredWebhook
    from fostr.domains.webhooks.webhooks.rules import DisabledReason
    from fostr.kernel.db.unit import Unit
    from fostr.kernel.http.context import Context
    from fostr.kernel.jobs.context import JobContext

AT_ONCE: Final = 10
"""Messages that are on their way to one receiver at a time."""
GATHER_SECONDS: Final = 0.004
"""Answers that come within so short a time are written down together: a seventh less work for each."""
TURN_SECONDS: Final = 5.0
"""After so long a job begins no more and lets another go on, behind the webhooks that wait for their turn."""


@dataclass(frozen=True, slots=True)
class _Look:
    """A webhook as it stands at one step.

    Attributes:
        context: its owner; None where nothing is sent, because it is switched off.
        target: where its messages go; None where nothing is sent.
        lane: locked until the step's transaction ends.
        failing: how long its receiver has been failing, and is left alone.
    """

    unit: Unit
    webhook: StoredWebhook
    lane: Lane
    failing: Clock
    context: Context | None
    target: Target | None


@dataclass(frozen=True, slots=True)
class _Choice:
    """What is sent next, with what it says; and whether there is more to look at before the job may end."""

    chosen: list[tuple[StoredDelivery, str]] = field(default_factory=list[tuple["StoredDelivery", str]])
    more: bool = False

    def __bool__(self) -> bool:
        """Say whether the job goes on."""
        return bool(self.chosen) or self.more


class Sender:
    """A job's turn at one webhook."""

    def __init__(self, job: JobContext, webhook_id: UUID, *, turn_seconds: float = TURN_SECONDS) -> None:
        """Begin with nothing on its way."""
        self._job = job
        self._turn_seconds = turn_seconds
        self._webhook_id = webhook_id
        self._under_way: dict[UUID, asyncio.Task[Outcome]] = {}
        self._began = clock.elapsed()
        self._count = 0
        self._found_nothing = False
        self._owner: Context | None = None

    async def run(self) -> int:
        """Send until nothing is due or the turn is over; return how many messages were sent."""
        try:
            while await self._step():
                if self._under_way:
                    await asyncio.wait(self._under_way.values(), return_when=asyncio.FIRST_COMPLETED)
                    await asyncio.sleep(GATHER_SECONDS)
        finally:
            for task in self._under_way.values():
                task.cancel()
            await asyncio.gather(*self._under_way.values(), return_exceptions=True)
        return self._count

    async def _step(self) -> bool:
        """Write down what has come back and begin what is due, in one transaction; say whether to go on."""
        done = {delivery_id: task.result() for delivery_id, task in self._under_way.items() if task.done()}
        is_last = not self._under_way and self._found_nothing
        async with self._job.unit() as unit:
            look = await self._look(unit, list(done.values()), is_last=is_last)
            if look is None:
                return False
            choice = await self._choose(look, room=self._room(look, done))
            if is_last and not choice:
                await self._give_lane_up(look)
        for delivery_id in done:
            del self._under_way[delivery_id]
        self._begin(look, choice)
        self._found_nothing = not choice
        return not is_last or bool(choice)

    def _begin(self, look: _Look, choice: _Choice) -> None:
        if look.target is not None:
            for delivery, body in choice.chosen:
                self._under_way[delivery.id] = asyncio.create_task(self._send(look.target, delivery, body))

    async def _look(self, unit: Unit, done: list[Outcome], *, is_last: bool) -> _Look | None:
        lane = await lanes.find_own_lane(unit, self._webhook_id, job_id=self._job.id, is_last=is_last)
        webhook = await webhooks.find_webhook(unit, self._webhook_id)
        if lane is None or webhook is None:
            return None
        now = clock.now()
        failing = lane.clock(webhook.failing_since)
        if done:
            failing = await note(unit, webhook, lane, done, now=now)
        reason = _find_end(webhook, failing, done, now=now)
        if reason is not None and webhook.is_active:
            webhook = await give_up(unit, webhook, reason=reason, now=now)
        context = await self._act(unit, webhook, lane) if webhook.is_active else None
        target: Target | None = None
        if context is not None:
            try:
                target = open_target(self._job.runtime.keys, webhook, workspace=context.workspace_id, now=now)
            except WebhookSecretLost:
                webhook = await give_up(unit, webhook, reason="secret_lost", now=now)
        return _Look(unit, webhook, lane, failing, context if target is not None else None, target)

    async def _act(self, unit: Unit, webhook: StoredWebhook, lane: Lane) -> Context | None:
        """Return the webhook's owner, looked up anew whenever rights in the workspace have changed."""
        known = self._owner
        if known is None or known.member_id != webhook.owner_id or known.access.rights_epoch != lane.rights_epoch:
            found = await act_as_owner(self._job, unit, webhook)
            # What is written counts as of the epoch that was read first: rights that change meanwhile have it looked at
            # again, and so has another owner.
            self._owner = None if found is None else _in_epoch(found, lane.rights_epoch)
        return None if self._owner is None else replace(self._owner, unit=unit, now=clock.now())

    def _room(self, look: _Look, done: Collection[UUID]) -> int:
        if self._is_over() or look.failing.is_paused(clock.now()):
            return 0
        return (1 if look.webhook.is_ordered else AT_ONCE) - len(self._under_way) + len(done)

    def _is_over(self) -> bool:
        return clock.elapsed(self._began) >= self._turn_seconds

    async def _choose(self, look: _Look, *, room: int) -> _Choice:
        if look.context is None or room <= 0:
            return _Choice()
        due, waits = await self._list_due(look, room)
        stretch = Stretch()
        if len(due) < room and not waits and _may_read(look):
            stretch = await read_on(look.context, look.webhook, look.lane, is_probe=look.failing.is_held)
            if stretch.count:
                due, _ = await self._list_due(look, room)
        bodies = await check_again(look.context, look.webhook, due)
        chosen = [(delivery, bodies[delivery.id]) for delivery in due if delivery.id in bodies]
        return _Choice(chosen, more=not chosen and (stretch.more or bool(due)))

    async def _list_due(self, look: _Look, room: int) -> tuple[list[StoredDelivery], bool]:
        """Return what is to be sent now, and whether something else has to come before anything that is read."""
        now = clock.now()
        if not look.webhook.is_ordered:
            found = await deliveries.list_due(
                look.unit, look.webhook.id, now=now, besides=self._under_way.keys(), limit=room
            )
            return found, False
        first = await deliveries.find_first(look.unit, look.webhook.id)
        if first is None:
            return [], False
        return [first] if first.next_attempt_at is not None and first.next_attempt_at <= now else [], True

    async def _give_lane_up(self, look: _Look) -> None:
        """Leave the webhook to the job that goes on at once, or to one that looks at it when it is due again."""
        unit, webhook_id = look.unit, look.webhook.id
        if look.context is not None and self._is_over():
            await pass_on(unit, webhook_id, job_id=self._job.id, is_failing=look.failing.failures > 0)
            return
        due_at = None if look.context is None else await _find_due_at(look)
        await lanes.free_lane(unit, webhook_id, due_at=due_at)
        if due_at is not None:
            await wake_at(unit, webhook_id, due_at=due_at, now=clock.now())

    async def _send(self, target: Target, delivery: StoredDelivery, body: str) -> Outcome:
        message = Message(str(delivery.message_id), delivery.type, clock.now(), body.encode())
        self._count += 1
        return Outcome(delivery, await send(self._job.runtime, target, message), target.url)


def _find_end(
    webhook: StoredWebhook, failing: Clock, done: Sequence[Outcome], *, now: datetime
) -> DisabledReason | None:
    """Return why a webhook is sent nothing any more; None where it goes on."""
    if any(outcome.attempt.status_code == GONE and outcome.url == webhook.url for outcome in done):
        return "gone"
    return "failing" if failing.is_over(now) else None


def _in_epoch(context: Context, epoch: int | None) -> Context:
    return context if epoch is None else replace(context, access=replace(context.access, rights_epoch=epoch))


def _may_read(look: _Look) -> bool:
    probe_at = look.lane.probe_at
    return not look.failing.is_held or probe_at is None or probe_at <= clock.now()


async def _find_due_at(look: _Look) -> datetime | None:
    if look.webhook.is_ordered:
        first = await deliveries.find_first(look.unit, look.webhook.id)
        retry_at = None if first is None else first.next_attempt_at
    else:
        retry_at = await deliveries.find_next_moment(look.unit, look.webhook.id)
    if look.failing.is_paused(clock.now()):
        # Whether or not anything waits: what happens meanwhile is only in the log.
        return look.failing.paused_until
    return min((moment for moment in (retry_at, look.lane.probe_at) if moment is not None), default=None)
