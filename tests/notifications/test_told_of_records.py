"""What members are told of records: by their rights when it happens, and shown by their rights when they look."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import pytest

from tests.support.cast import Cast, Person
from tests.support.client import Client
from tests.support.notifications import API, inbox, titles, unread
from tests.support.records import create_record, create_recordset, grant

Settle: TypeAlias = Callable[[], Awaitable[None]]


@pytest.fixture
async def recordset(client: Client, cast: Cast) -> dict[str, Any]:
    """A recordset that the member and the viewer may see."""
    recordset = await create_recordset(
        client.as_(cast.owner), name="Airports", fields=[{"name": "Name", "type": "text"}]
    )
    for person in (cast.member, cast.viewer):
        await grant(client.as_(cast.owner), recordset, person, "can_view")
    return recordset


async def comment(client: Client, record: dict[str, Any], text: str) -> None:
    response = await client.post(f"/api/v1/records/{record['id']}/comments", json={"text": text})
    assert response.status_code == 201, response.text


def mention(person: Person) -> str:
    return f"@[{person.name}]({person.member_id})"


async def test_who_is_given_a_record_is_told_and_whoever_lost_sight_of_it_reads_no_words(
    client: Client, cast: Cast, settle: Settle, recordset: dict[str, Any]
) -> None:
    owner, member = client.as_(cast.owner), client.as_(cast.member)
    record = await create_record(owner, recordset, {"name": "Moffett"})
    given = await owner.patch(f"/api/v1/records/{record['id']}", json={"owner_id": str(cast.member.member_id)})
    assert given.status_code == 200, given.text
    await settle()
    [told] = await inbox(member, type="record_assigned")
    assert "Moffett" in told["title"]
    assert (told["thread"], told["link"]) == (f"record:{record['id']}", f"/records/{record['id']}")
    assert (told["record_id"], told["scope_id"]) == (record["id"], recordset["id"])
    assert told["actor"]["id"] == str(cast.owner.member_id)
    assert await inbox(owner, type="record_assigned") == []

    taken = await owner.patch(f"/api/v1/records/{record['id']}", json={"owner_id": str(cast.owner.member_id)})
    assert taken.status_code == 200, taken.text
    access = f"/api/v1/recordsets/{recordset['slug']}/access/members/{cast.member.member_id}"
    assert (await owner.delete(access)).status_code == 204
    [shown] = await inbox(member, type="record_assigned")
    assert (shown["is_withheld"], shown["id"]) == (True, told["id"])
    assert "Moffett" not in str(shown)

    await grant(owner, recordset, cast.member, "can_view")
    [again] = await inbox(member, type="record_assigned")
    assert again == told


async def test_comments_are_told_to_those_who_may_see_the_record(
    client: Client, cast: Cast, settle: Settle, recordset: dict[str, Any]
) -> None:
    record = await create_record(client.as_(cast.owner), recordset, {"name": "Moffett"})
    hidden = await create_recordset(client.as_(cast.owner), name="Secret", fields=[{"name": "Name", "type": "text"}])
    secret = await create_record(client.as_(cast.owner), hidden, {"name": "Area 51"})
    await comment(client.as_(cast.member), record, f"Is it open, {mention(cast.viewer)}?")
    await comment(client.as_(cast.admin), secret, f"Nobody may know, {mention(cast.viewer)}.")
    await settle()
    [told] = await inbox(client.as_(cast.viewer), category="mentions")
    assert "Moffett" in told["title"]
    assert await titles(client.as_(cast.viewer), category="owned_actions") == []
    assert len(await inbox(client.as_(cast.owner), category="owned_actions")) == 2
    assert await inbox(client.as_(cast.member), category="owned_actions") == []


async def test_what_is_switched_off_for_records_does_not_come(
    client: Client, cast: Cast, settle: Settle, recordset: dict[str, Any]
) -> None:
    viewer = client.as_(cast.viewer)
    muted = await viewer.put(f"{API}/preferences/v2/comment_mentioned", json={"muted": True})
    assert muted.status_code == 200, muted.text
    before = await unread(viewer)
    record = await create_record(client.as_(cast.owner), recordset, {"name": "Moffett"})
    await comment(client.as_(cast.member), record, f"Look, {mention(cast.viewer)}!")
    await settle()
    assert await inbox(viewer, category="mentions") == []
    assert await unread(viewer) == before + len(await inbox(viewer, type="recordset_shared"))


async def test_a_new_role_is_told_whatever_was_muted(client: Client, cast: Cast, settle: Settle) -> None:
    viewer = client.as_(cast.viewer)
    await viewer.put(f"{API}/preferences/v2/role_changed", json={"muted": True, "inapp_enabled": False})
    changed = await client.as_(cast.owner).patch(f"/api/v1/members/{cast.viewer.member_id}", json={"role": "member"})
    assert changed.status_code == 200, changed.text
    await settle()
    [told] = await inbox(viewer, category="security")
    assert (told["type"], told["is_critical"]) == ("role_changed", True)
