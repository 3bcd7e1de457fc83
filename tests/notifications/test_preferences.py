"""What members choose to be told: two families of operations over one store."""

from __future__ import annotations

import asyncio
from typing import Any, Final
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from fostr.domains.notifications.preferences.service import switch_off_mail
from fostr.domains.notifications.registry import find_notification_type, list_notification_types
from fostr.domains.workspaces.public import add_member
from fostr.kernel import clock
from fostr.kernel.events.catalogue import get_event_type
from fostr.kernel.ids import new_id
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast, create_cast, create_token
from tests.support.client import Client, refusal
from tests.support.events import event_types
from tests.support.notifications import API, BELL, BROKEN, QUIET_BELL, REPAIRED

ME: Final = f"{API}/me"
V2: Final = f"{API}/preferences/v2"
SWITCHES: Final = ("inapp_enabled", "email_enabled", "whatsapp_enabled", "muted")
DEFAULT: Final = {"inapp_enabled": True, "email_enabled": True, "whatsapp_enabled": False, "muted": False}
OFF: Final = {**DEFAULT, "inapp_enabled": False, "email_enabled": False}


def switches(given: dict[str, Any]) -> dict[str, bool]:
    return {name: given[name] for name in SWITCHES}


async def create(client: Client, type: str = BELL, **sent: bool) -> dict[str, Any]:
    response = await client.post(ME, json={"notification_type": type, **sent})
    assert response.status_code == 201, response.text
    return response.json()


async def listed(client: Client) -> dict[str, dict[str, bool]]:
    """Return the switches of the first family, by type."""
    response = await client.get(ME)
    assert response.status_code == 200, response.text
    return {one["notification_type"]: switches(one) for one in response.json()}


async def holding(client: Client) -> dict[str, dict[str, bool]]:
    """Return the switches of the second family, by type."""
    response = await client.get(V2)
    assert response.status_code == 200, response.text
    return {name: switches(one) for name, one in response.json().items()}


async def test_what_is_recommended_is_told_by_category(client: Client, cast: Cast) -> None:
    response = await client.as_(cast.viewer).get(f"{API}/defaults")
    assert response.status_code == 200, response.text
    recommended = response.json()
    assert recommended["data"]["label"] == "Data"
    assert switches(recommended["data"]["types"][BELL]) == DEFAULT
    assert switches(recommended["data"]["types"][QUIET_BELL]) == OFF
    assert recommended["data"]["types"][BROKEN]["is_critical"] is True
    assert recommended["data"]["types"][BELL]["label"] == "bell rung"
    found = {name for category in recommended.values() for name in category["types"]}
    assert found == {kind.name for kind in list_notification_types()}
    assert await holding(client.as_(cast.viewer)) == {
        name: switches(one) for category in recommended.values() for name, one in category["types"].items()
    }


async def test_one_is_created_with_the_rest_as_recommended(client: Client, cast: Cast) -> None:
    member = client.as_(cast.member)
    created = await create(member, email_enabled=False)
    assert (created["notification_type"], created["category"], created["version"]) == (BELL, "data", 1)
    assert switches(created) == {**DEFAULT, "email_enabled": False}
    assert (await member.get(ME)).json() == [created]
    settings = (await member.get(V2)).json()
    assert settings[BELL] == {**DEFAULT, "email_enabled": False, "is_default": False}
    assert settings[BROKEN]["is_default"] is True
    assert switches(await create(member, QUIET_BELL, muted=True)) == {**OFF, "muted": True}
    again = await member.post(ME, json={"notification_type": BELL})
    assert refusal(again) == (409, "notification_preference_exists")


async def test_of_two_who_create_at_once_one_does(client: Client, cast: Cast) -> None:
    sent = [client.as_(cast.member).post(ME, json={"notification_type": BELL}) for _ in range(4)]
    assert sorted(response.status_code for response in await asyncio.gather(*sent)) == [201, 409, 409, 409]


