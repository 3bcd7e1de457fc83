"""Uploads in parts: in any order, sent again, joined once, removed when nobody completes them."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

from fostr.kernel import clock
from fostr.kernel.jobs.dispatch import dispatch
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast
from tests.support.client import Client, refusal
from tests.support.imports import AIRPORTS, IMPORT, start_import

RunJobs = Callable[[], Awaitable[None]]
PARTS = f"{IMPORT}/upload/parts"


async def begin(client: Client) -> dict[str, Any]:
    response = await client.post(PARTS, json={"filename": "airports.csv"})
    assert response.status_code == 200, response.text
    return response.json()


def files_of(runtime: Runtime, cast: Cast) -> list[str]:
    folder = runtime.settings.files_folder / str(cast.acme)
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


async def test_parts_come_in_any_order_and_make_the_file(
    client: Client, cast: Cast, run_jobs: RunJobs, runtime: Runtime
) -> None:
    member = client.as_(cast.member)
    upload = await begin(member)
    path = f"{PARTS}/{upload['upload_id']}"
    assert (upload["parts"], upload["filename"]) == ([], "airports.csv")
    middle = len(AIRPORTS) // 2
    pieces = {2: AIRPORTS[middle:], 1: AIRPORTS[:middle]}
    await member.put(f"{path}/1", content=b"what was broken off")
    for number, piece in pieces.items():
        part = (await member.put(f"{path}/{number}", content=piece)).json()
        assert part == {"number": number, "size": len(piece), "sha256": hashlib.sha256(piece).hexdigest()}
    assert [part["number"] for part in (await member.get(path)).json()["parts"]] == [1, 2]
    assert len(files_of(runtime, cast)) == 2, "what was replaced is gone"
    missing = await member.post(f"{path}/complete", json={"parts": 3})
    assert (refusal(missing), missing.json()["missing"]) == ((422, "upload_parts_missing"), [3])
    found = (await member.post(f"{path}/complete", json={"parts": 2})).json()
    assert (found["total_rows"], found["size"]) == (3376, len(AIRPORTS))
    assert len(files_of(runtime, cast)) == 1, "the parts are gone"
    assert refusal(await member.put(f"{path}/1", content=b"x")) == (409, "upload_completed")
    assert refusal(await member.post(f"{path}/complete", json={"parts": 2})) == (409, "upload_completed")
    assert refusal(await member.delete(path)) == (409, "upload_completed")
    started = await start_import(member, found)
    await run_jobs()
    assert (await member.get(started["status_url"])).json()["imported_rows"] == 3376


async def test_an_upload_is_its_owners(client: Client, cast: Cast) -> None:
    member, admin, viewer = client.as_(cast.member), client.as_(cast.admin), client.as_(cast.viewer)
    upload = await begin(admin)
    path = f"{PARTS}/{upload['upload_id']}"
    for person in (member, client.as_(cast.stranger)):
        assert refusal(await person.get(path)) == (404, "file_not_found")
        assert refusal(await person.put(f"{path}/1", content=b"x")) == (404, "file_not_found")
        assert refusal(await person.post(f"{path}/complete", json={"parts": 1})) == (404, "file_not_found")
        assert refusal(await person.delete(path)) == (404, "file_not_found")
    assert refusal(await viewer.post(PARTS, json={"filename": "x.csv"})) == (403, "forbidden")
    assert refusal(await viewer.put(f"{path}/1", content=b"x")) == (403, "forbidden")
    assert refusal(await admin.put(f"{path}/0", content=b"x")) == (422, "validation_failed")
    assert refusal(await admin.put(f"{PARTS}/{uuid4()}/1", content=b"x")) == (404, "file_not_found")


async def test_a_file_that_is_refused_can_be_completed_otherwise_or_abandoned(
    client: Client, cast: Cast, runtime: Runtime
) -> None:
    member = client.as_(cast.member)
    upload = (await member.post(PARTS, json={"filename": "x.json"})).json()
    path = f"{PARTS}/{upload['upload_id']}"
    await member.put(f"{path}/1", content=b"no json at all")
    assert refusal(await member.post(f"{path}/complete", json={"parts": 1})) == (422, "file_type_mismatch")
    await member.put(f"{path}/1", content=b'[{"a": 1}]')
    other = await begin(member)
    await member.put(f"{PARTS}/{other['upload_id']}/1", content=b"x")
    assert (await member.delete(f"{PARTS}/{other['upload_id']}")).status_code == 204
    assert refusal(await member.get(f"{PARTS}/{other['upload_id']}")) == (404, "file_not_found")
    assert (await member.post(f"{path}/complete", json={"parts": 1})).json()["total_rows"] == 1
    assert len(files_of(runtime, cast)) == 1


async def test_what_nobody_completes_is_removed(
    client: Client, cast: Cast, run_jobs: RunJobs, runtime: Runtime
) -> None:
    member = client.as_(cast.member)
    upload = await begin(member)
    await member.put(f"{PARTS}/{upload['upload_id']}/1", content=b"a\n1\n")

    async def prune() -> None:
        async with runtime.database.unit() as unit:
            await dispatch(unit, "records.prune_imports", {}, workspace=None)
        await run_jobs()

    await prune()
    assert len(files_of(runtime, cast)) == 1
    with clock.travel(to=clock.now() + timedelta(days=1, minutes=1)):
        await prune()
    assert files_of(runtime, cast) == []
    assert refusal(await member.get(f"{PARTS}/{upload['upload_id']}")) == (404, "file_not_found")
