"""Comments on records: the tests to imitate."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid5

import pytest

from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast, create_token
from tests.support.client import Client, refusal
from tests.support.events import event_types
from tests.support.records import create_record, create_recordset, grant


@pytest.fixture
async def record(client: Client, cast: Cast) -> dict[str, Any]:
    """A record of the owner's, in a recordset that member and viewer may see."""
    recordset = await create_recordset(client.as_(cast.owner), fields=[{"name": "Name", "type": "text"}])
    for person in (cast.member, cast.viewer):
        await grant(client.as_(cast.owner), recordset, person, "can_view")
    return await create_record(client.as_(cast.owner), recordset, {"name": "Moffett"})


@pytest.fixture
def path(record: dict[str, Any]) -> str:
    return f"/api/v1/records/{record['id']}/comments"


async def comment(client: Client, path: str, text: str = "The runway is closed.") -> dict[str, Any]:
    response = await client.post(path, json={"text": text})
    assert response.status_code == 201, response.text
    return response.json()


async def test_a_comment_is_kept_with_its_author(client: Client, cast: Cast, path: str) -> None:
    created = await comment(client.as_(cast.member), path, "  It opens in May.  ")
    assert created["text"] == "It opens in May."
    assert created["author"]["id"] == str(cast.member.member_id)
    assert created["version"] == 1

    listed = (await client.as_(cast.viewer).get(path)).json()
    assert listed == {"items": [created], "total": 1, "has_more": False}


async def test_pages_hold_the_oldest_first(client: Client, cast: Cast, path: str) -> None:
    for number in range(3):
        await comment(client.as_(cast.member), path, f"No. {number}")
    first = (await client.as_(cast.owner).get(path, params={"limit": 2})).json()
    assert [item["text"] for item in first["items"]] == ["No. 0", "No. 1"]
    assert (first["total"], first["has_more"]) == (3, True)
    rest = (await client.as_(cast.owner).get(path, params={"limit": 2, "offset": 2})).json()
    assert ([item["text"] for item in rest["items"]], rest["has_more"]) == (["No. 2"], False)


async def test_authors_change_and_delete_their_own(client: Client, cast: Cast, path: str) -> None:
    created = await comment(client.as_(cast.member), path)
    own = f"{path}/{created['id']}"
    changed = await client.as_(cast.member).patch(own, json={"text": "It is open."})
    assert changed.status_code == 200
    assert (changed.json()["text"], changed.json()["version"]) == ("It is open.", 2)
    assert (await client.as_(cast.member).delete(own)).status_code == 204
    assert (await client.as_(cast.member).get(path)).json()["total"] == 0
    assert refusal(await client.as_(cast.member).delete(own)) == (404, "comment_not_found")


async def test_others_may_not_change_it_and_administrators_may_delete_it(client: Client, cast: Cast, path: str) -> None:
    own = f"{path}/{(await comment(client.as_(cast.member), path))['id']}"
    other = await client.as_(cast.owner).patch(own, json={"text": "No."})
    assert refusal(other) == (403, "comment_not_own")
    theirs = f"{path}/{(await comment(client.as_(cast.owner), path))['id']}"
    assert refusal(await client.as_(cast.member).delete(theirs)) == (403, "recordset_action_forbidden")
    assert (await client.as_(cast.admin).delete(own)).status_code == 204


async def test_a_viewer_reads_and_does_not_comment(client: Client, cast: Cast, path: str) -> None:
    assert (await client.as_(cast.viewer).get(path)).status_code == 200
    refused = await client.as_(cast.viewer).post(path, json={"text": "Hello"})
    assert refusal(refused) == (403, "recordset_action_forbidden")
    assert (await client.as_(cast.owner).get(path)).json()["total"] == 0


async def test_a_stranger_learns_nothing(client: Client, cast: Cast, path: str) -> None:
    created = await comment(client.as_(cast.member), path)
    as_stranger = client.as_(cast.stranger)
    for response in (
        await as_stranger.get(path),
        await as_stranger.post(path, json={"text": "Hello"}),
        await as_stranger.patch(f"{path}/{created['id']}", json={"text": "Hello"}),
        await as_stranger.delete(f"{path}/{created['id']}"),
    ):
        assert refusal(response) == (404, "record_not_found")
    not_a_member = await client.as_(cast.stranger, workspace=cast.acme).get(path)
    assert refusal(not_a_member) == (404, "not_found")
    assert refusal(await client.anonymous().get(path)) == (401, "unauthorized")


async def test_a_member_without_a_grant_does_not_see_the_record(client: Client, cast: Cast) -> None:
    recordset = await create_recordset(client.as_(cast.owner), fields=[{"name": "Name", "type": "text"}])
    record = await create_record(client.as_(cast.owner), recordset, {"name": "Secret"})
    response = await client.as_(cast.member).get(f"/api/v1/records/{record['id']}/comments")
    assert refusal(response) == (404, "record_not_found")