async def test_one_is_changed_by_what_was_sent(client: Client, cast: Cast) -> None:
    member = client.as_(cast.member)
    own = f"{ME}/{(await create(member, email_enabled=False))['id']}"
    changed = (await member.put(own, json={"muted": True})).json()
    assert switches(changed) == {**DEFAULT, "email_enabled": False, "muted": True}
    assert changed["version"] == 2
    assert (await member.put(own, json={})).json() == changed
    stale = await member.put(own, json={"muted": False}, headers={"If-Match": '"1"'})
    assert refusal(stale) == (409, "stale_update")
    assert (await holding(member))[BELL] == switches(changed)


async def test_two_who_change_different_switches_at_once_both_do(client: Client, cast: Cast) -> None:
    member = client.as_(cast.member)
    for type in (BELL, BROKEN):
        changes = [member.put(f"{V2}/{type}", json={name: not DEFAULT[name]}) for name in ("inapp_enabled", "muted")]
        assert {response.status_code for response in await asyncio.gather(*changes)} == {200}
        assert (await holding(member))[type] == {**DEFAULT, "inapp_enabled": False, "muted": True}


async def test_one_is_deleted_and_its_default_holds(client: Client, cast: Cast) -> None:
    member = client.as_(cast.member)
    own = f"{ME}/{(await create(member, muted=True))['id']}"
    assert (await member.delete(own)).status_code == 204
    assert refusal(await member.delete(own)) == (404, "notification_preference_not_found")
    assert await listed(member) == {}
    assert (await holding(member))[BELL] == DEFAULT


async def test_reset_makes_the_defaults_anew(client: Client, cast: Cast) -> None:
    member = client.as_(cast.member)
    before = await create(member, muted=True)
    response = await member.post(f"{ME}/reset")
    assert response.status_code == 200, response.text
    created = response.json()
    assert {one["notification_type"]: switches(one) for one in created} == await holding(member)
    assert created == (await member.get(ME)).json()
    assert before["id"] not in {one["id"] for one in created}
    assert all(one["is_default"] for one in (await member.get(V2)).json().values())


async def test_many_are_changed_and_created_together(client: Client, cast: Cast) -> None:
    member = client.as_(cast.member)
    await create(member, email_enabled=False)
    entries = [{"notification_type": QUIET_BELL, "inapp_enabled": True}, {"notification_type": BELL, "muted": True}]
    response = await member.put(f"{ME}/bulk", json={"preferences": entries})
    assert response.status_code == 200, response.text
    assert [one["notification_type"] for one in response.json()] == [QUIET_BELL, BELL]
    assert await listed(member) == {
        QUIET_BELL: {**OFF, "inapp_enabled": True},
        BELL: {**DEFAULT, "email_enabled": False, "muted": True},
    }
    assert (await member.put(f"{ME}/bulk", json={"preferences": []})).json() == []


@pytest.mark.parametrize(
    ("last", "code"),
    [
        ({"notification_type": "no_such_type"}, "notification_type_unknown"),
        ({"notification_type": BELL, "muted": False}, "notification_preference_repeated"),
        ({"notification_type": REPAIRED, "whatsapp_enabled": True}, "whatsapp_not_configured"),
    ],
)
async def test_of_many_none_is_kept_when_one_is_refused(
    client: Client, cast: Cast, last: dict[str, Any], code: str
) -> None:
    member = client.as_(cast.member)
    await create(member, BROKEN)
    before = await holding(member)
    entries = [{"notification_type": BELL, "muted": True}, {"notification_type": BROKEN, "muted": True}, last]
    response = await member.put(f"{ME}/bulk", json={"preferences": entries})
    assert refusal(response) == (503 if code.startswith("whatsapp") else 422, code)
    assert await holding(member) == before
    assert [*await listed(member)] == [BROKEN]


async def test_unknown_types_are_refused(client: Client, cast: Cast) -> None:
    member = client.as_(cast.member)
    refused = (422, "notification_type_unknown")
    created = await member.post(ME, json={"notification_type": "no_such_type"})
    assert refusal(created) == refused
    assert created.json()["notification_types"] == ["no_such_type"]
    for body in ({}, {"muted": True}):
        assert refusal(await member.put(f"{V2}/no_such_type", json=body)) == refused


