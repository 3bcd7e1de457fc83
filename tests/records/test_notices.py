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
    assert ("record_assigned", "Alsterufer 3 is yours now") in await told(cast.member)

    # The same owner again is no news, nor is what one takes for oneself.
    count = len(await told(cast.member))
    assert (await client.as_(cast.owner).patch(path, json={"tags": ["hot"]})).status_code == 200
    assert len(await told(cast.member)) == count
    assert (await client.as_(cast.owner).patch(path, json={"owner_id": str(cast.owner.member_id)})).status_code == 200
    assert "record_assigned" not in [type for type, _ in await told(cast.owner)]


async def test_whoever_gets_many_records_at_once_is_told_once(
    client: Client, cast: Cast, recordset: dict[str, Any], told: Told
) -> None:
    owner, mine = client.as_(cast.owner), str(cast.member.member_id)
    rows = [{"field_values": {"name": f"No. {number}"}, "owner_id": mine} for number in range(3)]
    rows.append({"field_values": {"name": "No. 3"}, "owner_id": str(cast.viewer.member_id)})
    made = await owner.post("/api/v1/records/bulk-create", json={"recordset_id": recordset["id"], "records": rows})
    assert made.status_code == 200, made.text
    news = ("record_assigned", "Records of Deals are yours now")
    for person in (cast.member, cast.viewer):
        assert (await told(person)).count(news) == 1

    # Those whose they were already are not told of a change of all, nor are those who stay without any.
    whole = {"recordset_id": recordset["id"], "all": True}
    changed = await owner.post("/api/v1/records/bulk-update", json={**whole, "owner_id": mine, "tags": ["hot"]})
    assert changed.status_code == 200, changed.text
    assert (await told(cast.member)).count(news) == 2
    changed = await owner.post("/api/v1/records/bulk-update", json={**whole, "owner_id": mine, "tags": ["cold"]})
    assert changed.status_code == 200, changed.text
    assert (await told(cast.member)).count(news) == 2
    assert (await told(cast.viewer)).count(news) == 1


async def test_whose_records_are_deleted_is_told(
    client: Client, cast: Cast, recordset: dict[str, Any], told: Told
) -> None:
    owner, mine = client.as_(cast.owner), str(cast.member.member_id)
    records = [await create_record(owner, recordset, {"name": f"No. {number}"}) for number in range(4)]
    for record in records[:3]:
        assert (await owner.patch(f"/api/v1/records/{record['id']}", json={"owner_id": mine})).status_code == 200
    assert (await owner.delete(f"/api/v1/records/{records[0]['id']}")).status_code == 204
    # What is in the trash is named to those alone who may take it out.
    assert ("record_deleted", "a record in Deals was deleted") in await told(cast.member)
    ids = [record["id"] for record in records[1:]]
    deleted = await owner.post("/api/v1/records/bulk-delete", json={"record_ids": ids})
    assert deleted.status_code == 200, deleted.text
    assert ("record_deleted", "Records of yours in Deals were deleted") in await told(cast.member)
    assert "record_deleted" not in [type for type, _ in await told(cast.owner)]


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
    assert ("record_assigned", "Hush is yours now") in await told(cast.viewer)


async def test_a_comment_is_told_to_owner_author_and_those_named_each_once(
    client: Client, cast: Cast, recordset: dict[str, Any], told: Told
) -> None:
    record = await create_record(client.as_(cast.owner), recordset, {"name": "Moffett"})
    await comment(client.as_(cast.member), record, "The runway is closed.")
    assert ("record_commented", "New comment on Moffett") in await told(cast.owner)

    await comment(client.as_(cast.owner), record, f"Since when? {mention(cast.viewer)}")
    assert ("comment_followed", "New comment on Moffett") in await told(cast.member)
    assert ("comment_mentioned", "You are mentioned in a comment on Moffett") in await told(cast.viewer)

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
    assert ("comment_mentioned", "You are mentioned in a comment on Moffett") in await told(cast.member)
    assert len(await told(cast.viewer)) == before


async def test_administrators_hear_of_links_for_outsiders(
    client: Client, cast: Cast, recordset: dict[str, Any], told: Told
) -> None:
    views = f"/api/v1/recordsets/{recordset['slug']}/views"
    view = (await client.as_(cast.owner).post(views, json={"name": "All", "visibility": "shared"})).json()
    shared = await client.as_(cast.owner).post(f"{views}/{view['id']}/share-links", json={"name": "For the press"})
    assert shared.status_code == 201, shared.text
    assert ("share_link_created", "A view of Deals was shared by a link: For the press") in await told(cast.admin)
    for person in (cast.owner, cast.member):
        assert "share_link_created" not in [type for type, _ in await told(person)]


async def test_the_end_of_an_export_is_told_to_whoever_asked(
    client: Client, cast: Cast, recordset: dict[str, Any], told: Told
) -> None:
    await create_record(client.as_(cast.owner), recordset, {"name": "Moffett"})
    body = {"recordset_id": recordset["id"], "format": "csv"}
    assert (await client.as_(cast.owner).post("/api/v1/export", json=body)).status_code == 200
    assert ("export_finished", "Your export of Deals is ready") in await told(cast.owner)
    assert "export_finished" not in [type for type, _ in await told(cast.admin)]


async def test_an_export_that_fails_is_told_to_whoever_asked(
    client: Client, cast: Cast, recordset: dict[str, Any], told: Told
) -> None:
    started = await client.as_(cast.member).post("/api/v1/export", json={"recordset_id": recordset["slug"]})
    assert started.status_code == 200, started.text
    path = f"/api/v1/recordsets/{recordset['slug']}/access/members/{cast.member.member_id}"
    assert (await client.as_(cast.owner).delete(path)).status_code == 204
    # The name of what they may not see any more is not in it.
    assert ("export_finished", "Your export of a recordset failed") in await told(cast.member)
    assert "export_finished" not in [type for type, _ in await told(cast.owner)]


async def test_a_search_for_places_that_fails_is_told_to_whoever_asked(client: Client, cast: Cast, told: Told) -> None:
    fields = [{"name": "Town", "type": "text"}, {"name": "Lat", "type": "number"}, {"name": "Lng", "type": "number"}]
    recordset = await create_recordset(client.as_(cast.owner), name="Inns", fields=fields)
    await grant(client.as_(cast.owner), recordset, cast.member, "can_edit")
    body = {"recordset_id": recordset["slug"], "address_fields": ["town"], "lat_field": "lat", "lng_field": "lng"}
    started = await client.as_(cast.member).post("/api/v1/geocode", json=body)
    assert started.status_code == 200, started.text
    path = f"/api/v1/recordsets/{recordset['slug']}/access/members/{cast.member.member_id}"
    assert (await client.as_(cast.owner).delete(path)).status_code == 204
    assert ("geocoding_finished", "The search for places of a recordset failed") in await told(cast.member)


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
