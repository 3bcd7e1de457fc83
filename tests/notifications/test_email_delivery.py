"""How members get their mail: choosing it, and what becomes of addresses that mail servers refuse."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import pytest

from fostr.domains.notifications.deliveries.rules import is_address_refused
from fostr.domains.notifications.public import list_mailed
from tests.notifications.delivering import deliveries
from tests.support.client import Client, refusal
from tests.support.events import event_types
from tests.support.mailing import Mailing, open_mailing
from tests.support.notifications import API, BELL, inbox, ring
from tests.support.settling import settle

if TYPE_CHECKING:
    from uuid import UUID

    from fostr.kernel.runtime import Runtime
    from tests.support.cast import Cast

PATH = f"{API}/email-delivery"
AT_ONCE = {"email_delivery_mode": "instant", "digest_frequency_minutes": "30", "paused": None}


@pytest.fixture
async def mailing(runtime: Runtime, client: Client) -> AsyncIterator[Mailing]:
    async with open_mailing(runtime, client) as opened:
        yield opened


async def test_mail_comes_at_once_until_somebody_chooses_otherwise(
    client: Client, cast: Cast, runtime: Runtime
) -> None:
    viewer = client.as_(cast.viewer)
    assert (await viewer.get(PATH)).json() == AT_ONCE
    chosen = await viewer.put(PATH, json={"email_delivery_mode": "digest", "digest_frequency_minutes": "60"})
    assert chosen.status_code == 200, chosen.text
    digest = {"email_delivery_mode": "digest", "digest_frequency_minutes": "60", "paused": None}
    assert chosen.json() == (await viewer.get(PATH)).json() == digest
    # It is theirs alone, and of this workspace.
    assert (await client.as_(cast.member).get(PATH)).json() == AT_ONCE
    # What is left out stays.
    back = await viewer.put(PATH, json={"email_delivery_mode": "instant"})
    assert back.json() == {**digest, "email_delivery_mode": "instant"}
    assert (await event_types(runtime, cast.acme, entity_id=cast.viewer.member_id))[-2:] == [
        "notification_settings.email_delivery_updated"
    ] * 2


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email_delivery_mode": "never"},
        {"email_delivery_mode": "digest", "digest_frequency_minutes": "45"},
        {"email_delivery_mode": "digest", "digest_frequency_minutes": 30},
        {"email_delivery_mode": "digest", "more": 1},
        {"digest_frequency_minutes": "30"},
    ],
)
async def test_bad_choices_are_refused(client: Client, cast: Cast, body: dict[str, Any]) -> None:
    assert refusal(await client.as_(cast.member).put(PATH, json=body)) == (422, "validation_failed")
    assert (await client.as_(cast.member).get(PATH)).json() == AT_ONCE


async def test_strangers_choose_nothing_here(client: Client, cast: Cast) -> None:
    body = {"email_delivery_mode": "digest"}
    stranger = client.as_(cast.stranger, workspace=cast.acme)
    for response in (
        await stranger.get(PATH),
        await stranger.put(PATH, json=body),
        await stranger.post(f"{PATH}/resume"),
    ):
        assert refusal(response) == (404, "not_found")
    assert refusal(await client.anonymous().put(PATH, json=body)) == (401, "unauthorized")


async def test_mail_leaves_by_the_mail_server_with_what_ends_it(client: Client, cast: Cast, mailing: Mailing) -> None:
    await ring(mailing.runtime, cast.acme, [cast.member])
    message = await mailing.mail_to(cast.member.email, about="Ding.")
    address = str(message["List-Unsubscribe"]).strip("<>")
    assert address.startswith(f"{mailing.runtime.settings.public_url}/api/v1/notifications/unsubscribe?token=")
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["Subject"] == "Big Ben rings"
    [sent] = await deliveries(client.as_(cast.member), title="Big Ben rings")
    assert (sent["status"], sent["reason"]) == ("sent", None)


async def answer(mailing: Mailing, cast: Cast, answer: str, *, name: str) -> None:
    """Have a mail to the member written, about a bell of a name, and answered by the mail server."""
    answers = mailing.mailbox.answers.setdefault(cast.member.email, [])
    answers.append(answer)
    await ring(mailing.runtime, cast.acme, [cast.member], name=name)
    await settle(mailing.runtime)
    assert answers == []


async def may_be_mailed(mailing: Mailing, cast: Cast) -> list[UUID]:
    """Return to which of the member and the viewer a domain may send a mail of its own about bells."""
    people = [cast.member.member_id, cast.viewer.member_id]
    async with mailing.runtime.database.unit(cast.acme) as unit:
        return await list_mailed(unit, type=BELL, member_ids=people)


async def test_an_address_that_is_refused_again_and_again_is_left_alone(
    client: Client, cast: Cast, mailing: Mailing
) -> None:
    member, gone = client.as_(cast.member), "550 5.1.1 No such user here"
    for number in range(3):
        await answer(mailing, cast, gone, name=f"No. {number}")
        assert (await member.get(PATH)).json()["paused"] is None
    [failed] = await deliveries(member, title="No. 0 rings")
    assert (failed["status"], failed["reason"]) == ("failed", "mail_refused")

    await ring(mailing.runtime, cast.acme, [cast.member], name="Fourth")
    await settle(mailing.runtime)
    paused = (await member.get(PATH)).json()["paused"]
    assert paused["email"] == cast.member.email
    [skipped] = await deliveries(member, title="Fourth rings")
    assert (skipped["status"], skipped["reason"]) == ("skipped", "email_paused")
    # They are told of it where they can be, and nobody else is.
    [notice] = [one for one in await inbox(member) if one["type"] == "email_paused"]
    assert notice["title"] == f"Mail to {cast.member.email} is paused"
    assert not [one for one in await inbox(client.as_(cast.owner)) if one["type"] == "email_paused"]
    assert mailing.mailbox.to(cast.member.email) == []
    assert await may_be_mailed(mailing, cast) == [cast.viewer.member_id]

    resumed = await member.post(f"{PATH}/resume")
    assert (resumed.status_code, resumed.json()["paused"]) == (200, None)
    assert (await member.post(f"{PATH}/resume")).json() == resumed.json()
    assert await may_be_mailed(mailing, cast) == [cast.member.member_id, cast.viewer.member_id]
    await ring(mailing.runtime, cast.acme, [cast.member], name="Fifth")
    await settle(mailing.runtime)
    assert [message["Subject"] for message in mailing.mailbox.to(cast.member.email)] == ["Fifth rings"]


async def test_one_mail_that_arrives_begins_the_count_anew(client: Client, cast: Cast, mailing: Mailing) -> None:
    gone = "550 5.1.1 No such user here"
    for number, said in enumerate((gone, gone, "250 OK", gone, gone)):
        await answer(mailing, cast, said, name=f"No. {number}")
    await ring(mailing.runtime, cast.acme, [cast.member], name="Last")
    await settle(mailing.runtime)
    assert (await client.as_(cast.member).get(PATH)).json()["paused"] is None
    assert len(mailing.mailbox.to(cast.member.email)) == 2


@pytest.mark.parametrize(
    ("answer", "is_refused"),
    [
        ("550 5.1.1 <a@b.test>: Recipient address rejected: User unknown", True),
        ("550 5.1.10 Recipient not found", True),
        ("550 5.2.1 The account is disabled", True),
        ("553 5.1.3 The recipient address is not a valid address", True),
        ("550 No such user here", True),
        ("551 User not local", True),
        ("550 5.7.1 Message refused: poor reputation", False),
        ("554 5.7.1 Relay access denied", False),
        ("550 5.1.8 Sender address rejected: Domain not found", False),
        ("553 5.1.7 Bad sender address", False),
        ("552 5.2.2 Mailbox full", False),
        ("535 5.7.8 Wrong login", False),
        ("554 No", False),
        ("450 4.1.1 Try again", False),
        ("The server does not support STARTTLS", False),
    ],
)
def test_what_a_server_refuses_for_other_reasons_is_not_the_address(answer: str, *, is_refused: bool) -> None:
    assert is_address_refused(answer) is is_refused