async def test_a_comment_is_reached_through_its_own_record_only(client: Client, cast: Cast, path: str) -> None:
    created = await comment(client.as_(cast.owner), path)
    recordset = await create_recordset(client.as_(cast.owner), fields=[{"name": "Name", "type": "text"}])
    other = await create_record(client.as_(cast.owner), recordset, {"name": "Other"})
    elsewhere = f"/api/v1/records/{other['id']}/comments/{created['id']}"
    assert refusal(await client.as_(cast.owner).delete(elsewhere)) == (404, "comment_not_found")


@pytest.mark.parametrize(
    "body",
    [{}, {"text": ""}, {"text": "   "}, {"text": "x" * 10_001}, {"text": 5}, {"text": "a", "more": 1}, []],
)
async def test_bad_input_is_refused_and_nothing_kept(client: Client, cast: Cast, path: str, body: Any) -> None:
    assert refusal(await client.as_(cast.member).post(path, json=body)) == (422, "validation_failed")
    assert (await client.as_(cast.member).get(path)).json()["total"] == 0


async def test_a_text_that_cannot_be_stored_is_refused(client: Client, cast: Cast, path: str) -> None:
    response = await client.as_(cast.member).post(path, json={"text": "a\x00b"})
    assert refusal(response) == (422, "text_not_storable")


async def test_a_stale_version_is_refused_with_both_versions(client: Client, cast: Cast, path: str) -> None:
    own = f"{path}/{(await comment(client.as_(cast.member), path))['id']}"
    as_member = client.as_(cast.member)
    assert (await as_member.patch(own, json={"text": "Two", "expected_version": 1})).status_code == 200
    stale = await as_member.patch(own, json={"text": "Three"}, headers={"If-Match": '"1"'})
    assert refusal(stale) == (409, "stale_update")
    assert (stale.json()["expected_version"], stale.json()["current_version"]) == (1, 2)
    malformed = await as_member.patch(own, json={"text": "Three"}, headers={"If-Match": "one"})
    assert refusal(malformed) == (400, "if_match_invalid")


async def test_of_two_who_edit_at_once_one_wins(client: Client, cast: Cast, path: str) -> None:
    own = f"{path}/{(await comment(client.as_(cast.member), path))['id']}"
    edits = [
        client.as_(cast.member).patch(own, json={"text": f"Edit {number}", "expected_version": 1})
        for number in range(5)
    ]
    statuses = sorted(response.status_code for response in await asyncio.gather(*edits))
    assert statuses == [200, 409, 409, 409, 409]


async def test_a_repeated_post_with_a_key_comments_once(client: Client, cast: Cast, path: str) -> None:
    headers = {"Idempotency-Key": "the-same"}
    twins = [client.as_(cast.member).post(path, json={"text": "Once"}, headers=headers) for _ in range(50)]
    answers = await asyncio.gather(*twins)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert (await client.as_(cast.member).get(path)).json()["total"] == 1
    other = await client.as_(cast.member).post(path, json={"text": "Twice"}, headers=headers)
    assert refusal(other) == (422, "idempotency_key_reused")


async def test_a_small_scope_does_not_write(client: Client, cast: Cast, path: str, runtime: Runtime) -> None:
    token = await create_token(runtime, cast.owner.user_id, scope="read")
    reader = client.with_token(token, workspace=cast.acme)
    assert (await reader.get(path)).status_code == 200
    assert refusal(await reader.post(path, json={"text": "Hello"})) == (403, "pat_scope_insufficient")


async def test_every_write_leaves_one_event(client: Client, cast: Cast, path: str, runtime: Runtime) -> None:
    created = await comment(client.as_(cast.member), path)
    own = f"{path}/{created['id']}"
    await client.as_(cast.member).patch(own, json={"text": "Changed"})
    await client.as_(cast.member).delete(own)
    told = await event_types(runtime, cast.acme, entity_id=UUID(created["id"]))
    assert told == ["comment.created", "comment.updated", "comment.deleted"]


async def test_unknown_ids_are_not_found(client: Client, cast: Cast, path: str) -> None:
    unknown = uuid5(cast.acme, "nothing")
    response = await client.as_(cast.owner).get(f"/api/v1/records/{unknown}/comments")
    assert refusal(response) == (404, "record_not_found")
    changed = await client.as_(cast.owner).patch(f"{path}/{unknown}", json={"text": "Hello"})
    assert refusal(changed) == (404, "comment_not_found")
    assert refusal(await client.as_(cast.owner).get("/api/v1/records/x/comments")) == (422, "validation_failed")