async def test_whatsapp_is_refused_where_there_is_none(client: Client, cast: Cast, runtime: Runtime) -> None:
    member = client.as_(cast.member)
    refused = (503, "whatsapp_not_configured")
    own = await create(member, BROKEN)
    for response in (
        await member.post(ME, json={"notification_type": BELL, "whatsapp_enabled": True}),
        await member.put(f"{ME}/{own['id']}", json={"whatsapp_enabled": True, "muted": True}),
        await member.put(f"{V2}/{BELL}", json={"whatsapp_enabled": True}),
    ):
        assert refusal(response) == refused
    assert await listed(member) == {BROKEN: DEFAULT}
    assert (await member.put(f"{V2}/{BELL}", json={"whatsapp_enabled": False})).status_code == 200

    # Switched on while there was an account: it may be sent back as it is, and switched off.
    async with runtime.database.unit(cast.acme) as unit:
        await unit.run(
            "update notification_preferences p set whatsapp = true where p.workspace_id = :workspace and p.id = :id",
            id=UUID(own["id"]),
        )
    kept = await member.put(f"{V2}/{BROKEN}", json={"whatsapp_enabled": True, "muted": True})
    assert switches(kept.json()) == {**DEFAULT, "whatsapp_enabled": True, "muted": True}
    assert (await member.put(f"{V2}/{BROKEN}", json={"whatsapp_enabled": False})).status_code == 200


@pytest.mark.parametrize(
    "body",
    [{"inapp_enabled": None}, {"email_enabled": "no, thanks"}, {"mute": True}, {"notification_type": 5}, []],
)
async def test_bad_bodies_are_refused_and_nothing_kept(client: Client, cast: Cast, body: Any) -> None:
    member, refused = client.as_(cast.member), (422, "validation_failed")
    own = await create(member)
    named: Any = body and {"notification_type": BROKEN, **body}
    assert refusal(await member.post(ME, json=named)) == refused
    assert refusal(await member.put(f"{ME}/bulk", json={"preferences": [named]})) == refused
    assert refusal(await member.put(f"{ME}/{own['id']}", json=body)) == refused
    assert refusal(await member.put(f"{V2}/{BELL}", json=body)) == refused
    assert (await member.get(ME)).json() == [own]


async def test_nobody_touches_the_preferences_of_others(client: Client, cast: Cast) -> None:
    own = await create(client.as_(cast.member), muted=True)
    refused = (404, "notification_preference_not_found")
    for person in (cast.viewer, cast.owner, cast.stranger):
        caller = client.as_(person)
        assert refusal(await caller.put(f"{ME}/{own['id']}", json={"muted": False})) == refused
        assert refusal(await caller.delete(f"{ME}/{own['id']}")) == refused
        assert await listed(caller) == {}
    assert refusal(await client.as_(cast.member).delete(f"{ME}/{new_id()}")) == refused
    assert (await client.as_(cast.member).get(ME)).json() == [own]


async def test_strangers_and_small_scopes_are_refused(client: Client, cast: Cast, runtime: Runtime) -> None:
    reader = client.with_token(await create_token(runtime, cast.member.user_id, scope="read"), workspace=cast.acme)
    elsewhere = client.as_(cast.stranger, workspace=cast.acme)
    asked: tuple[tuple[str, str, Any], ...] = (
        ("POST", ME, {"notification_type": BELL}),
        ("POST", f"{ME}/reset", None),
        ("PUT", f"{ME}/bulk", {"preferences": []}),
        ("PUT", f"{ME}/{new_id()}", {}),
        ("DELETE", f"{ME}/{new_id()}", None),
        ("PUT", f"{V2}/{BELL}", {"muted": True}),
    )
    for method, path, body in asked:
        options = {} if body is None else {"json": body}
        assert refusal(await elsewhere.request(method, path, **options)) == (404, "not_found")
        assert refusal(await reader.request(method, path, **options)) == (403, "pat_scope_insufficient")
        assert refusal(await client.anonymous().request(method, path, **options)) == (401, "unauthorized")
    assert (await reader.get(ME)).json() == []
    assert refusal(await elsewhere.get(V2)) == (404, "not_found")
    assert refusal(await elsewhere.get(f"{API}/defaults")) == (404, "not_found")


