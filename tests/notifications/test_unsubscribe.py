"""Ending mail from within it: with one click of a mail program, and by a person who looks first."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import pytest

from fostr.domains.notifications.unsubscribing.tokens import ending_addresses
from fostr.kernel import clock
from tests.notifications.delivering import (
    NOON,
    Letter,
    at,
    choose_digest,
    letters_to,
    pass_time,
    run_due,
    subjects_to,
)
from tests.support.client import Client, refusal
from tests.support.events import event_types
from tests.support.notifications import API, BROKEN, REPAIRED, ring

if TYPE_CHECKING:
    from fostr.kernel.runtime import Runtime
    from tests.support.cast import Cast

PATH: Final = f"{API}/unsubscribe"
PAGE: Final = "/unsubscribe"
ONE_CLICK: Final = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
async def letter(cast: Cast, runtime: Runtime) -> Letter:
    """A mail to the member about a bell."""
    await ring(runtime, cast.acme, [cast.member])
    await run_due(runtime)
    [letter] = await letters_to(runtime, cast.member)
    return letter


async def mailed_types(client: Client) -> set[str]:
    """Return the types of bells of which the caller is told by mail."""
    response = await client.get(f"{API}/preferences/v2")
    assert response.status_code == 200, response.text
    return {name for name, one in response.json().items() if one["email_enabled"] and name.startswith("bell_")}


async def test_one_click_ends_mail_of_that_type_and_nothing_else(
    client: Client, cast: Cast, runtime: Runtime, letter: Letter
) -> None:
    member = client.as_(cast.member)
    before = await mailed_types(member)
    # As a mail program sends it: no cookie, no credential, a form.
    ended = await client.anonymous().post(PATH, params={"token": letter.token}, data=ONE_CLICK)
    assert ended.status_code == 200, ended.text
    assert ended.json() == {"notification_types": ["bell_rung"], "channel": "email"}
    assert await mailed_types(member) == before - {"bell_rung"}
    assert (await member.get(f"{API}/preferences/v2")).json()["bell_rung"]["inapp_enabled"] is True
    assert "bell_rung" in await mailed_types(client.as_(cast.viewer))
    assert (await event_types(runtime, cast.acme, entity_id=cast.member.member_id))[
        -1
    ] == "notification_preferences.updated"
    await ring(runtime, cast.acme, [cast.member, cast.viewer], name="After")
    await run_due(runtime)
    assert await subjects_to(runtime, cast.member) == ["Big Ben rings"]
    assert await subjects_to(runtime, cast.viewer) == ["After rings"]


async def test_again_is_the_same_and_so_it_is_for_who_left(client: Client, cast: Cast, letter: Letter) -> None:
    answers = [await client.anonymous().post(PATH, params={"token": letter.token}) for _ in range(2)]
    gone = await client.as_(cast.owner).delete(f"/api/v1/members/{cast.member.member_id}")
    assert gone.status_code == 204, gone.text
    answers.append(await client.anonymous().post(PATH, params={"token": letter.token}))
    assert [answer.status_code for answer in answers] == [200] * 3
    assert len({answer.text for answer in answers}) == 1


async def test_what_was_chosen_since_counts_until_the_link_is_used_again(
    client: Client, cast: Cast, letter: Letter
) -> None:
    member = client.as_(cast.member)
    await client.anonymous().post(PATH, params={"token": letter.token})
    again = await member.put(f"{API}/preferences/v2/bell_rung", json={"email_enabled": True, "inapp_enabled": False})
    assert again.status_code == 200, again.text
    # Whoever only looks, be it a program that checks mail, changes nothing.
    for path in (PATH, PAGE):
        await client.anonymous().get(path, params={"token": letter.token})
        await client.anonymous().request("HEAD", path, params={"token": letter.token})
    assert (await member.get(f"{API}/preferences/v2")).json()["bell_rung"] == again.json()
    await client.anonymous().post(PATH, params={"token": letter.token})
    assert (await member.get(f"{API}/preferences/v2")).json()["bell_rung"] == {**again.json(), "email_enabled": False}


async def test_a_link_about_what_the_product_no_longer_has_is_good_all_the_same(
    client: Client, cast: Cast, runtime: Runtime
) -> None:
    addresses = ending_addresses(
        runtime, workspace_id=cast.acme, member_id=cast.member.member_id, types=["bell_melted"], now=clock.now()
    )
    token = addresses.post.partition("token=")[2]
    assert addresses.page.partition("token=")[2] == token
    ended = await client.anonymous().post(PATH, params={"token": token})
    assert (ended.status_code, ended.json()["notification_types"]) == (200, [])
    page = await client.anonymous().get(PAGE, params={"token": token})
    assert "This ends mail of this kind from this workspace." in page.text
    assert await mailed_types(client.as_(cast.member)) == await mailed_types(client.as_(cast.viewer))


async def test_a_digest_ends_everything_but_what_is_critical(client: Client, cast: Cast, runtime: Runtime) -> None:
    member = client.as_(cast.member)
    with at(NOON):
        await choose_digest(member)
        await ring(runtime, cast.acme, [cast.member])
        await run_due(runtime)
        await pass_time(runtime, timedelta(minutes=30))
        [digest] = await letters_to(runtime, cast.member)
        ended = await client.anonymous().post(PATH, params={"token": digest.token})
        assert ended.status_code == 200
        assert {"bell_rung", REPAIRED} <= set(ended.json()["notification_types"])
        assert BROKEN not in ended.json()["notification_types"]
        settings = (await member.get(f"{API}/preferences/v2")).json()
        assert {name for name, one in settings.items() if one["email_enabled"]} <= {
            name
            for category in (await member.get(f"{API}/defaults")).json().values()
            for name, one in category["types"].items()
            if one["is_critical"]
        }
        assert await mailed_types(member) == {BROKEN}


async def test_looking_ends_nothing_and_the_button_does(client: Client, cast: Cast, letter: Letter) -> None:
    browser = client.anonymous()
    led = await browser.get(PATH, params={"token": letter.token})
    assert (led.status_code, led.headers["location"]) == (303, f"{PAGE}?token={letter.token}")
    assert led.headers["referrer-policy"] == "no-referrer"
    page = await browser.get(PAGE, params={"token": letter.token})
    assert page.status_code == 200
    assert "bell rung" in page.text
    assert f'<form method="post" action="{PAGE}?token={letter.token}">' in page.text
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    assert "form-action 'self'" in page.headers["content-security-policy"]
    assert "bell_rung" in await mailed_types(client.as_(cast.member))
    # Without a referrer, browsers do not tell where a form stood.
    done = await browser.post(PAGE, params={"token": letter.token}, data=ONE_CLICK, headers={"Origin": "null"})
    assert done.status_code == 200
    assert "You get no more mail of this kind" in done.text
    assert "bell_rung" not in await mailed_types(client.as_(cast.member))


def forgeries(token: str) -> list[str]:
    workspace, member, types, expires, signature = token.split(".")
    return [
        "",
        "x",
        "a.b.c.d.e",
        f"{workspace}.{workspace}.{types}.{expires}.{signature}",
        f"{member}.{member}.{types}.{expires}.{signature}",
        f"{workspace}.{member}.all.{expires}.{signature}",
        f"{workspace}.{member}.{types}.{int(expires) + 1}.{signature}",
        f"{workspace}.{member}.{types}.{expires}.{signature[:-2]}",
        f"{workspace}.{member}.{types}.{expires}.",
        f"{workspace}.{member}.{types}.{'9' * 400}.{signature}",
        token + "=",
    ]


async def test_what_was_not_made_here_is_refused(client: Client, cast: Cast, letter: Letter) -> None:
    for token in forgeries(letter.token):
        for path in (PATH, PAGE):
            response = await client.anonymous().post(path, params={"token": token})
            assert refusal(response) == (400, "unsubscribe_link_invalid"), token
    for path in (PATH, PAGE):
        response = await client.anonymous().get(path, params={"token": "x"})
        assert refusal(response) == (400, "unsubscribe_link_invalid")
    assert "bell_rung" in await mailed_types(client.as_(cast.member))


async def test_people_are_refused_on_a_page(client: Client, cast: Cast) -> None:
    del cast
    refused = await client.anonymous().get(PAGE, params={"token": "x"}, headers={"Accept": "text/html"})
    assert refused.status_code == 400
    assert "not valid any more" in refused.text
    cut = await client.anonymous().get(PAGE, headers={"Accept": "text/html"})
    assert cut.status_code == 422
    assert "open the link there once more" in cut.text
    assert "schema" not in cut.text


async def test_links_are_over_after_a_quarter_of_a_year(client: Client, cast: Cast, letter: Letter) -> None:
    with clock.travel(to=clock.now() + timedelta(days=88)):
        assert (await client.anonymous().get(PAGE, params={"token": letter.token})).status_code == 200
    with clock.travel(to=clock.now() + timedelta(days=90)):
        response = await client.anonymous().post(PATH, params={"token": letter.token})
        assert refusal(response) == (400, "unsubscribe_link_invalid")
    assert "bell_rung" in await mailed_types(client.as_(cast.member))


async def test_right_links_are_not_counted(client: Client, letter: Letter) -> None:
    for _ in range(35):
        assert (await client.anonymous().post(PATH, params={"token": letter.token})).status_code == 200
