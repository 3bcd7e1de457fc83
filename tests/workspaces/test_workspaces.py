"""Workspaces: made, shown, changed, switched between."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest

from fostr.domains.workspaces.public import provision_workspace
from fostr.kernel.ids import new_id
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast, create_token, create_user
from tests.support.client import Client, refusal
from tests.support.events import event_types
from tests.support.statements import watch_statements

PATH = "/api/v1/workspaces"


async def create(client: Client, name: str = "Second") -> dict[str, Any]:
    response = await client.post(PATH, json={"name": name})
    assert response.status_code == 201, response.text
    return response.json()


async def test_a_workspace_is_made_and_its_maker_owns_it(client: Client, cast: Cast, runtime: Runtime) -> None:
    viewer = client.as_(cast.viewer)
    made = await create(viewer, "  Ünique Name!  ")
    assert made["name"] == "Ünique Name!"
    assert made["slug"].startswith("unique-name")
    assert (made["role"], made["is_current"], made["version"], made["logo_url"]) == ("owner", False, 1, None)

    shown = (await viewer.get(f"{PATH}/{made['id']}")).json()
    assert shown == made
    (member,) = (await viewer.get(f"{PATH}/{made['id']}/members")).json()["items"]
    assert (member["id"], member["user_id"]) == (made["member_id"], str(cast.viewer.user_id))
    assert (member["email"], member["role"], member["status"]) == (cast.viewer.email, "owner", "active")
    types = await event_types(runtime, UUID(made["id"]), entity_id=UUID(made["id"]))
    assert types == ["workspace.created"]


async def test_the_founding_is_told_as_the_deed_of_the_founder(client: Client, cast: Cast, runtime: Runtime) -> None:
    made = await create(client.as_(cast.owner))
    workspace = UUID(made["id"])
    async with runtime.database.unit(workspace) as unit:
        rows = await unit.rows(
            "select e.actor, e.cause from events e where e.workspace_id = :workspace order by e.position"
        )
    assert len(rows) == 2
    for row in rows:
        assert row["actor"]["user_id"] == str(cast.owner.user_id)
        assert row["actor"]["member_id"] == made["member_id"]
        assert row["actor"]["kind"] == "pat"
        assert row["cause"]["kind"] == "request"


async def test_a_name_of_no_latin_letters_gets_a_plain_slug(client: Client, cast: Cast) -> None:
    assert (await create(client.as_(cast.owner), "株式会社"))["slug"].startswith("workspace")
    long = await create(client.as_(cast.owner), "Very long name " * 13)
    assert len(long["slug"]) <= 48 + 7


async def test_a_repeated_request_makes_one(client: Client, cast: Cast) -> None:
    owner, headers = client.as_(cast.owner), {"Idempotency-Key": str(new_id())}
    answers = await asyncio.gather(*(owner.post(PATH, json={"name": "Once"}, headers=headers) for _ in range(10)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    names = [item["name"] for item in (await owner.get(PATH)).json()["items"]]
    assert names.count("Once") == 1


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": "  "}, {"name": "x" * 201}, {"name": None}, []])
async def test_bad_input_is_refused(client: Client, cast: Cast, body: Any) -> None:
    assert refusal(await client.as_(cast.owner).post(PATH, json=body)) == (422, "validation_failed")


async def test_people_see_the_workspaces_that_they_are_in(client: Client, cast: Cast) -> None:
    member = client.as_(cast.member)
    own = await create(member, "Aardvark")
    listed = (await member.get(PATH)).json()
    assert [(item["name"], item["role"]) for item in listed["items"]] == [("Aardvark", "owner"), ("Acme", "member")]
    assert (listed["total"], listed["has_more"]) == (2, False)
    first = (await member.get(PATH, params={"limit": 1})).json()
    assert ([item["id"] for item in first["items"]], first["has_more"]) == ([own["id"]], True)
    assert str(cast.globex) not in {item["id"] for item in listed["items"]}


async def test_every_member_sees_it_and_nobody_else(client: Client, cast: Cast) -> None:
    for person in cast.people():
        shown = (await client.as_(person).get(f"{PATH}/{cast.acme}")).json()
        assert (shown["id"], shown["role"]) == (str(cast.acme), person.name)
    assert refusal(await client.as_(cast.stranger).get(f"{PATH}/{cast.acme}")) == (404, "not_found")
    assert refusal(await client.as_(cast.owner).get(f"{PATH}/{new_id()}")) == (404, "not_found")
    assert refusal(await client.anonymous().get(f"{PATH}/{cast.acme}")) == (401, "unauthorized")


async def test_owners_and_administrators_change_it_and_others_do_not(
    client: Client, cast: Cast, runtime: Runtime
) -> None:
    path, logo = f"{PATH}/{cast.acme}", "https://example.com/logo.svg"
    for person in (cast.member, cast.viewer):
        response = await client.as_(person).patch(path, json={"name": "Mine"})
        assert refusal(response) == (403, "forbidden")
        assert response.json()["permission"] == "can_edit_workspace"
    assert refusal(await client.as_(cast.stranger).patch(path, json={"name": "Mine"})) == (404, "not_found")
    before = (await client.as_(cast.owner).get(path)).json()
    changed = (await client.as_(cast.admin).patch(path, json={"name": "Acme Ltd"})).json()
    assert (changed["name"], changed["slug"], changed["version"]) == ("Acme Ltd", before["slug"], 2)
    changed = (await client.as_(cast.owner).patch(path, json={"logo_url": logo})).json()
    assert (changed["name"], changed["logo_url"], changed["version"]) == ("Acme Ltd", logo, 3)
    changed = (await client.as_(cast.owner).patch(path, json={"logo_url": None})).json()
    assert (changed["logo_url"], changed["version"]) == (None, 4)
    types = await event_types(runtime, cast.acme, entity_id=cast.acme)
    assert types == ["workspace.created", *["workspace.updated"] * 3]


async def test_nothing_happens_when_nothing_changes(client: Client, cast: Cast, runtime: Runtime) -> None:
    path = f"{PATH}/{cast.acme}"
    for body in ({}, {"name": "Acme"}):
        assert (await client.as_(cast.owner).patch(path, json=body)).json()["version"] == 1
    assert refusal(await client.as_(cast.owner).patch(path, json={"unknown": 1})) == (422, "validation_failed")
    assert await event_types(runtime, cast.acme, entity_id=cast.acme) == ["workspace.created"]


async def test_of_two_who_edit_at_once_the_second_is_told(client: Client, cast: Cast) -> None:
    owner, path = client.as_(cast.owner), f"{PATH}/{cast.acme}"
    answers = await asyncio.gather(
        *(owner.patch(path, json={"name": f"No. {n}"}, headers={"If-Match": '"1"'}) for n in range(5))
    )
    assert sorted(answer.status_code for answer in answers) == [200, *[409] * 4]
    stale = next(answer for answer in answers if answer.status_code == 409)
    assert refusal(stale) == (409, "stale_update")
    assert (stale.json()["expected_version"], stale.json()["current_version"]) == (1, 2)
    bad = await owner.patch(path, json={"name": "No."}, headers={"If-Match": "yesterday"})
    assert refusal(bad) == (400, "if_match_invalid")


@pytest.mark.parametrize(
    "body", [{"name": None}, {"name": " "}, {"logo_url": "ftp://example.com/x"}, {"logo_url": "data:,x"}]
)
async def test_bad_changes_are_refused(client: Client, cast: Cast, body: Any) -> None:
    response = await client.as_(cast.owner).patch(f"{PATH}/{cast.acme}", json=body)
    assert refusal(response) == (422, "validation_failed")


async def test_a_session_goes_on_in_another_workspace(client: Client, cast: Cast, runtime: Runtime) -> None:
    session = client.with_token(await _sign_in(client, runtime))
    first = (await session.get(PATH)).json()["items"][0]
    second = await create(session, "Another")
    assert (first["is_current"], second["is_current"]) == (True, False)
    switched = (await session.post(f"{PATH}/switch", json={"workspace_id": second["id"]})).json()
    assert switched == {**second, "is_current": True}
    listed = (await session.get(PATH)).json()["items"]
    assert {item["id"]: item["is_current"] for item in listed} == {first["id"]: False, second["id"]: True}
    # What names no workspace happens there from now on.
    await session.post("/api/v1/api-keys", json={"name": "Here"})
    there = await session.get("/api/v1/api-keys/count", headers={"X-Workspace-Id": second["id"]})
    assert there.json() == {"count": 1}

    refused = await session.post(f"{PATH}/switch", json={"workspace_id": str(cast.acme)})
    assert refusal(refused) == (404, "workspace_not_found")
    assert (await session.get("/api/v1/api-keys/count")).json() == {"count": 1}


async def _sign_in(client: Client, runtime: Runtime) -> str:
    body = {
        "email": f"switcher.{new_id().hex[-12:]}@example.com",
        "password": "Loom-and-Card-1843",
        "company_name": "Zebra",
    }
    response = await client.anonymous().post("/api/v1/auth/signup", json=body)
    client.inner.cookies.clear()
    return response.json()["access_token"]


async def test_a_token_has_no_session_to_switch(client: Client, cast: Cast) -> None:
    response = await client.as_(cast.owner).post(f"{PATH}/switch", json={"workspace_id": str(cast.acme)})
    assert refusal(response) == (400, "session_required")


async def test_a_reading_token_switches_nothing(client: Client, cast: Cast, runtime: Runtime) -> None:
    reader = client.with_token(await create_token(runtime, cast.owner.user_id, scope="read"))
    response = await reader.post(f"{PATH}/switch", json={"workspace_id": str(cast.acme)})
    assert refusal(response) == (403, "pat_scope_insufficient")


async def test_a_new_workspace_takes_few_statements(runtime: Runtime) -> None:
    """The budget is 50 ms of database time; that many statements would have to be slow for it to be missed."""
    user_id, _ = await create_user(runtime, "founder")
    async with runtime.database.unit() as unit:
        with watch_statements() as seen:
            made = await provision_workspace(unit, name="Measured", owner_user_id=user_id)
    assert (made.role, made.name) == ("owner", "Measured")
    assert len(seen) <= 8


async def test_a_unit_that_is_bound_elsewhere_makes_no_workspace(runtime: Runtime, cast: Cast) -> None:
    with pytest.raises(RuntimeError):
        async with runtime.database.unit(cast.acme) as unit:
            await provision_workspace(unit, name="Astray", owner_user_id=cast.owner.user_id)
