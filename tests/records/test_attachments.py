"""Files of records: by a form and by a signed address, in fields and beside them, and their way out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from fostr.kernel import clock
from fostr.kernel.jobs.dispatch import dispatch
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast
from tests.support.client import Client, Response, refusal
from tests.support.events import event_types
from tests.support.pictures import photo, picture
from tests.support.records import create_record, create_recordset, grant

RunJobs = Callable[[], Awaitable[None]]


@pytest.fixture
async def record(client: Client, cast: Cast) -> dict[str, Any]:
    """A record of the owner's, in a recordset that the member may edit and the viewer may see."""
    fields = [{"name": "Name", "type": "text"}, {"name": "Photos", "type": "attachment"}]
    recordset = await create_recordset(client.as_(cast.owner), fields=fields)
    await grant(client.as_(cast.owner), recordset, cast.member, "can_view", "can_edit")
    await grant(client.as_(cast.owner), recordset, cast.viewer, "can_view")
    return await create_record(client.as_(cast.owner), recordset, {"name": "Moffett"})


@pytest.fixture
def path(record: dict[str, Any]) -> str:
    return f"/api/v1/crud/records/{record['id']}/attachments"


async def attach(
    client: Client, path: str, content: bytes = b"a note", *, filename: str = "note.txt", field: str | None = None
) -> Response:
    data = {} if field is None else {"field": field}
    return await client.post(path, files={"file": (filename, content)}, data=data)


async def values_of(client: Client, record: dict[str, Any]) -> dict[str, Any]:
    return (await client.get(f"/api/v1/records/{record['id']}")).json()["field_values"]


async def test_a_file_is_kept_as_it_is(client: Client, cast: Cast, runtime: Runtime, path: str) -> None:
    response = await attach(client.as_(cast.member), path, b"Runway 14 is closed.", filename="../notam.txt")
    created = response.json()
    assert response.status_code == 201, response.text
    assert (created["filename"], created["content_type"], created["size"]) == ("notam.txt", "text/plain", 20)
    assert created["uploaded_by"] == str(cast.member.member_id)
    assert created["thumbnail_url"] is None
    listed = (await client.as_(cast.viewer).get(path)).json()
    assert (listed["total"], listed["items"][0]["id"]) == (1, created["id"])
    fetched = await client.anonymous().get(listed["items"][0]["download_url"])
    assert (fetched.status_code, fetched.content) == (200, b"Runway 14 is closed.")
    assert fetched.headers["content-disposition"].startswith("attachment")
    assert "attachment.created" in await event_types(runtime, cast.acme, entity_id=UUID(created["id"]))


async def test_a_picture_has_a_small_one(client: Client, cast: Cast, path: str) -> None:
    created = (await attach(client.as_(cast.member), path, picture(size=(1600, 400)), filename="a.png")).json()
    assert (created["width"], created["height"]) == (1600, 400)
    small = await client.anonymous().get(created["thumbnail_url"])
    assert (small.status_code, small.headers["content-type"]) == (200, "image/webp")
    upright = (await attach(client.as_(cast.member), path, photo(), filename="b.jpg")).json()
    assert (upright["width"], upright["height"]) == (200, 200)
    broken = await attach(client.as_(cast.member), path, picture()[:60], filename="c.png")
    assert (broken.status_code, broken.json()["thumbnail_url"]) == (201, None)


async def test_a_field_lists_its_files(client: Client, cast: Cast, record: dict[str, Any], path: str) -> None:
    member = client.as_(cast.member)
    first = (await attach(member, path, picture(), filename="a.png", field="photos")).json()
    second = (await attach(member, path, picture(), filename="b.png", field="photos")).json()
    assert (await values_of(member, record))["photos"] == [first["id"], second["id"]]
    reordered = {"field_values": {"photos": [second["id"], first["id"]]}}
    assert (await member.patch(f"/api/v1/records/{record['id']}", json=reordered)).status_code == 200
    assert (await member.delete(f"{path}/{second['id']}")).status_code == 204
    assert (await values_of(member, record))["photos"] == [first["id"]]
    assert [item["id"] for item in (await member.get(path)).json()["items"]] == [first["id"]]
    history = (await member.get(f"/api/v1/records/{record['id']}/history")).json()["items"]
    assert history[0]["changed_fields"] == ["photos"]


async def test_restoring_a_version_brings_files_back(
    client: Client, cast: Cast, record: dict[str, Any], path: str
) -> None:
    member = client.as_(cast.member)
    attached = (await attach(member, path, picture(), filename="a.png", field="photos")).json()
    versions = f"/api/v1/records/{record['id']}/history"
    with_file = (await member.get(versions)).json()["items"][0]["id"]
    assert (await member.patch(f"/api/v1/records/{record['id']}", json={"field_values": {"photos": None}})).is_success
    assert (await member.get(path)).json()["total"] == 0
    assert (await member.post(f"{versions}/{with_file}/restore")).status_code == 200
    back = (await member.get(path)).json()["items"]
    assert [item["id"] for item in back] == [attached["id"]]
    assert (await client.anonymous().get(back[0]["download_url"])).status_code == 200


