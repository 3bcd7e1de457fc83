"""What members are told about records."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import pytest

from fostr.domains.records.notices.notifications import list_mentioned, quote
from tests.support.cast import Cast, Person
from tests.support.client import Client
from tests.support.records import create_record, create_recordset, grant

Told: TypeAlias = Callable[[Person], Awaitable[list[tuple[str, str]]]]

NAMED = "Please look, @[Vera](11111111-1111-7111-8111-111111111111), and you too: @[Nobody](not-an-id)."


@pytest.fixture
async def recordset(client: Client, cast: Cast) -> dict[str, Any]:
    fields = [{"name": "Name", "type": "text"}, {"name": "Price", "type": "number", "hidden_from": ["member"]}]
    recordset = await create_recordset(client.as_(cast.owner), name="Deals", fields=fields)
    for person in (cast.member, cast.viewer):
        await grant(client.as_(cast.owner), recordset, person, "can_view")
    return recordset


async def comment(client: Client, record: dict[str, Any], text: str) -> dict[str, Any]:
    response = await client.post(f"/api/v1/records/{record['id']}/comments", json={"text": text})
    assert response.status_code == 201, response.text
    return response.json()


def mention(person: Person) -> str:
    return f"@[{person.name.title()}]({person.member_id})"


async def test_whoever_becomes_the_owner_of_a_record_is_told(
    client: Client, cast: Cast, recordset: dict[str, Any], told: Told
) -> None:
    record = await create_record(client.as_(cast.owner), recordset, {"name": "Alsterufer 3", "price": 7})
    assert ("recordset_shared", "Deals was shared with you") in await told(cast.member)
    path = f"/api/v1/records/{record['id']}"
    assert (await client.as_(cast.owner).patch(path, json={"owner_id": str(cast.member.member_id)})).status_code == 200
    assert (await told(cast.member))[0] == ("record_assigned", "Alsterufer 3 is yours now")

    # The same owner again is no news, nor is what one takes for oneself.
    count = len(await told(cast.member))
    assert (await client.as_(cast.owner).patch(path, json={"tags": ["hot"]})).status_code == 200
    assert len(await told(cast.member)) == count
    assert (await client.as_(cast.owner).patch(path, json={"owner_id": str(cast.owner.member_id)})).status_code == 200
    assert "record_assigned" not in [type for type, _ in await told(cast.owner)]


async def test_nobody_is_told_of_a_record_that_they_may_not_see(
    client: Client, cast: Cast, recordset: dict[str, Any], told: Told
) -> None:
    hidden = await create_recordset(client.as_(cast.owner), name="Secret", fields=[{"name": "Name", "type": "text"}])
    body = {
        "recordset_id": hidden["id"],
        "field_values": {"name": "Hush"},
        "owner_id": str(cast.viewer.member_id),
    }
    assert (await client.as_(cast.owner).post("/api/v1/records", json=body)).status_code == 201
    assert "record_assigned" not in [type for type, _ in await told(cast.viewer)]
    body["recordset_id"] = recordset["id"]
    assert (await client.as_(cast.owner).post("/api/v1/records", json=body)).status_code == 201
    assert (await told(cast.viewer))[0] == ("record_assigned", "Hush is yours now")


async def test_a_comment_is_told_to_owner_author_and_those_named_each_once(
    client: Client, cast: Cast, recordset: dict[str, Any], told: Told
) -> None:
    record = await create_record(client.as_(cast.owner), recordset, {"name": "Moffett"})
    await comment(client.as_(cast.member), record, "The runway is closed.")
    assert ("record_commented", "New comment on Moffett") in await told(cast.owner)

    await comment(client.as_(cast.owner), record, f"Since when? {mention(cast.viewer)}")
    assert (await told(cast.member))[0] == ("comment_followed", "New comment on Moffett")
    assert (await told(cast.viewer))[0] == ("comment_mentioned", "You are mentioned in a comment on Moffett")

    # Named and owner at once: one notification, and the one that says more.
    await comment(client.as_(cast.member), record, f"Since May, {mention(cast.owner)}.")
    about = [type for type, title in await told(cast.owner) if "Moffett" in title]
    assert about == ["comment_mentioned", "record_commented"]


async def test_naming_somebody_later_tells_only_them(
    client: Client, cast: Cast, recordset: dict[str, Any], told: Told
) -> None:
    record = await create_record(client.as_(cast.owner), recordset, {"name": "Moffett"})
    made = await comment(client.as_(cast.owner), record, f"For {mention(cast.viewer)}.")
    before = len(await told(cast.viewer))
    path = f"/api/v1/records/{record['id']}/comments/{made['id']}"
    text = f"For {mention(cast.viewer)} and {mention(cast.member)}."
    assert (await client.as_(cast.owner).patch(path, json={"text": text})).status_code == 200
    assert (await told(cast.member))[0] == ("comment_mentioned", "You are mentioned in a comment on Moffett")
    assert len(await told(cast.viewer)) == before


async def test_the_end_of_an_export_is_told_to_whoever_asked(
    client: Client, cast: Cast, recordset: dict[str, Any], told: Told
) -> None:
    await create_record(client.as_(cast.owner), recordset, {"name": "Moffett"})
    body = {"recordset_id": recordset["id"], "format": "csv"}
    assert (await client.as_(cast.owner).post("/api/v1/export", json=body)).status_code == 200
    assert ("export_finished", "Your export of Deals is ready") in await told(cast.owner)
    assert "export_finished" not in [type for type, _ in await told(cast.admin)]


async def test_the_end_of_an_import_is_told_to_whoever_asked(client: Client, cast: Cast, told: Told) -> None:
    owner = client.as_(cast.owner)
    upload = await owner.post("/api/v1/import/upload", files={"file": ("towns.csv", b"Name\nBern\nUri\n", "text/csv")})
    body = {"file_uri": upload.json()["file_uri"], "name": "Towns"}
    assert (await owner.post("/api/v1/import", json=body)).status_code == 200
    assert ("import_finished", "Imported: towns.csv") in await told(cast.owner)
    assert "import_finished" not in [type for type, _ in await told(cast.admin)]


def test_who_is_named_in_a_comment() -> None:
    assert [str(one) for one in list_mentioned(NAMED)] == ["11111111-1111-7111-8111-111111111111"]
    assert list_mentioned(NAMED + NAMED) == list_mentioned(NAMED)
    assert list_mentioned("@[Vera](----------------------------------x-)") == []


def test_a_quote_is_one_short_line_without_ids() -> None:
    assert quote(NAMED).startswith("Please look, @Vera, and you too")
    assert quote("one\ntwo") == "one two"
    assert len(quote("word " * 200)) <= 280
