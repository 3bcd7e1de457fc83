"""Notifications by WhatsApp: through a server that speaks its language, with its refusals."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from fostr.app import create_app
from fostr.domains.notifications.deliveries.messaging import read_number, summarise
from fostr.domains.notifications.deliveries.tasks import RETRIES
from fostr.domains.notifications.preferences.repository import Switched, insert_missing
from fostr.integrations.whatsapp import (
    WhatsAppDeferred,
    WhatsAppNotConfigured,
    WhatsAppRefused,
    is_whatsapp_configured,
    send_template,
)
from fostr.kernel import clock
from tests.notifications.delivering import (
    NOON,
    at,
    choose_digest,
    choose_quiet,
    deliveries,
    keep_up,
    pass_time,
    run_due,
    stored,
)
from tests.notifications.graph import Graph, error, serve_graph, with_whatsapp
from tests.support.client import BASE, Client, refusal
from tests.support.notifications import API, BROKEN, ring
from tests.support.settling import settle

if TYPE_CHECKING:
    from uuid import UUID

    from fostr.kernel.runtime import Runtime
    from tests.support.cast import Cast, Person

PHONE = "+49 (0)30 1234-567"


@pytest.fixture
def graph() -> Graph:
    return Graph()


@pytest.fixture
async def sending(graph: Graph, runtime: Runtime) -> AsyncIterator[Runtime]:
    """The open parts, with a WhatsApp account that takes everything."""
    with serve_graph(graph) as url:
        yield with_whatsapp(runtime, url)


async def switch_on(person: Person, runtime: Runtime, *, phone: str = PHONE) -> None:
    """Have somebody told of bells by WhatsApp, and by mail no more."""
    chosen = [Switched(kind, in_app=True, email=False, whatsapp=True, muted=False) for kind in ("bell_rung", BROKEN)]
    async with runtime.database.unit(person.workspace_id) as unit:
        await unit.run("update users set phone = :phone where id = :id", phone=phone, id=person.user_id)
        await insert_missing(unit, member_id=person.member_id, chosen=chosen, now=clock.now())


async def test_with_an_account_everybody_can_switch_it_on(client: Client, cast: Cast, sending: Runtime) -> None:
    transport = httpx2.ASGITransport(app=create_app(sending.settings, runtime=sending, lazily=True))
    async with httpx2.AsyncClient(transport=transport, base_url=BASE) as inner:
        served = Client(inner, client.checker, {}).as_(cast.viewer)
        response = await served.put(f"{API}/preferences/v2/bell_rung", json={"whatsapp_enabled": True})
        assert response.status_code == 200, response.text
        assert (await served.get(f"{API}/preferences/v2")).json()["bell_rung"]["whatsapp_enabled"] is True


async def test_without_an_account_nobody_can_switch_it_on(client: Client, cast: Cast, runtime: Runtime) -> None:
    assert not is_whatsapp_configured(runtime.settings)
    response = await client.as_(cast.member).put(f"{API}/preferences/v2/bell_rung", json={"whatsapp_enabled": True})
    assert refusal(response) == (503, "whatsapp_not_configured")
    with pytest.raises(WhatsAppNotConfigured):
        await send_template(runtime.settings, to="+4930123456", parameters=["a", "b"])


async def test_a_notification_is_sent_in_the_template(
    client: Client, cast: Cast, sending: Runtime, graph: Graph
) -> None:
    await switch_on(cast.member, sending)
    await ring(sending, cast.acme, [cast.member, cast.viewer], name="Big\n\tBen")
    await run_due(sending)
    [message] = graph.sent
    assert message["to"] == "49301234567"
    assert (message["template"]["name"], message["template"]["language"]) == ("fostr_notification", {"code": "en"})
    [[text, url]] = graph.texts
    assert text == "Big Ben rings"
    assert url.startswith(f"{sending.settings.public_url}/w/")
    [sent] = await deliveries(client.as_(cast.member), title="Big Ben rings")
    assert (sent["channel"], sent["status"], sent["reason"]) == ("whatsapp", "sent", None)
    assert (await stored(sending, cast.acme, "message_id", "channel"))[-1]["message_id"] in {"wamid.1", None}
    await run_due(sending)
    assert graph.asked == 1


async def test_threads_and_quiet_hours_hold_here_too_and_digests_are_of_mail(
    client: Client, cast: Cast, sending: Runtime, graph: Graph
) -> None:
    with at(NOON):
        await switch_on(cast.member, sending)
        await choose_digest(client.as_(cast.member))
        for _ in range(3):
            await ring(sending, cast.acme, [cast.member])
            await run_due(sending)
        assert [text for text, _ in graph.texts] == ["Big Ben rings"]
        await pass_time(sending, timedelta(minutes=5))
        [[text, url]] = graph.texts[1:]
        assert text == "2 notifications: Big Ben rings; Big Ben rings"
        assert url.startswith(f"{sending.settings.public_url}/w/")

        await choose_quiet(client.as_(cast.member), "12:00", "13:00")
        for name in ("One", "Two"):
            await ring(sending, cast.acme, [cast.member], name=name)
            await run_due(sending)
        await ring(sending, cast.acme, [cast.member], name="Broken", type=BROKEN)
        await run_due(sending)
        assert [text for text, _ in graph.texts[2:]] == ["Broken rings"]
        await pass_time(sending, timedelta(hours=1))
        assert [text for text, _ in graph.texts[3:]] == ["2 notifications: Two rings; One rings"]


@pytest.mark.parametrize(
    "answer",
    [
        (429, error(130429, "Rate limit hit")),
        (400, error(131056, "Pair rate limit hit")),
        (500, error(131000, "Something went wrong")),
        (400, error(131057, "Account in maintenance mode")),
        (503, {}),
        None,
    ],
)
async def test_what_passes_is_tried_again(
    client: Client, cast: Cast, sending: Runtime, graph: Graph, answer: tuple[int, dict[str, Any]] | None
) -> None:
    await switch_on(cast.member, sending)
    graph.answers.append(answer)
    await ring(sending, cast.acme, [cast.member])
    await run_due(sending)
    assert (graph.asked, len(graph.sent)) == (2, 1)
    [sent] = await deliveries(client.as_(cast.member), title="Big Ben rings")
    assert sent["status"] == "sent"


@pytest.mark.parametrize(
    "answer",
    [
        (400, error(131026, "Message undeliverable")),
        (400, error(131047, "Re-engagement message")),
        (400, error(132001, "Template does not exist")),
        (400, error(132015, "Template is paused")),
        (401, error(190, "Access token has expired")),
        (403, {"error": "no"}),
        (302, {}),
    ],
)
async def test_what_does_not_pass_is_noted(
    client: Client, cast: Cast, sending: Runtime, graph: Graph, answer: tuple[int, dict[str, Any]]
) -> None:
    await switch_on(cast.member, sending)
    graph.answers.append(answer)
    await ring(sending, cast.acme, [cast.member])
    await run_due(sending)
    assert (graph.asked, graph.sent) == (1, [])
    [failed] = await deliveries(client.as_(cast.member), title="Big Ben rings")
    assert (failed["status"], failed["reason"]) == ("failed", "whatsapp_refused")
    # The next one is tried all the same.
    await ring(sending, cast.acme, [cast.member], name="Next")
    await run_due(sending)
    assert len(graph.sent) == 1


@pytest.mark.parametrize("phone", ["", "030 1234567", "call me", "+0123456789", "+1", "+12345678901234567"])
async def test_without_a_number_that_says_its_country_it_is_left_out(
    client: Client, cast: Cast, sending: Runtime, graph: Graph, phone: str
) -> None:
    await switch_on(cast.member, sending, phone=phone)
    await ring(sending, cast.acme, [cast.member])
    await run_due(sending)
    assert graph.asked == 0
    [skipped] = await deliveries(client.as_(cast.member), title="Big Ben rings")
    assert (skipped["status"], skipped["reason"]) == ("skipped", "phone_number_missing")


async def test_an_account_that_was_taken_away_leaves_it_out(
    client: Client, cast: Cast, sending: Runtime, runtime: Runtime, graph: Graph
) -> None:
    await switch_on(cast.member, sending)
    await ring(runtime, cast.acme, [cast.member])
    await run_due(runtime)
    assert graph.asked == 0
    [skipped] = await deliveries(client.as_(cast.member), title="Big Ben rings")
    assert (skipped["status"], skipped["reason"]) == ("skipped", "whatsapp_not_configured")


async def test_a_message_whose_job_was_lost_is_sent_after_all(
    client: Client, cast: Cast, sending: Runtime, graph: Graph
) -> None:
    with at(NOON):
        await switch_on(cast.member, sending)
        # A slow machine may come to try it more than once.
        graph.answers += [(503, {})] * 9
        await ring(sending, cast.acme, [cast.member])
        await settle(sending, ahead=timedelta(0))
        async with sending.database.unit() as unit:
            lost = await unit.value(
                """
                with lost as (
                    update jobs set status = 'cancelled', finished_at = :now
                    where workspace_id = :about and name = 'notifications.send_whatsapp' and status = 'queued'
                    returning id
                ), taken as (delete from pgqueuer where dedupe_key in (select id::text from lost))
                select count(*) from lost
                """,
                about=cast.acme,
                now=clock.now(),
            )
        graph.answers.clear()
        tried = graph.asked
        assert lost == 1
        assert tried >= 1
        await pass_time(sending, timedelta(hours=1))
        await keep_up(sending)
        assert graph.asked == tried, "its job may be trying yet"
        await pass_time(sending, timedelta(hours=2))
        await keep_up(sending)
        [sent] = await deliveries(client.as_(cast.member), title="Big Ben rings")
        assert (sent["status"], graph.texts[0][0], graph.asked) == ("sent", "Big Ben rings", tried + 1)


async def end_retries(runtime: Runtime, workspace: UUID) -> None:
    """Have the next attempt to send a message of a workspace be made now, and be the last."""
    async with runtime.database.unit() as unit:
        ended = await unit.run(
            """
            with ended as (
                update jobs set failures = :retries
                where workspace_id = :about and name = 'notifications.send_whatsapp' and status = 'queued'
                returning id
            )
            update pgqueuer set execute_after = now() where dedupe_key in (select id::text from ended)
            """,
            retries=RETRIES,
            about=workspace,
        )
    assert ended == 1


@pytest.mark.parametrize(
    ("number_id", "reason"), [("106540352242922", "whatsapp_deferred"), ("\N{SNOWMAN}\ud800", "delivery_failed")]
)
async def test_what_is_tried_in_vain_to_the_end_is_noted(
    client: Client, cast: Cast, sending: Runtime, graph: Graph, number_id: str, reason: str
) -> None:
    await switch_on(cast.member, sending)
    await ring(sending, cast.acme, [cast.member])
    graph.answers += [(503, {})] * 9
    await settle(sending, ahead=timedelta(0))
    await end_retries(sending, cast.acme)
    settings = sending.settings.model_copy(update={"whatsapp_phone_number_id": number_id})
    await settle(replace(sending, settings=settings))
    [failed] = await deliveries(client.as_(cast.member), title="Big Ben rings")
    assert (failed["status"], failed["reason"]) == ("failed", reason)
    assert graph.sent == []


async def test_errors_say_what_happened_and_never_the_token(sending: Runtime, graph: Graph) -> None:
    graph.answers += [(400, error(132001, "Template does not exist")), (429, error(4, "Too many calls")), None]
    for kind in (WhatsAppRefused, WhatsAppDeferred, WhatsAppDeferred):
        with pytest.raises(kind) as caught:
            await send_template(sending.settings, to="+49301234567", parameters=["a", "b"])
        token = sending.settings.whatsapp_token
        assert token is not None
        assert token.get_secret_value() not in caught.value.sentence
    graph.answers.append((400, error(132001, "Template does not exist")))
    with pytest.raises(WhatsAppRefused, match=r"400 132001 \(#132001\) Template does not exist"):
        await send_template(sending.settings, to="+49301234567", parameters=["a", "b"])


@pytest.mark.parametrize(
    ("phone", "number"),
    [
        ("+49 30 1234567", "+49301234567"),
        ("+49 (0)30/1234-567", "+49301234567"),
        ("0049 30 1234567", "+49301234567"),
        ("+1 (415) 555\N{NON-BREAKING HYPHEN}0132", "+14155550132"),
        ("030 1234567", None),
        ("+49 30 1234567 x12", None),
        ("+\N{ARABIC-INDIC DIGIT ONE}234567890", None),
    ],
)
def test_numbers_are_read_as_people_write_them(phone: str, number: str | None) -> None:
    assert read_number(phone) == number


def test_long_texts_are_cut() -> None:
    assert summarise(["a", "b", "c", "d", "e"]) == "5 notifications: a; b; c; and 2 more"
    assert len(summarise(["x" * 2000])) == 600
    assert summarise(["a", "b", "c"]) == "3 notifications: a; b; c"