async def test_a_field_names_no_file_of_another_record(
    client: Client, cast: Cast, record: dict[str, Any], path: str
) -> None:
    owner = client.as_(cast.owner)
    attached = (await attach(owner, path, picture(), filename="a.png", field="photos")).json()
    body = {"recordset_id": record["recordset_id"], "field_values": {"name": "Other", "photos": [attached["id"]]}}
    assert refusal(await owner.post("/api/v1/records", json=body)) == (422, "field_values_invalid")
    other = await owner.post("/api/v1/records", json={**body, "field_values": {"name": "Other"}})
    stolen = {"field_values": {"photos": [attached["id"]]}}
    refused = await owner.patch(f"/api/v1/records/{other.json()['id']}", json=stolen)
    assert refusal(refused) == (422, "field_values_invalid")
    assert (await owner.get(path)).json()["total"] == 1


async def test_a_browser_sends_a_file_by_itself(client: Client, cast: Cast, record: dict[str, Any], path: str) -> None:
    member = client.as_(cast.member)
    body = {"filename": "survey.pdf", "field": "photos"}
    expected = (await member.post(f"{path}/signed-url", json=body)).json()
    complete = expected["complete_url"]
    assert refusal(await member.post(complete)) == (404, "file_not_found")
    sent = await client.anonymous().put(expected["upload_url"], content=b"%PDF-1.7\n...")
    assert sent.is_success, sent.text
    assert (await member.get(path)).json()["total"] == 0
    first = await member.post(complete)
    assert (first.status_code, first.json()["content_type"]) == (200, "application/pdf")
    again = await member.post(complete)
    assert again.json()["id"] == first.json()["id"] == expected["attachment_id"]
    assert (await values_of(member, record))["photos"] == [expected["attachment_id"]]


async def test_a_file_that_is_not_what_it_says_is_refused(client: Client, cast: Cast, path: str) -> None:
    member = client.as_(cast.member)
    refused = await attach(member, path, b"<html><script>1</script></html>", filename="a.png")
    assert refusal(refused) == (422, "file_type_mismatch")
    expected = (await member.post(f"{path}/signed-url", json={"filename": "a.pdf"})).json()
    # The address may refuse it at once; where a cloud store takes it, completing does.
    await client.anonymous().put(expected["upload_url"], content=b"MZ\x90\x00\x03\x00\x00\x00")
    assert (await member.post(expected["complete_url"])).status_code in {404, 422}
    assert (await member.get(path)).json()["total"] == 0
    assert refusal(await attach(member, path, field="name")) == (422, "field_values_invalid")
    assert refusal(await attach(member, path, field="nothing")) == (422, "field_values_invalid")


async def test_who_may_only_see_attaches_nothing(client: Client, cast: Cast, path: str) -> None:
    created = (await attach(client.as_(cast.owner), path)).json()
    viewer, stranger = client.as_(cast.viewer), client.as_(cast.stranger)
    for response in (
        await attach(viewer, path),
        await viewer.post(f"{path}/signed-url", json={"filename": "a.pdf"}),
        await viewer.delete(f"{path}/{created['id']}"),
    ):
        assert refusal(response) == (403, "recordset_action_forbidden")
    for response in (
        await stranger.get(path),
        await attach(stranger, path),
        await stranger.delete(f"{path}/{created['id']}"),
    ):
        assert refusal(response) == (404, "record_not_found")
    assert (await client.as_(cast.owner).get(path)).json()["total"] == 1


async def test_files_of_a_hidden_field_are_hidden(
    client: Client, cast: Cast, record: dict[str, Any], path: str
) -> None:
    owner, member = client.as_(cast.owner), client.as_(cast.member)
    hidden = (await attach(owner, path, picture(), filename="a.png", field="photos")).json()
    shown = (await attach(owner, path)).json()
    recordset = f"/api/v1/recordsets/{record['recordset_id']}"
    changed = await owner.patch(recordset, json={"fields": [{"key": "photos", "hidden_from": ["member"]}]})
    assert changed.status_code == 200, changed.text
    assert [item["id"] for item in (await member.get(path)).json()["items"]] == [shown["id"]]
    many = {"ids": [hidden["id"], shown["id"]]}
    assert [item["id"] for item in (await member.get(f"{recordset}/attachments", params=many)).json()] == [shown["id"]]
    assert len((await owner.get(f"{recordset}/attachments", params=many)).json()) == 2
    assert refusal(await member.delete(f"{path}/{hidden['id']}")) == (404, "attachment_not_found")
    assert refusal(await attach(member, path, field="photos")) == (422, "field_values_invalid")


async def test_old_files_are_swept_away(
    client: Client, cast: Cast, runtime: Runtime, path: str, run_jobs: RunJobs
) -> None:
    member = client.as_(cast.member)
    gone = (await attach(member, path, picture(), filename="a.png")).json()
    kept = (await attach(member, path)).json()
    assert (await member.delete(f"{path}/{gone['id']}")).status_code == 204
    assert (await client.anonymous().get(gone["download_url"])).status_code == 200
    await member.post(f"{path}/signed-url", json={"filename": "never.pdf"})
    with clock.travel(to=clock.now() + timedelta(days=31)):
        async with runtime.database.unit() as unit:
            await dispatch(unit, "attachments.sweep", {}, workspace=None)
        await run_jobs()
    async with runtime.database.unit(cast.acme) as unit:
        rows = await unit.rows("select a.id, a.key from record_attachments a where a.workspace_id = :workspace")
    assert [str(row["id"]) for row in rows] == [kept["id"]]
    assert await runtime.files.exists(rows[0]["key"])
    key = rows[0]["key"].replace(kept["id"].replace("-", ""), gone["id"].replace("-", ""))
    assert not await runtime.files.exists(key)
