"""Who follows what happened: how far behind, what failed, and another attempt at it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import httpx2
import pytest
from fastapi import FastAPI

from fostr.kernel import clock
from fostr.kernel.events.catalogue import EventType, register_events
from fostr.kernel.events.consumers import Event, list_consumers, register_consumer
from fostr.kernel.events.cursors import ensure_consumers
from fostr.kernel.events.delivery import MOST_ATTEMPTS, deliver
from fostr.kernel.events.outbox import record
from fostr.kernel.ids import new_id
from fostr.kernel.runtime import Runtime
from tests.identity.people import sign_up
from tests.support.cast import Cast, create_token
from tests.support.client import BASE, Client, refusal
from tests.support.events import event_types

if TYPE_CHECKING:
    from fostr.kernel.db.unit import Unit

PATH = "/api/v1/events"
NAME = "tests.probes"

register_events([EventType("probe.sent", "probe"), EventType("probe.arrived", "probe")])


@dataclass
class Probe:
    """How the consumer of these tests behaves."""

    error: Exception | None = None
    given: list[UUID] = field(default_factory=list[UUID])


_probe = Probe()


async def _take(unit: Unit, event: Event) -> None:
    _probe.given.append(event.id)
    await record(unit, type="probe.arrived", entity="probe", entity_id=event.entity_id)
    if _probe.error is not None:
        raise _probe.error


register_consumer(NAME, types={"probe.sent"}, handler=_take)


@pytest.fixture
async def probe() -> AsyncIterator[Probe]:
    _probe.error = None
    _probe.given.clear()
    yield _probe
    _probe.error = None


@pytest.fixture
async def browser(app: FastAPI, client: Client) -> AsyncIterator[Client]:
    """A client that keeps its cookies."""
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=BASE) as inner:
        yield Client(inner, client.checker, {})


async def send(runtime: Runtime, cast: Cast) -> UUID:
    thing = new_id()
    async with runtime.database.unit(cast.acme) as unit:
        await record(unit, type="probe.sent", entity="probe", entity_id=thing)
    return thing


async def send_in_vain(runtime: Runtime, cast: Cast, probe: Probe) -> UUID:
    """Send what the consumer fails at until it is put aside."""
    thing = await send(runtime, cast)
    probe.error = RuntimeError("the mast is down")
    with clock.travel(to=clock.now()):
        for _ in range(MOST_ATTEMPTS):
            await fail_once(runtime, cast)
    return thing


async def fail_once(runtime: Runtime, cast: Cast) -> None:
    [consumer] = [one for one in list_consumers() if one.name == NAME]
    await ensure_consumers(runtime.database, [consumer])
    given = len(_probe.given)
    while len(_probe.given) == given:
        step = await deliver(runtime.database, [consumer], cast.acme)
        clock.advance(timedelta(seconds=(step.retry_in or 0) + 0.01))


async def consumer_of(client: Client) -> dict[str, Any]:
    response = await client.get(f"{PATH}/consumers")
    assert response.status_code == 200, response.text
    [found] = [one for one in response.json()["items"] if one["name"] == NAME]
    return found


async def letters_of(client: Client) -> list[dict[str, Any]]:
    page = (await client.get(f"{PATH}/dead-letters")).json()
    assert page["total"] == len(page["items"])
    return page["items"]


async def test_a_consumer_that_is_up_to_date_is_not_behind(
    client: Client, cast: Cast, runtime: Runtime, probe: Probe, settle: Callable[[], Awaitable[None]]
) -> None:
    admin = client.as_(cast.admin)
    await send(runtime, cast)
    behind = await consumer_of(admin)
    assert behind["events_behind"] > 0
    assert behind["oldest_unread_seconds"] >= 0
    await settle()
    caught_up = await consumer_of(admin)
    assert caught_up == {
        "name": NAME,
        "events_behind": 0,
        "oldest_unread_seconds": None,
        "attempts": 0,
        "retry_at": None,
        "error": None,
        "dead_letters": 0,
    }


async def test_a_failing_event_shows_why_and_when_it_is_tried_again(
    client: Client, cast: Cast, runtime: Runtime, probe: Probe
) -> None:
    await send(runtime, cast)
    probe.error = RuntimeError("the mast is down")
    with clock.travel(to=clock.now()):
        await fail_once(runtime, cast)
        await fail_once(runtime, cast)
    found = await consumer_of(client.as_(cast.owner))
    assert (found["attempts"], found["error"]) == (2, "RuntimeError: the mast is down")
    assert found["retry_at"] is not None
    assert found["dead_letters"] == 0


async def test_what_was_put_aside_is_handed_over_again_once(
    client: Client, cast: Cast, runtime: Runtime, probe: Probe
) -> None:
    admin = client.as_(cast.admin)
    thing = await send_in_vain(runtime, cast, probe)
    assert await event_types(runtime, cast.acme, entity_id=thing) == ["probe.sent"]
    [letter] = await letters_of(admin)
    assert (letter["consumer"], letter["type"], letter["attempts"]) == (NAME, "probe.sent", MOST_ATTEMPTS)
    assert letter["error"] == "RuntimeError: the mast is down"
    assert (await consumer_of(admin))["dead_letters"] == 1

    probe.error = ValueError("still down")
    retry = f"{PATH}/dead-letters/{letter['id']}/retry"
    failed = await admin.post(retry)
    assert (failed.status_code, failed.json()) == (200, {"is_delivered": False, "error": "ValueError: still down"})
    [kept] = await letters_of(admin)
    assert (kept["attempts"], kept["error"]) == (MOST_ATTEMPTS + 1, "ValueError: still down")
    assert await event_types(runtime, cast.acme, entity_id=thing) == ["probe.sent"], "what it wrote is undone"

    probe.error = None
    delivered = await admin.post(retry)
    assert delivered.json() == {"is_delivered": True, "error": None}
    assert await letters_of(admin) == []
    assert refusal(await admin.post(retry)) == (404, "dead_letter_not_found")
    assert await event_types(runtime, cast.acme, entity_id=thing) == ["probe.sent", "probe.arrived"]
    told = await event_types(runtime, cast.acme, entity_id=UUID(letter["event_id"]))
    assert told == ["dead_letter.retried", "dead_letter.retried"]


async def test_one_may_give_up_on_it(client: Client, cast: Cast, runtime: Runtime, probe: Probe) -> None:
    admin = client.as_(cast.admin)
    await send_in_vain(runtime, cast, probe)
    [letter] = await letters_of(admin)
    path = f"{PATH}/dead-letters/{letter['id']}"
    assert (await admin.delete(path)).status_code == 204
    assert await letters_of(admin) == []
    assert refusal(await admin.delete(path)) == (404, "dead_letter_not_found")
    assert await event_types(runtime, cast.acme, entity_id=UUID(letter["event_id"])) == ["dead_letter.discarded"]


async def test_what_nobody_takes_any_more_cannot_be_handed_over(client: Client, cast: Cast, runtime: Runtime) -> None:
    admin = client.as_(cast.admin)
    async with runtime.database.unit() as unit:
        letter = await unit.value(
            """
            insert into event_dead_letters (consumer, workspace_id, event_id, type, attempts, error)
            values ('tests.gone', :acme, :event_id, 'probe.sent', 6, 'x') returning id
            """,
            acme=cast.acme,
            event_id=new_id(),
        )
    refused = await admin.post(f"{PATH}/dead-letters/{letter}/retry")
    assert refusal(refused) == (409, "dead_letter_undeliverable")
    assert (await admin.delete(f"{PATH}/dead-letters/{letter}")).status_code == 204


async def test_it_is_for_administrators_of_the_workspace(
    client: Client, cast: Cast, runtime: Runtime, probe: Probe
) -> None:
    await send_in_vain(runtime, cast, probe)
    [letter] = await letters_of(client.as_(cast.owner))
    path = f"{PATH}/dead-letters/{letter['id']}"
    for person in (cast.member, cast.viewer):
        them = client.as_(person)
        answers = [
            await them.get(f"{PATH}/consumers"),
            await them.get(f"{PATH}/dead-letters"),
            await them.post(f"{path}/retry"),
            await them.delete(path),
        ]
        assert [refusal(answer) for answer in answers] == [(403, "forbidden")] * 4
    stranger = client.as_(cast.stranger)
    assert refusal(await stranger.post(f"{path}/retry")) == (404, "dead_letter_not_found")
    assert refusal(await stranger.delete(path)) == (404, "dead_letter_not_found")
    assert await letters_of(stranger) == []
    assert (await client.as_(cast.stranger, workspace=cast.acme).get(f"{PATH}/dead-letters")).status_code == 404
    narrow = client.with_token(await create_token(runtime, cast.admin.user_id, scope="write"), workspace=cast.acme)
    assert refusal(await narrow.get(f"{PATH}/consumers")) == (403, "pat_scope_insufficient")
    assert refusal(await client.as_(cast.owner).post(f"{PATH}/dead-letters/0/retry")) == (422, "validation_failed")
    assert len(await letters_of(client.as_(cast.owner))) == 1


async def test_the_whole_server_is_for_its_operators(
    client: Client, browser: Client, cast: Cast, runtime: Runtime, probe: Probe
) -> None:
    path = f"{PATH}/consumers/server"
    await send_in_vain(runtime, cast, probe)
    made = await sign_up(browser)
    assert (await browser.get(path)).status_code == 404
    async with runtime.database.unit() as unit:
        await unit.run("update users set is_superuser = true where id = :id", id=made["user"]["id"])
    shown = await browser.get(path)
    assert shown.status_code == 200, shown.text
    [found] = [one for one in shown.json()["items"] if one["name"] == NAME]
    assert found["dead_letters"] >= 1
    assert found["workspaces_behind"] >= 0
    assert (await client.as_(cast.owner).get(path)).status_code == 404
    assert str(cast.acme) not in shown.text
