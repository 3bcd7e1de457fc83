"""One's own account."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from fostr.domains.workspaces.public import add_member
from fostr.kernel import clock
from fostr.kernel.runtime import Runtime
from tests.identity.conftest import Visit
from tests.identity.people import PASSWORD, login, new_email, refresh, sign_up, who
from tests.support.cast import Cast
from tests.support.client import Client, refusal
from tests.support.events import event_types

ME = "/api/v1/auth/me"
NEW = "Note-G-Bernoulli-7"


async def change_password(client: Client, *, current: str = PASSWORD, new: str = NEW) -> Any:
    body = {"current_password": current, "new_password": new}
    return await client.post(f"{ME}/password", json=body)


async def test_people_see_themselves(client: Client, cast: Cast) -> None:
    shown = (await who(client.as_(cast.member))).json()
    assert (shown["id"], shown["email"], shown["member"]) == (str(cast.member.user_id), cast.member.email, None)
    within = (await client.as_(cast.member).get(ME, params={"workspace_id": str(cast.acme)})).json()
    assert within["member"]["id"] == str(cast.member.member_id)
    assert (within["member"]["role"], within["member"]["status"]) == ("member", "active")


async def test_a_workspace_of_others_is_not_found(client: Client, cast: Cast) -> None:
    params = {"workspace_id": str(cast.globex)}
    refused = (404, "workspace_not_found")
    assert refusal(await client.as_(cast.owner).get(ME, params=params)) == refused
    assert refusal(await client.as_(cast.owner).patch(ME, params=params, json={"title": "Dr"})) == refused
    assert (await who(client.as_(cast.owner))).json()["title"] == ""
    assert refusal(await client.as_(cast.owner).get(ME, params={"workspace_id": "x"})) == (422, "validation_failed")


async def test_what_is_left_out_stays(client: Client, cast: Cast) -> None:
    member = client.as_(cast.member)
    fields = {"full_name": "Ada King", "title": "Countess", "phone": "+44 20", "bio": "Mathematician."}
    picture = "https://example.com/ada.png"
    changed = (await member.patch(ME, json={**fields, "avatar_url": picture})).json()
    assert {name: changed[name] for name in fields} == fields
    assert (changed["avatar_url"], changed["version"]) == (picture, 2)
    changed = (await member.patch(ME, json={"avatar_url": None})).json()
    assert {name: changed[name] for name in fields} == fields
    assert changed["avatar_url"] is None


async def test_workspaces_show_the_change(
    client: Client, cast: Cast, runtime: Runtime, run_jobs: Callable[[], Awaitable[None]]
) -> None:
    async def shown(workspace: Any) -> tuple[str, str | None]:
        params = {"workspace_id": str(workspace)}
        member = (await client.as_(cast.stranger).get(ME, params=params)).json()["member"]
        return member["full_name"], member["avatar_url"]

    async with runtime.database.unit() as unit:
        added = await add_member(unit, workspace_id=cast.acme, user_id=cast.stranger.user_id, role="viewer")
    body = {"full_name": "Grace Hopper", "avatar_url": "https://example.com/grace.png"}
    params = {"workspace_id": str(cast.acme)}
    at_once = (await client.as_(cast.stranger).patch(ME, params=params, json=body)).json()
    assert at_once["member"]["full_name"] == "Grace Hopper"
    assert (await shown(cast.globex))[0] == "Stranger Example"
    await run_jobs()
    assert await shown(cast.globex) == await shown(cast.acme) == ("Grace Hopper", body["avatar_url"])
    # Told once each, although the job came by after the workspace that was named.
    for workspace, member in ((cast.acme, added.id), (cast.globex, cast.stranger.member_id)):
        types = await event_types(runtime, workspace, entity_id=member)
        assert types == ["member.added", "member.updated"]


async def test_of_two_who_edit_at_once_the_second_is_told(client: Client, cast: Cast) -> None:
    member = client.as_(cast.member)
    assert (await member.patch(ME, json={"title": "One"}, headers={"If-Match": '"1"'})).status_code == 200
    stale = await member.patch(ME, json={"title": "Two"}, headers={"If-Match": '"1"'})
    assert refusal(stale) == (409, "stale_update")
    assert (stale.json()["expected_version"], stale.json()["current_version"]) == (1, 2)
    assert (await who(member)).json()["title"] == "One"


@pytest.mark.parametrize(
    "fields",
    [
        {"full_name": None},
        {"full_name": "x" * 201},
        {"avatar_url": "javascript:alert(1)"},
        {"avatar_url": "x"},
        {"bio": "x" * 5001},
    ],
)
async def test_bad_input_is_refused(client: Client, cast: Cast, fields: dict[str, Any]) -> None:
    assert refusal(await client.as_(cast.member).patch(ME, json=fields)) == (422, "validation_failed")


async def test_nobody_makes_themselves_administrator(client: Client, cast: Cast) -> None:
    member = client.as_(cast.member)
    for body in ({"is_superuser": True}, {"email": "root@example.com"}, {"is_active": True}):
        assert refusal(await member.patch(ME, json=body)) == (422, "validation_failed")
    me = (await member.get(ME)).json()
    assert (me["is_superuser"], me["email"]) == (False, cast.member.email)


async def test_a_new_password_ends_every_other_session(visit: Visit) -> None:
    email = new_email()
    here, there = visit(), visit()
    await sign_up(here, email=email)
    tokens = (await login(there, email)).json()
    assert (await change_password(here)).json() == {"ok": True}

    assert (await who(here)).status_code == 200
    assert refusal(await who(there)) == (401, "unauthorized")
    assert refusal(await refresh(visit(), tokens["refresh_token"])) == (401, "refresh_token_invalid")
    assert refusal(await login(visit(), email)) == (401, "invalid_credentials")
    assert (await login(visit(), email, password=NEW)).status_code == 200


async def test_the_current_password_is_asked_for_and_guessing_it_is_throttled(visit: Visit) -> None:
    browser = visit()
    await sign_up(browser)
    for number in range(10):
        response = await change_password(browser, current=f"Wrong-guess-{number}")
        assert refusal(response) == (403, "current_password_wrong")
    response = await change_password(browser)
    assert refusal(response) == (429, "password_change_throttled")
    assert int(response.headers["retry-after"]) > 0
    start = clock.now()
    with clock.travel(to=start + timedelta(minutes=16)):
        assert (await change_password(browser)).status_code == 200


async def test_a_kept_answer_does_not_open_the_throttle(visit: Visit) -> None:
    browser = visit()
    await sign_up(browser)
    body = {"current_password": "Wrong-guess-1", "new_password": NEW}
    answers = [
        await browser.post(f"{ME}/password", json=body, headers={"Idempotency-Key": f"try {number}"})
        for number in range(11)
    ]
    assert [answer.status_code for answer in answers] == [403] * 10 + [429]


async def test_a_weak_password_is_refused_and_the_old_one_stays(visit: Visit) -> None:
    email = new_email()
    browser = visit()
    await sign_up(browser, email=email)
    response = await change_password(browser, new="short")
    assert refusal(response) == (422, "password_too_weak")
    assert (await login(visit(), email)).status_code == 200


async def test_a_person_without_a_password_cannot_prove_it(client: Client, cast: Cast) -> None:
    response = await change_password(client.as_(cast.member), current="")
    assert refusal(response) == (403, "current_password_wrong")