async def test_viewers_choose_too(client: Client, cast: Cast) -> None:
    response = await client.as_(cast.viewer).put(f"{V2}/{BELL}", json={"muted": True})
    assert response.status_code == 200, response.text
    assert response.json() == {**DEFAULT, "muted": True, "is_default": False}


async def test_each_workspace_has_its_preferences(client: Client, cast: Cast, runtime: Runtime) -> None:
    async with runtime.database.unit(cast.globex) as unit:
        await add_member(unit, workspace_id=cast.globex, user_id=cast.member.user_id, role="member")
    here, there = client.as_(cast.member), client.as_(cast.member, workspace=cast.globex)
    own = await create(here, muted=True)
    assert await listed(there) == {}
    assert refusal(await there.put(f"{ME}/{own['id']}", json={}))[0] == 404
    await there.put(f"{V2}/{BELL}", json={"email_enabled": False})
    assert await listed(here) == {BELL: {**DEFAULT, "muted": True}}
    assert await listed(there) == {BELL: {**DEFAULT, "email_enabled": False}}


async def test_every_change_leaves_one_event(client: Client, cast: Cast, runtime: Runtime) -> None:
    member = client.as_(cast.member)
    own = await create(member)
    await member.put(f"{V2}/{BELL}", json={"muted": True})
    await member.put(f"{V2}/{BELL}", json={})
    await member.put(f"{ME}/bulk", json={"preferences": [{"notification_type": BROKEN}]})
    await member.delete(f"{ME}/{own['id']}")
    await member.post(f"{ME}/reset")
    told = await event_types(runtime, cast.acme, entity_id=cast.member.member_id)
    assert [type for type in told if type.startswith("notification")] == ["notification_preferences.updated"] * 5
    assert get_event_type("notification_preferences.updated").entity == "notification_preferences"


async def test_mail_is_switched_off_without_the_member(client: Client, cast: Cast, runtime: Runtime) -> None:
    member = client.as_(cast.member)
    await create(member, muted=True)
    kinds = [kind for name in (BELL, BROKEN) if (kind := find_notification_type(name)) is not None]
    for _ in range(2):
        async with runtime.database.unit(cast.acme) as unit:
            await switch_off_mail(unit, member_id=cast.member.member_id, types=kinds, now=clock.now())
    without = {**DEFAULT, "email_enabled": False}
    assert await listed(member) == {BELL: {**without, "muted": True}, BROKEN: without}
    assert await listed(client.as_(cast.viewer)) == {}


async def test_what_the_product_no_longer_has_is_not_shown(client: Client, cast: Cast, runtime: Runtime) -> None:
    member = client.as_(cast.member)
    own = await create(member)
    async with runtime.database.unit(cast.acme) as unit:
        await unit.run(
            "update notification_preferences p set type = 'gone' where p.workspace_id = :workspace and p.id = :id",
            id=UUID(own["id"]),
        )
    assert await listed(member) == {}
    assert "gone" not in await holding(member)
    assert refusal(await member.put(f"{ME}/{own['id']}", json={}))[0] == 404


async def test_types_of_modules_that_are_switched_off_are_as_though_they_were_not_there(
    client: Client, cast: Cast
) -> None:
    member = client.as_(cast.member)
    own = await create(member, "record_assigned", muted=True)
    toggle = "/api/v1/modules/records/toggle"
    assert (await client.as_(cast.owner).post(toggle)).status_code == 200
    recommended = (await member.get(f"{API}/defaults")).json()
    assert "record_assigned" not in {name for one in recommended.values() for name in one["types"]}
    assert "record_assigned" not in await holding(member)
    assert await listed(member) == {}
    refused = (422, "notification_type_unknown")
    assert refusal(await member.put(f"{V2}/record_assigned", json={"muted": False})) == refused
    assert refusal(await member.put(f"{ME}/{own['id']}", json={}))[0] == 404
    assert (await client.as_(cast.owner).post(toggle)).status_code == 200
    assert (await member.get(ME)).json() == [own], "what was chosen holds again"


