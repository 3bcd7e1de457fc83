"""Exports of the feed: what the person may see, in a file that a spreadsheet can open without harm, for a week."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx2
import pytest

from fostr.app import create_app
from fostr.domains.activity.exports import tasks
from fostr.domains.activity.exports.schemas import ActivityExportCreate
from fostr.domains.activity.exports.service import JOB, KEPT
from fostr.domains.activity.exports.tasks import TELL_FAILED
from fostr.domains.activity.exports.writing import COLUMNS, begin_run
from fostr.domains.activity.feed.reading import AT_ONCE
from fostr.kernel import clock
from fostr.kernel.auth.principals import Scope
from fostr.kernel.events.log import BEGINNING, find_settled, read_log
from fostr.kernel.files.store import FileMissing, open_store
from fostr.kernel.ids import new_id, new_ids
from fostr.kernel.jobs.context import JobContext
from fostr.kernel.jobs.dispatch import dispatch
from fostr.kernel.runtime import Runtime
from fostr.settings import Settings
from tests.support.activity import read_everything
from tests.support.cast import Cast, Person, create_token
from tests.support.client import BASE, Client, refusal
from tests.support.events import event_types
from tests.support.records import create_record, create_recordset, grant
from tests.support.rules import create_rule, leaf

RunJobs = Callable[[], Awaitable[None]]

EXPORT = "/api/v1/activity/export"
JOBS = f"{EXPORT}/jobs"


@pytest.fixture
async def inns(client: Client, cast: Cast, run_jobs: RunJobs) -> dict[str, Any]:
    """A recordset that the member may look at, with an inn whose name a spreadsheet would run."""
    fields = [{"name": "Name", "type": "text"}, {"name": "Fee", "type": "text", "hidden_from": ["member"]}]
    made = await create_recordset(client.as_(cast.owner), name="=Inns()", fields=fields)
    await grant(client.as_(cast.owner), made, cast.member, "can_view")
    record = await create_record(client.as_(cast.owner), made, {"name": "=1+1", "fee": "sevenpence"})
    body = {"field_values": {"fee": "eightpence"}}
    assert (await client.as_(cast.owner).patch(f"/api/v1/records/{record['id']}", json=body)).status_code == 200
    await run_jobs()
    return made


async def start(client: Client, person: Person, **asked: Any) -> str:
    response = await client.as_(person).post(EXPORT, json=asked)
    assert response.status_code == 200, response.text
    started = response.json()
    assert (started["status"], started["status_url"]) == ("queued", f"{JOBS}/{started['job_id']}")
    return started["job_id"]


async def export(client: Client, person: Person, run_jobs: RunJobs, **asked: Any) -> dict[str, Any]:
    """Export as somebody, and return what the job came to."""
    job_id = await start(client, person, **asked)
    await run_jobs()
    done = await client.as_(person).get(f"{JOBS}/{job_id}")
    assert done.status_code == 200, done.text
    return done.json()


async def fetch(client: Client, done: dict[str, Any]) -> bytes:
    """Fetch the file by its signed address, as nobody."""
    response = await client.anonymous().get(done["output_data"]["download_url"])
    assert response.status_code == 200, response.text
    return response.content


async def export_rows(client: Client, person: Person, run_jobs: RunJobs, **asked: Any) -> list[dict[str, Any]]:
    done = await export(client, person, run_jobs, format="json", **asked)
    assert done["status"] == "completed", done
    return json.loads(await fetch(client, done))


@pytest.mark.usefixtures("inns")
@pytest.mark.parametrize("name", ["owner", "member", "viewer"])
async def test_the_file_holds_ones_own_feed(client: Client, cast: Cast, run_jobs: RunJobs, name: str) -> None:
    person = getattr(cast, name)
    feed = await read_everything(client, person)
    rows = await export_rows(client, person, run_jobs)
    # The export itself is told of as well, once its file is written.
    assert [row["id"] for row in rows if row["entity"] != "activity_export"] == [item["id"] for item in feed]
    told = {row["id"]: row for row in rows}
    for item in feed:
        row = told[item["id"]]
        assert (row["description"], row["category"], row["type"]) == (
            item["description"],
            item["category"],
            item["type"],
        )
        assert row["actor"] == (item["actor"] and item["actor"]["name"])
        assert row["scope"] == (item["scope"] and item["scope"]["name"])


@pytest.mark.usefixtures("inns")
async def test_a_csv_is_guarded_against_formulas(client: Client, cast: Cast, run_jobs: RunJobs) -> None:
    done = await export(client, cast.owner, run_jobs, format="csv", types="record")
    output = done["output_data"]
    assert (output["content_type"], output["filename"][-4:]) == ("text/csv; charset=utf-8", ".csv")
    content = await fetch(client, done)
    assert len(content) == output["size"]
    header, *rows = csv.reader(io.StringIO(content.decode("utf-8-sig")))
    assert header == ["id", *(column.name for column in COLUMNS)]
    assert len(rows) == output["rows"] == 4
    cells = [cell for row in rows for cell in row]
    assert "'=1+1" in cells
    assert "'=Inns()" in cells
    assert not [cell for cell in cells if cell[:1] in ("=", "+", "-", "@")]


@pytest.mark.usefixtures("inns")
async def test_every_format(client: Client, cast: Cast, run_jobs: RunJobs) -> None:
    lines = await fetch(client, await export(client, cast.owner, run_jobs, format="ndjson", types="record"))
    rows = [json.loads(line) for line in lines.splitlines()]
    assert rows == await export_rows(client, cast.owner, run_jobs, types="record")
    assert rows[0]["changed"] == "Fee: sevenpence → eightpence"
    book = await fetch(client, await export(client, cast.owner, run_jobs, format="xlsx", types="record"))
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    assert sheet.count("<row ") == 1 + len(rows)
    assert "Owner Example created =1+1 in =Inns()" in sheet


async def test_nothing_at_all_is_a_file_too(client: Client, cast: Cast, run_jobs: RunJobs) -> None:
    assert await export_rows(client, cast.viewer, run_jobs, types="goal") == []


@pytest.mark.usefixtures("inns")
async def test_filters_are_those_of_the_feed(client: Client, cast: Cast, run_jobs: RunJobs) -> None:
    asked = {"search": "created", "types": "record", "user_ids": str(cast.owner.user_id), "start_date": "2026-01-01"}
    feed = await read_everything(client, cast.member, **asked)
    assert len(feed) == 2
    assert [row["id"] for row in await export_rows(client, cast.member, run_jobs, **asked)] == [
        item["id"] for item in feed
    ]


async def test_the_rights_are_those_of_when_it_is_written(
    client: Client, cast: Cast, inns: dict[str, Any], run_jobs: RunJobs
) -> None:
    job_id = await start(client, cast.member, format="json", types="record")
    await create_rule(client.as_(cast.owner), inns, leaf("name", "eq", "other"), roles=["member"])
    await run_jobs()
    done = (await client.as_(cast.member).get(f"{JOBS}/{job_id}")).json()
    content = (await fetch(client, done)).decode()
    assert "1+1" not in content
    assert "Inns" in content


@pytest.mark.usefixtures("inns")
async def test_hidden_fields_are_not_told(client: Client, cast: Cast, run_jobs: RunJobs) -> None:
    told = json.dumps(await export_rows(client, cast.member, run_jobs))
    assert "Fee" not in told
    assert "pence" not in told
    assert "Fee: sevenpence" in json.dumps(await export_rows(client, cast.owner, run_jobs))


async def test_a_long_feed_is_written_batch_by_batch(
    client: Client, cast: Cast, runtime: Runtime, inns: dict[str, Any], run_jobs: RunJobs
) -> None:
    await add_many(runtime, cast, inns)
    await run_jobs()
    rows = await export_rows(client, cast.member, run_jobs, types="record")
    assert len(rows) == len({row["id"] for row in rows}) == 2 * AT_ONCE + 4


async def add_many(runtime: Runtime, cast: Cast, recordset: dict[str, Any]) -> None:
    """Let a recordset have been changed as often as two batches hold."""
    async with runtime.database.unit(cast.acme) as unit:
        await unit.run(
            """
            insert into events (workspace_id, id, type, entity, entity_id)
            select :workspace, e, 'recordset.updated', 'recordset', :recordset_id from unnest(:ids::uuid[]) e
            """,
            ids=new_ids(2 * AT_ONCE),
            recordset_id=UUID(recordset["id"]),
        )


async def test_what_is_taken_meanwhile_is_not_in_the_rest(
    client: Client, cast: Cast, runtime: Runtime, inns: dict[str, Any], run_jobs: RunJobs
) -> None:
    await add_many(runtime, cast, inns)
    await run_jobs()
    job_id = await start(client, cast.member, format="ndjson", types="record")
    path = f"/api/v1/recordsets/{inns['slug']}/access/members/{cast.member.member_id}"
    asked = ActivityExportCreate(format="ndjson", types="record")
    run = begin_run(await take(runtime, job_id), asked, scope=Scope.READ)
    pieces: list[bytes] = []
    async with aclosing(run.write()) as written:
        async for piece in written:
            pieces.append(piece)
            if run.rows == AT_ONCE:
                assert (await client.as_(cast.owner).delete(path)).status_code == 204
    *_, last = b"".join(pieces).splitlines()
    # That they got access is told to them all the same, and no more to what.
    assert (json.loads(last)["type"], json.loads(last)["entity_name"]) == ("recordset.access_granted", None)
    assert run.rows == AT_ONCE + 1
    await run_jobs()


async def test_who_has_left_gets_no_file(client: Client, cast: Cast, runtime: Runtime, run_jobs: RunJobs) -> None:
    job_id = await start(client, cast.member)
    async with runtime.database.unit(cast.acme) as unit:
        await unit.run(
            "update memberships set status = 'inactive' where workspace_id = :workspace and member_id = :id",
            id=cast.member.member_id,
        )
    await run_jobs()
    async with runtime.database.unit() as unit:
        row = await unit.row("select status, error from jobs where id = :id", id=UUID(job_id))
    assert row is not None
    assert (row["status"], row["error"]["code"]) == ("failed", "member_gone")
    await run_jobs()
    with pytest.raises(FileMissing):
        await runtime.files.head(f"{cast.acme}/activity-exports/{job_id}.csv")


async def test_the_end_is_told_once(client: Client, cast: Cast, runtime: Runtime, run_jobs: RunJobs) -> None:
    done = await export(client, cast.member, run_jobs)
    told = await event_types(runtime, cast.acme, entity_id=UUID(done["job_id"]))
    assert told == ["activity_export.requested", "activity_export.completed"]
    await rerun(runtime, cast, done["job_id"])
    assert await event_types(runtime, cast.acme, entity_id=UUID(done["job_id"])) == told
    async with runtime.database.unit(cast.acme) as unit:
        part = await read_log(
            unit, after=BEGINNING, settled=await find_settled(unit), limit=1000, types=["activity_export.completed"]
        )
    [event] = part.events
    assert event.actor["member_id"] == str(cast.member.member_id)
    assert event.after == {
        "format": "csv",
        "rows": done["output_data"]["rows"],
        "requested_by": str(cast.member.member_id),
        "error_code": None,
    }


async def rerun(runtime: Runtime, cast: Cast, job_id: str) -> None:
    """Run an export again, as if its worker had died before it could say that it was done."""
    context = await take(runtime, job_id)
    assert context.workspace == cast.acme
    await tasks.export_activity(context)


async def take(runtime: Runtime, job_id: str) -> JobContext:
    """Return what the handler of a job is called with, as if a worker had taken it."""
    async with runtime.database.unit() as unit:
        row = await unit.row(
            """
            update jobs set status = 'running' where id = :id
            returning id, name, input, workspace_id, created_by, acting_as, attempts
            """,
            id=UUID(job_id),
        )
    assert row is not None
    return JobContext(runtime, row)


async def test_an_export_that_failed_is_told_once(
    client: Client, cast: Cast, runtime: Runtime, run_jobs: RunJobs
) -> None:
    job_id = await start(client, cast.member, team_ids=await make_team(client, cast))
    await drop_teams(client, cast)
    await run_jobs()
    done = (await client.as_(cast.member).get(f"{JOBS}/{job_id}")).json()
    assert (done["status"], done["error"]["code"], done["output_data"]) == ("failed", "activity_filter_invalid", None)
    told = ["activity_export.requested", "activity_export.failed"]
    assert await event_types(runtime, cast.acme, entity_id=UUID(job_id)) == told
    again = {"job_id": job_id, "input": {"asked": {"format": "csv"}}, "error": done["error"]}
    async with runtime.database.unit() as unit:
        await dispatch(unit, TELL_FAILED, again, workspace=cast.acme, created_by=cast.member.member_id)
    await run_jobs()
    assert await event_types(runtime, cast.acme, entity_id=UUID(job_id)) == told


async def make_team(client: Client, cast: Cast) -> str:
    return (await client.as_(cast.owner).post("/api/v1/teams", json={"name": "Hosts"})).json()["id"]


async def drop_teams(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    for team in (await owner.get("/api/v1/teams")).json()["items"]:
        assert (await owner.delete(f"/api/v1/teams/{team['id']}")).status_code == 204


async def test_the_file_is_downloaded_and_in_parts(client: Client, cast: Cast, run_jobs: RunJobs) -> None:
    done = await export(client, cast.member, run_jobs)
    path = f"{JOBS}/{done['job_id']}/download"
    whole = await client.as_(cast.member).get(path)
    assert whole.status_code == 200
    assert whole.content == await fetch(client, done)
    assert whole.headers["content-disposition"].startswith("attachment; filename=")
    part = await client.as_(cast.member).get(path, headers={"Range": "bytes=3-9"})
    assert (part.status_code, part.content) == (206, whole.content[3:10])
    known = await client.as_(cast.member).get(path, headers={"If-None-Match": whole.headers["etag"]})
    assert known.status_code == 304
    beyond = await client.as_(cast.member).get(path, headers={"Range": "bytes=99999999-"})
    assert refusal(beyond) == (416, "range_not_satisfiable")


async def test_a_cloud_store_serves_its_files_itself(
    client: Client,
    cast: Cast,
    runtime: Runtime,
    settings: Settings,
    run_jobs: RunJobs,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done = await export(client, cast.member, run_jobs)
    for name, value in (("ACCESS_KEY_ID", "id"), ("SECRET_ACCESS_KEY", "secret"), ("REGION", "eu-central-1")):
        monkeypatch.setenv(f"AWS_{name}", value)
    in_cloud = settings.model_copy(update={"storage_url": "s3://bucket/prefix"})
    app = create_app(in_cloud, runtime=replace(runtime, files=open_store(in_cloud)), lazily=True)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=BASE) as inner:
        cloudy = Client(inner, client.checker, {})
        path = f"{JOBS}/{done['job_id']}/download"
        answer = await cloudy.as_(cast.member).get(path)
        assert answer.status_code == 302
        address = urlsplit(answer.headers["location"])
        assert address.path == f"/bucket/prefix/{cast.acme}/activity-exports/{done['job_id']}.csv"
        assert refusal(await cloudy.as_(cast.viewer).get(path)) == (404, "activity_export_not_found")


async def test_the_signed_address_ends(client: Client, cast: Cast, run_jobs: RunJobs) -> None:
    done = await export(client, cast.member, run_jobs)
    signed = (await client.as_(cast.member).get(f"{JOBS}/{done['job_id']}/download-url")).json()
    assert signed["filename"] == done["output_data"]["filename"]
    assert (await client.anonymous().get(signed["download_url"])).status_code == 200
    altered = signed["download_url"].replace("sig=", "sig=x")
    assert refusal(await client.anonymous().get(altered)) == (403, "signature_invalid")
    with clock.travel(to=clock.now() + timedelta(hours=1, minutes=1)):
        assert refusal(await client.anonymous().get(signed["download_url"])) == (403, "signature_expired")


async def test_a_file_that_is_not_written_is_not_there(client: Client, cast: Cast, run_jobs: RunJobs) -> None:
    job_id = await start(client, cast.member)
    waiting = (await client.as_(cast.member).get(f"{JOBS}/{job_id}")).json()
    assert (waiting["status"], waiting["progress"], waiting["output_data"]) == ("queued", 0, None)
    for way in ("download", "download-url"):
        response = await client.as_(cast.member).get(f"{JOBS}/{job_id}/{way}")
        assert refusal(response) == (409, "activity_export_not_ready")
    await run_jobs()
    assert (await client.as_(cast.member).get(f"{JOBS}/{job_id}/download")).status_code == 200


async def test_each_lists_their_own(client: Client, cast: Cast, run_jobs: RunJobs) -> None:
    first, second = [await export(client, cast.member, run_jobs, format=format) for format in ("csv", "json")]
    theirs = await export(client, cast.owner, run_jobs)
    listed = (await client.as_(cast.member).get(JOBS)).json()
    assert [job["job_id"] for job in listed["items"]] == [second["job_id"], first["job_id"]]
    assert (listed["total"], listed["has_more"]) == (2, False)
    rest = (await client.as_(cast.member).get(JOBS, params={"limit": 1, "offset": 1})).json()
    assert ([job["job_id"] for job in rest["items"]], rest["has_more"]) == ([first["job_id"]], False)
    mine = (await client.as_(cast.owner).get(JOBS)).json()
    assert [job["job_id"] for job in mine["items"]] == [theirs["job_id"]]
    assert (await client.as_(cast.viewer).get(JOBS)).json()["items"] == []


async def test_nobody_else_reaches_it(client: Client, cast: Cast, run_jobs: RunJobs) -> None:
    done = await export(client, cast.member, run_jobs)
    own = f"{JOBS}/{done['job_id']}"
    for path in (own, f"{own}/download", f"{own}/download-url"):
        for person in (cast.owner, cast.viewer, cast.stranger):
            assert refusal(await client.as_(person).get(path)) == (404, "activity_export_not_found")
        outside = await client.as_(cast.stranger, workspace=cast.acme).get(path)
        assert refusal(outside) == (404, "not_found")
        assert refusal(await client.anonymous().get(path)) == (401, "unauthorized")


async def test_another_kind_of_job_is_none(client: Client, cast: Cast, runtime: Runtime) -> None:
    async with runtime.database.unit(cast.acme) as unit:
        other = await dispatch(
            unit, "records.export", {}, workspace=cast.acme, created_by=cast.owner.member_id, delay=timedelta(days=1)
        )
    for job_id in (other, new_id()):
        response = await client.as_(cast.owner).get(f"{JOBS}/{job_id}")
        assert refusal(response) == (404, "activity_export_not_found")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"format": "pdf"}, "validation_failed"),
        ({"format": "csv", "limit": 3}, "validation_failed"),
        ({"types": "weather"}, "activity_filter_invalid"),
        ({"start_date": "soon"}, "activity_filter_invalid"),
        ({"team_ids": "0192f0c1-a2b3-7c4d-8e9f-001122334455"}, "activity_filter_invalid"),
        ([], "validation_failed"),
    ],
)
async def test_bad_input_is_refused_and_nothing_begun(client: Client, cast: Cast, body: Any, code: str) -> None:
    assert refusal(await client.as_(cast.member).post(EXPORT, json=body)) == (422, code)
    assert (await client.as_(cast.member).get(JOBS)).json()["total"] == 0


async def test_a_role_without_the_right_is_refused(client: Client, cast: Cast) -> None:
    taken = {"permissions": {"can_export_activity": False}}
    changed = await client.as_(cast.owner).patch("/api/v1/permissions/roles/viewer", json=taken)
    assert changed.status_code == 200, changed.text
    assert refusal(await client.as_(cast.viewer).post(EXPORT, json={})) == (403, "forbidden")
    assert refusal(await client.as_(cast.viewer).get(JOBS)) == (403, "forbidden")


@pytest.mark.parametrize("permission", ["can_view_activity", "can_export_activity"])
async def test_a_right_that_is_taken_meanwhile_ends_it(
    client: Client, cast: Cast, runtime: Runtime, run_jobs: RunJobs, permission: str
) -> None:
    job_id = await start(client, cast.viewer)
    owner, taken = client.as_(cast.owner), {"permissions": {permission: False}}
    assert (await owner.patch("/api/v1/permissions/roles/viewer", json=taken)).status_code == 200
    assert refusal(await client.as_(cast.viewer).post(EXPORT)) == (403, "forbidden")
    await run_jobs()
    async with runtime.database.unit() as unit:
        row = await unit.row("select status, error from jobs where id = :id", id=UUID(job_id))
    assert row is not None
    assert (row["status"], row["error"]["code"]) == ("failed", "forbidden")
    assert not await runtime.files.exists(f"{cast.acme}/activity-exports/{job_id}.csv")


async def test_no_body_is_the_whole_feed(client: Client, cast: Cast, run_jobs: RunJobs) -> None:
    started = await client.as_(cast.member).post(EXPORT)
    assert started.status_code == 200, started.text
    await run_jobs()
    done = (await client.as_(cast.member).get(f"{JOBS}/{started.json()['job_id']}")).json()
    assert done["output_data"]["filename"].endswith(".csv")
    assert done["output_data"]["rows"] > 0


async def test_a_small_scope_sees_no_more_in_the_file(
    client: Client, cast: Cast, runtime: Runtime, run_jobs: RunJobs
) -> None:
    made = await client.as_(cast.owner).post("/api/v1/api-keys", json={"name": "Key", "scopes": ["read"]})
    assert made.status_code == 201, made.text
    await run_jobs()
    token = await create_token(runtime, cast.owner.user_id, scope="read")
    reader = client.with_token(token, workspace=cast.acme)
    feed = (await reader.get("/api/v1/activity/feed", params={"limit": 100})).json()["items"]
    started = await reader.post(EXPORT, json={"format": "json"})
    assert started.status_code == 200, started.text
    await run_jobs()
    done = (await reader.get(f"{JOBS}/{started.json()['job_id']}")).json()
    rows = json.loads(await fetch(client, done))
    assert [row["id"] for row in rows if row["entity"] != "activity_export"] == [item["id"] for item in feed]


async def test_old_exports_are_deleted_with_their_files(
    client: Client, cast: Cast, runtime: Runtime, run_jobs: RunJobs
) -> None:
    old = await export(client, cast.member, run_jobs)
    expires_at = old["expires_at"]
    assert expires_at is not None
    key = f"{cast.acme}/activity-exports/{old['job_id']}.csv"
    assert await runtime.files.exists(key)
    await prune(runtime, run_jobs)
    assert await runtime.files.exists(key)
    with clock.travel(to=clock.now() + KEPT + timedelta(minutes=1)):
        young = await export(client, cast.member, run_jobs)
        await prune(runtime, run_jobs)
        assert not await runtime.files.exists(key)
        listed = (await client.as_(cast.member).get(JOBS)).json()
        assert [job["job_id"] for job in listed["items"]] == [young["job_id"]]
        gone = await client.as_(cast.member).get(f"{JOBS}/{old['job_id']}/download")
        assert refusal(gone) == (404, "activity_export_not_found")


async def prune(runtime: Runtime, run_jobs: RunJobs) -> None:
    async with runtime.database.unit() as unit:
        await dispatch(unit, "activity.prune_exports", {}, workspace=None)
    await run_jobs()


async def test_the_export_is_told_to_who_asked_and_to_administrators(
    client: Client, cast: Cast, run_jobs: RunJobs
) -> None:
    done = await export(client, cast.viewer, run_jobs)
    assert JOB == "activity.export"
    for person, count in ((cast.viewer, 2), (cast.admin, 2), (cast.member, 0)):
        items = await read_everything(client, person)
        assert len([item for item in items if item["entity_id"] == done["job_id"]]) == count
