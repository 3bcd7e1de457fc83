"""The operations on members: who is listed, who may change whom, and who stays who they are."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

import pytest

from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast, Person, create_token, create_user
from tests.support.client import Client, refusal
from tests.support.events import event_types
from tests.workspaces.sessions import signed_in

PATH = "/api/v1/members"


def of(person: Person) -> str:
    return f"{PATH}/{person.member_id}"


def ids(people: list[Person]) -> list[str]:
    return [str(person.member_id) for person in people]


async def test_members_are_listed_filtered_and_paged(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    listed = (await owner.get(PATH)).json()
    assert [item["id"] for item in listed["items"]] == ids(cast.people())
    found = (await owner.get(PATH, params={"search": "VIEWER ex"})).json()
    assert ([item["id"] for item in found["items"]], found["total"]) == (ids([cast.viewer]), 1)
    by_address = (await owner.get(PATH, params={"search": cast.admin.email[3:]})).json()
    assert [item["id"] for item in by_address["items"]] == ids([cast.admin])
    assert (await owner.get(PATH, params={"search": "%"})).json()["total"] == 0
    page = (await owner.get(PATH, params={"skip": 1, "limit": 2})).json()
    assert ([item["id"] for item in page["items"]], page["total"], page["has_more"]) == (
        ids([cast.admin, cast.member]),
        4,
        True,
    )
    assert refusal(await owner.get(PATH, params={"limit": 0})) == (422, "validation_failed")


async def test_who_is_kept_out_is_found_by_that(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    assert (await owner.patch(of(cast.viewer), json={"is_active": False})).json()["status"] == "inactive"
    active = (await owner.get(PATH, params={"is_active": True})).json()
    assert [item["id"] for item in active["items"]] == ids(cast.people()[:3])
    inactive = (await owner.get(PATH, params={"is_active": False})).json()
    assert [item["id"] for item in inactive["items"]] == ids([cast.viewer])


async def test_the_short_list_is_kept_by_its_content(client: Client, cast: Cast) -> None:
    viewer = client.as_(cast.viewer)
    first = await viewer.get(f"{PATH}/all")
    assert [card["id"] for card in first.json()] == ids([cast.admin, cast.member, cast.owner, cast.viewer])
    assert set(first.json()[0]) == {"id", "email", "full_name", "display_name", "avatar_url", "role"}
    known = {"If-None-Match": first.headers["etag"]}
    assert (await viewer.get(f"{PATH}/all", headers=known)).status_code == 304
    await client.as_(cast.admin).patch(of(cast.admin), json={"display_name": "Zoe"})
    changed = await viewer.get(f"{PATH}/all", headers=known)
    assert (changed.status_code, changed.json()[-1]["display_name"]) == (200, "Zoe")


async def test_the_caller_sees_themselves(client: Client, cast: Cast) -> None:
    own = (await client.as_(cast.viewer).get(f"{PATH}/me")).json()
    assert (own["id"], own["role"], own["base_role"]) == (str(cast.viewer.member_id), "viewer", "viewer")
    assert "can_view_members" in own["permissions"]
    assert "can_edit_members" not in own["permissions"]
    assert own["is_onboarded"] is False


async def test_people_with_an_account_are_added(client: Client, cast: Cast, runtime: Runtime) -> None:
    user_id, email = await create_user(runtime, "joiner")
    body = {"email": email.upper(), "role": "member", "title": " Surveyor "}
    for person in (cast.member, cast.viewer):
        assert refusal(await client.as_(person).post(PATH, json=body)) == (403, "forbidden")
    added = await client.as_(cast.admin).post(PATH, json=body)
    assert added.status_code == 201
    assert (added.json()["user_id"], added.json()["title"], added.json()["status"]) == (
        str(user_id),
        "Surveyor",
        "active",
    )
    token = await create_token(runtime, user_id)
    assert (await client.with_token(token, workspace=cast.acme).get(f"{PATH}/me")).status_code == 200
    assert refusal(await client.as_(cast.admin).post(PATH, json=body)) == (409, "already_member")
    told = await event_types(runtime, cast.acme, entity_id=UUID(added.json()["id"]))
    assert told == ["member.added", "member.updated"]


async def test_who_cannot_be_added_is_told_why(client: Client, cast: Cast, runtime: Runtime) -> None:
    admin = client.as_(cast.admin)
    nobody = await admin.post(PATH, json={"email": "nobody@example.test"})
    assert refusal(nobody) == (404, "invitation_required")
    _, email = await create_user(runtime, "joiner")
    too_high = await admin.post(PATH, json={"email": email, "role": "owner"})
    assert refusal(too_high) == (403, "role_too_high")
    unknown = await admin.post(PATH, json={"email": email, "role": "emperor"})
    assert refusal(unknown) == (422, "role_unknown")
    assert refusal(await admin.post(PATH, json={"email": "no address"})) == (422, "validation_failed")
    assert (await admin.get(PATH)).json()["total"] == 4


async def test_everybody_changes_what_they_are_called(client: Client, cast: Cast) -> None:
    changed = await client.as_(cast.viewer).patch(of(cast.viewer), json={"display_name": "Vi", "title": "Guest"})
    assert (changed.json()["display_name"], changed.json()["title"], changed.json()["version"]) == ("Vi", "Guest", 2)
    others = await client.as_(cast.viewer).patch(of(cast.member), json={"display_name": "No"})
    assert refusal(others) == (403, "forbidden")
    for body in ({"role": "owner"}, {"is_active": True}):
        assert refusal(await client.as_(cast.member).patch(of(cast.member), json=body)) == (403, "forbidden")
    assert (await client.as_(cast.admin).patch(of(cast.viewer), json={"title": ""})).json()["title"] == ""


async def test_a_stale_version_is_refused(client: Client, cast: Cast) -> None:
    admin = client.as_(cast.admin)
    assert (await admin.patch(of(cast.viewer), json={"title": "A"}, headers={"If-Match": '"1"'})).status_code == 200
    stale = await admin.patch(of(cast.viewer), json={"title": "B"}, headers={"If-Match": '"1"'})
    assert refusal(stale) == (409, "stale_update")


async def test_owners_are_made_after_a_recent_sign_in(client: Client, cast: Cast, runtime: Runtime) -> None:
    late = await signed_in(client, runtime, cast.owner, ago=timedelta(hours=1))
    refused = (403, "recent_sign_in_required")
    assert refusal(await late.patch(of(cast.admin), json={"role": "owner"})) == refused
    _, email = await create_user(runtime, "joiner")
    assert refusal(await late.post(PATH, json={"email": email, "role": "owner"})) == refused
    assert (await late.patch(of(cast.viewer), json={"role": "member"})).status_code == 200
    now = await signed_in(client, runtime, cast.owner)
    assert (await now.patch(of(cast.admin), json={"role": "owner"})).json()["role"] == "owner"
    assert refusal(await late.patch(of(cast.admin), json={"role": "viewer"})) == refused
    assert refusal(await late.delete(of(cast.admin))) == refused
    assert (await now.post(PATH, json={"email": email, "role": "owner"})).status_code == 201


async def test_a_new_role_holds_at_once(client: Client, cast: Cast) -> None:
    assert refusal(await client.as_(cast.viewer).post("/api/v1/recordsets", json={"name": "A"})) == (403, "forbidden")
    promoted = await client.as_(cast.admin).patch(of(cast.viewer), json={"role": "member"})
    assert promoted.json()["role"] == "member"
    assert (await client.as_(cast.viewer).post("/api/v1/recordsets", json={"name": "A"})).status_code == 201
    higher = await client.as_(cast.admin).patch(of(cast.viewer), json={"role": "owner"})
    assert refusal(higher) == (403, "role_too_high")
    owner = await client.as_(cast.admin).patch(of(cast.owner), json={"title": "Boss"})
    assert refusal(owner) == (403, "member_ranks_higher")


async def test_who_is_kept_out_is_out_at_once_and_comes_back(client: Client, cast: Cast, runtime: Runtime) -> None:
    key = await create_token(runtime, cast.member.user_id, workspace_id=cast.acme)
    await client.as_(cast.admin).patch(of(cast.member), json={"is_active": False})
    assert refusal(await client.as_(cast.member).get(PATH)) == (404, "not_found")
    assert (await client.with_token(key).get(PATH)).status_code in {400, 404}
    assert (await client.with_token(cast.member.token).get("/api/v1/auth/me")).status_code == 200
    again = await client.as_(cast.admin).patch(of(cast.member), json={"is_active": True})
    assert again.json()["status"] == "active"
    assert (await client.as_(cast.member).get(PATH)).status_code == 200
    assert (await client.with_token(key).get(PATH)).status_code == 200
    told = await event_types(runtime, cast.acme, entity_id=cast.member.member_id)
    assert told[-2:] == ["member.deactivated", "member.reactivated"]


async def test_nobody_keeps_out_themselves_or_the_last_owner(client: Client, cast: Cast) -> None:
    own = await client.as_(cast.admin).patch(of(cast.admin), json={"is_active": False})
    assert refusal(own) == (409, "member_is_self")
    last = await client.as_(cast.owner).patch(of(cast.owner), json={"role": "admin"})
    assert refusal(last) == (409, "last_owner")
    assert (await client.as_(cast.owner).get(of(cast.owner))).json()["role"] == "owner"


async def test_two_owners_who_demote_each_other_leave_one(client: Client, cast: Cast) -> None:
    assert (await client.as_(cast.owner).patch(of(cast.admin), json={"role": "owner"})).status_code == 200
    answers = await asyncio.gather(
        client.as_(cast.owner).patch(of(cast.admin), json={"role": "viewer"}),
        client.as_(cast.admin).patch(of(cast.owner), json={"role": "viewer"}),
    )
    assert sorted(answer.status_code for answer in answers) in ([200, 403], [200, 409])
    listed = (await client.as_(cast.member).get(PATH)).json()["items"]
    assert [item["role"] for item in listed].count("owner") == 1


async def test_a_member_of_two_workspaces_does_not_mix_them(client: Client, cast: Cast, runtime: Runtime) -> None:
    added = await client.as_(cast.stranger).post(PATH, json={"email": cast.admin.email, "role": "viewer"})
    assert added.status_code == 201
    in_globex = client.as_(cast.admin, workspace=cast.globex)
    assert refusal(await in_globex.get(of(cast.member))) == (404, "member_not_found")
    # An administrator of acme, and no more than a viewer where the header says globex.
    assert refusal(await in_globex.patch(of(cast.member), json={"title": "No"})) == (403, "forbidden")
    elsewhere = f"{PATH}/{added.json()['id']}"
    assert refusal(await client.as_(cast.admin).patch(elsewhere, json={"title": "No"})) == (404, "member_not_found")
    assert (await in_globex.patch(elsewhere, json={"title": "Guest"})).json()["title"] == "Guest"
    # The path counts, and not the header.
    removal = f"/api/v1/workspaces/{cast.globex}/members/{cast.stranger.member_id}"
    assert refusal(await client.as_(cast.admin).delete(removal)) == (403, "forbidden")
    crossed = f"/api/v1/workspaces/{cast.acme}/members/{added.json()['id']}"
    assert refusal(await in_globex.delete(crossed)) == (404, "member_not_found")


async def test_strangers_and_small_scopes_are_refused(client: Client, cast: Cast, runtime: Runtime) -> None:
    stranger = client.as_(cast.stranger)
    for path in (of(cast.member), f"{of(cast.member)}/items", f"{of(cast.member)}/deletion-info"):
        assert refusal(await stranger.get(path)) == (404, "member_not_found")
    assert refusal(await stranger.patch(of(cast.member), json={"title": "No"})) == (404, "member_not_found")
    assert refusal(await client.as_(cast.stranger, workspace=cast.acme).get(PATH)) == (404, "not_found")
    assert refusal(await client.anonymous().get(PATH)) == (401, "unauthorized")
    reader = client.with_token(await create_token(runtime, cast.owner.user_id, scope="read"), workspace=cast.acme)
    writer = client.with_token(await create_token(runtime, cast.owner.user_id, scope="write"), workspace=cast.acme)
    insufficient = (403, "pat_scope_insufficient")
    assert refusal(await reader.patch(of(cast.owner), json={"title": "No"})) == insufficient
    assert refusal(await writer.patch(of(cast.member), json={"title": "No"})) == insufficient
    assert refusal(await writer.delete(of(cast.member))) == insufficient
    assert (await writer.patch(of(cast.owner), json={"title": "Boss"})).status_code == 200
    unknown = uuid5(cast.acme, "nobody")
    assert refusal(await client.as_(cast.owner).get(f"{PATH}/{unknown}")) == (404, "member_not_found")


@pytest.mark.parametrize("body", [{"display_name": "x" * 201}, {"role": ""}, {"is_active": "perhaps"}, []])
async def test_bad_input_is_refused(client: Client, cast: Cast, body: Any) -> None:
    assert refusal(await client.as_(cast.owner).patch(of(cast.member), json=body)) == (422, "validation_failed")


async def test_tours_are_kept_and_reset(client: Client, cast: Cast, runtime: Runtime) -> None:
    tours, viewer = f"{PATH}/me/tours", client.as_(cast.viewer)
    assert (await viewer.get(tours)).json() == {}
    await viewer.post(tours, json={"tour_id": "maps"})
    assert (await viewer.post(tours, json={"tour_id": "import", "completed": False})).json() == {
        "maps": True,
        "import": False,
    }
    assert (await client.as_(cast.member).get(tours)).json() == {}
    assert (await viewer.delete(tours, params={"tour_id": "maps"})).json() == {"import": False}
    assert (await viewer.delete(tours)).json() == {}
    assert (await viewer.delete(tours)).status_code == 200
    told = await event_types(runtime, cast.acme, entity_id=cast.viewer.member_id)
    assert told.count("member.tours_changed") == 4
    for body in ({}, {"tour_id": ""}, {"tour_id": "a b"}, {"tour_id": "x" * 101}):
        assert refusal(await viewer.post(tours, json=body)) == (422, "validation_failed")
    reader = client.with_token(await create_token(runtime, cast.viewer.user_id, scope="read"), workspace=cast.acme)
    assert refusal(await reader.post(tours, json={"tour_id": "maps"})) == (403, "pat_scope_insufficient")