NAMES: Final = (BELL, BROKEN, QUIET_BELL)
SENT: Final = st.dictionaries(st.sampled_from(("inapp_enabled", "email_enabled", "muted")), st.booleans())
NAMED: Final = st.tuples(st.sampled_from(NAMES), SENT)
STEP: Final = st.one_of(
    st.tuples(st.just("create"), NAMED),
    st.tuples(st.just("update"), NAMED),
    st.tuples(st.just("delete"), NAMED),
    st.tuples(st.just("set"), NAMED),
    st.tuples(st.just("bulk"), st.lists(NAMED, max_size=3, unique_by=lambda one: one[0])),
    st.tuples(st.just("reset"), st.none()),
)
DEFAULTS: Final[dict[str, dict[str, bool]]] = {BELL: DEFAULT, BROKEN: DEFAULT, QUIET_BELL: OFF}


class Model:
    """What a member has chosen, as it should be."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.chosen: dict[str, dict[str, bool]] = {}
        self.is_reset = False

    def keep(self, name: str, sent: dict[str, bool]) -> None:
        self.chosen[name] = {**self.chosen.get(name, DEFAULTS[name]), **sent}

    async def find_id(self, name: str) -> str:
        own = [one["id"] for one in (await self.client.get(ME)).json() if one["notification_type"] == name]
        return own[0] if own else str(new_id())

    async def create(self, given: tuple[str, dict[str, bool]]) -> None:
        name, sent = given
        response = await self.client.post(ME, json={"notification_type": name, **sent})
        assert response.status_code == (409 if name in self.chosen else 201), response.text
        if name not in self.chosen:
            self.keep(name, sent)

    async def update(self, given: tuple[str, dict[str, bool]]) -> None:
        name, sent = given
        response = await self.client.put(f"{ME}/{await self.find_id(name)}", json=sent)
        assert response.status_code == (200 if name in self.chosen else 404), response.text
        if name in self.chosen:
            self.keep(name, sent)
            assert switches(response.json()) == self.chosen[name]

    async def delete(self, given: tuple[str, dict[str, bool]]) -> None:
        name, _ = given
        response = await self.client.delete(f"{ME}/{await self.find_id(name)}")
        assert response.status_code == (204 if name in self.chosen else 404), response.text
        self.chosen.pop(name, None)

    async def set(self, given: tuple[str, dict[str, bool]]) -> None:
        name, sent = given
        response = await self.client.put(f"{V2}/{name}", json=sent)
        assert response.status_code == 200, response.text
        if sent:
            self.keep(name, sent)
        assert switches(response.json()) == self.chosen.get(name, DEFAULTS[name])

    async def bulk(self, given: list[tuple[str, dict[str, bool]]]) -> None:
        entries = [{"notification_type": name, **sent} for name, sent in given]
        response = await self.client.put(f"{ME}/bulk", json={"preferences": entries})
        assert response.status_code == 200, response.text
        for name, sent in given:
            self.keep(name, sent)
        assert [switches(one) for one in response.json()] == [self.chosen[name] for name, _ in given]

    async def reset(self, _: None) -> None:
        assert (await self.client.post(f"{ME}/reset")).status_code == 200
        self.chosen = {name: dict(switched) for name, switched in DEFAULTS.items()}
        self.is_reset = True

    async def check(self) -> None:
        first, second = await listed(self.client), await holding(self.client)
        assert {name: first[name] for name in NAMES if name in first} == self.chosen
        assert {name: second[name] for name in NAMES} == DEFAULTS | self.chosen
        others = {kind.name for kind in list_notification_types()} - {*NAMES}
        assert {*first} - {*NAMES} == (others if self.is_reset else set())


@settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(STEP, min_size=1, max_size=10))
async def test_both_families_always_agree(client: Client, runtime: Runtime, steps: list[tuple[str, Any]]) -> None:
    cast = await create_cast(runtime)
    model = Model(client.as_(cast.member))
    for what, sent in steps:
        await getattr(model, what)(sent)
        await model.check()
