"""Exports: what a person may see, in a file that a spreadsheet can open without harm."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from fostr.domains.records.exports.formats import guard_formula, guarded_cell
from fostr.domains.records.fields.types import TYPES
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast, Person
from tests.support.client import Client, refusal
from tests.support.events import event_types
from tests.support.records import create_record, create_recordset, grant

RunJobs = Callable[[], Awaitable[None]]

FIELDS: list[dict[str, Any]] = [
    {"name": "Name", "type": "text"},
    {"name": "Beds", "type": "number"},
    {"name": "Open", "type": "boolean"},
    {"name": "Fee", "type": "currency", "hidden_from": ["member"]},
    {"name": "Lat", "type": "number"},
    {"name": "Lng", "type": "number"},
]
ROWS: list[dict[str, Any]] = [
    {"name": "Anchor, Inn", "beds": 12, "open": True, "fee": 40, "lat": 50.1, "lng": -5.2},
    {"name": '=HYPERLINK("x")', "beds": 2.5, "fee": 10},
    {"name": "Quayside\nHouse", "beds": 7, "open": False},
]


@pytest.fixture
async def recordset(client: Client, cast: Cast) -> dict[str, Any]:
    """Three inns; the fee is hidden from members, and member and viewer may look."""
    places = {"map": {"lat_field": "lat", "lng_field": "lng"}}
    made = await create_recordset(client.as_(cast.owner), name="Inns", fields=FIELDS, settings=places)
    for person in (cast.member, cast.viewer):
        await grant(client.as_(cast.owner), made, person, "can_view")
    for row in ROWS:
        await create_record(client.as_(cast.owner), made, row)
    return made


async def export(client: Client, person: Person, run_jobs: RunJobs, recordset: dict[str, Any], **data: Any) -> Any:
    """Export as somebody, and return what the job came to."""
    started = await client.as_(person).post("/api/v1/export", json={"recordset_id": recordset["id"], **data})
    assert started.status_code == 200, started.text
    await run_jobs()
    done = await client.as_(person).get(f"/api/v1/export/jobs/{started.json()['job_id']}")
    assert done.status_code == 200, done.text
    return done.json()


async def download(client: Client, job: dict[str, Any]) -> bytes:
    """Return an export's file, as a browser without a credential fetches it."""
    assert job["status"] == "completed", job
    response = await client.anonymous().get(job["download_url"])
    assert response.status_code == 200
    assert job["filename"] in response.headers["content-disposition"]
    return response.content


def read_csv(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


async def test_csv_holds_every_field_and_no_formula(
    client: Client, cast: Cast, recordset: dict[str, Any], run_jobs: RunJobs
) -> None:
    job = await export(client, cast.owner, run_jobs, recordset)
    content = await download(client, job)
    assert content.startswith(b"\xef\xbb\xbf")
    assert read_csv(content) == [
        ["Name", "Beds", "Open", "Fee", "Lat", "Lng"],
        ["Anchor, Inn", "12", "true", "40", "50.1", "-5.2"],
        ['\'=HYPERLINK("x")', "2.5", "", "10", "", ""],
        ["Quayside\nHouse", "7", "false", "", "", ""],
    ]
    assert (job["rows"], job["progress"], job["size"]) == (3, 100, len(content))


async def test_filters_order_and_fields_are_those_of_a_list(
    client: Client, cast: Cast, recordset: dict[str, Any], run_jobs: RunJobs
) -> None:
    job = await export(
        client,
        cast.owner,
        run_jobs,
        recordset,
        numeric_filters={"beds": {"min": 5}},
        sort_by="beds",
        fields=["beds", "name"],
    )
    assert read_csv(await download(client, job)) == [["Beds", "Name"], ["7", "Quayside\nHouse"], ["12", "Anchor, Inn"]]


async def test_hidden_fields_are_left_out_for_whom_they_are_hidden(
    client: Client, cast: Cast, recordset: dict[str, Any], run_jobs: RunJobs
) -> None:
    job = await export(client, cast.member, run_jobs, recordset)
    assert read_csv(await download(client, job))[0] == ["Name", "Beds", "Open", "Lat", "Lng"]
    for asked in ({"fields": ["fee"]}, {"column_filters": {"fee": 40}}):
        body = {"recordset_id": recordset["id"], **asked}
        assert refusal(await client.as_(cast.member).post("/api/v1/export", json=body)) == (422, "filter_invalid")


@pytest.mark.parametrize("format", ["json", "ndjson", "geojson"])
async def test_the_other_formats_are_well_formed(
    client: Client, cast: Cast, recordset: dict[str, Any], run_jobs: RunJobs, format: str
) -> None:
    job = await export(client, cast.owner, run_jobs, recordset, format=format)
    text = (await download(client, job)).decode()
    if format == "ndjson":
        names = [json.loads(line)["name"] for line in text.splitlines()]
    elif format == "json":
        names = [record["name"] for record in json.loads(text)]
    else:
        features = json.loads(text)["features"]
        assert features[0]["geometry"] == {"type": "Point", "coordinates": [-5.2, 50.1]}
        names = [feature["properties"]["name"] for feature in features]
    assert names == [row["name"] for row in ROWS]


async def test_nothing_selected_is_a_file_with_a_header(
    client: Client, cast: Cast, recordset: dict[str, Any], run_jobs: RunJobs
) -> None:
    job = await export(client, cast.owner, run_jobs, recordset, column_filters={"name": "Nowhere"})
    assert len(read_csv(await download(client, job))) == 1
    empty = await export(client, cast.owner, run_jobs, recordset, column_filters={"name": "Nowhere"}, format="json")
    assert json.loads(await download(client, empty)) == []


async def test_rights_that_end_before_the_job_runs_end_the_export(
    client: Client, cast: Cast, recordset: dict[str, Any], run_jobs: RunJobs
) -> None:
    started = await client.as_(cast.member).post("/api/v1/export", json={"recordset_id": recordset["id"]})
    path = f"/api/v1/recordsets/{recordset['slug']}/access/members/{cast.member.member_id}"
    assert (await client.as_(cast.owner).delete(path)).status_code == 204
    await run_jobs()
    job = (await client.as_(cast.member).get(started.json()["status_url"])).json()
    assert (job["status"], job["error"]["code"], job["download_url"]) == ("failed", "recordset_not_found", None)


async def test_others_do_not_find_somebodys_export(
    client: Client, cast: Cast, recordset: dict[str, Any], run_jobs: RunJobs
) -> None:
    job = await export(client, cast.owner, run_jobs, recordset)
    path = f"/api/v1/export/jobs/{job['job_id']}"
    for person in (cast.member, cast.stranger):
        for address in (path, f"{path}/stream"):
            assert refusal(await client.as_(person).get(address)) == (404, "job_not_found")
    assert (await client.as_(cast.admin).get(path)).status_code == 200
    foreign = await client.as_(cast.stranger).post("/api/v1/export", json={"recordset_id": recordset["id"]})
    assert refusal(foreign) == (404, "recordset_not_found")


async def test_the_stream_tells_the_whole_story_and_resumes(
    client: Client, cast: Cast, recordset: dict[str, Any], run_jobs: RunJobs
) -> None:
    job = await export(client, cast.owner, run_jobs, recordset)
    path = f"/api/v1/export/jobs/{job['job_id']}/stream"
    whole = (await client.as_(cast.owner).get(path)).text
    assert whole.count("event: ") >= 3
    assert "event: queued" in whole
    assert "event: completed" in whole
    first = whole.split("\n\n", 1)[0].splitlines()[0].removeprefix("id: ")
    rest = (await client.as_(cast.owner).get(path, headers={"Last-Event-ID": first})).text
    assert whole.endswith(rest)
    assert "event: queued" not in rest
    progress = [json.loads(line.removeprefix("data: "))["progress"] for line in whole.splitlines() if "data: " in line]
    assert progress == sorted(progress)


async def test_an_export_leaves_its_events(
    client: Client, cast: Cast, recordset: dict[str, Any], run_jobs: RunJobs, runtime: Runtime
) -> None:
    job = await export(client, cast.owner, run_jobs, recordset)
    told = await event_types(runtime, cast.acme, entity_id=UUID(job["job_id"]))
    assert told == ["export.requested", "export.completed"]


@pytest.mark.parametrize(
    "body",
    [{}, {"recordset_id": "inns", "format": "exe"}, {"recordset_id": "inns", "fields": ["No Key"]}, {"more": 1}],
)
async def test_bad_input_is_refused(client: Client, cast: Cast, recordset: dict[str, Any], body: Any) -> None:
    assert refusal(await client.as_(cast.owner).post("/api/v1/export", json=body)) == (422, "validation_failed")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_texts_that_a_spreadsheet_would_run_are_made_harmless(text: str) -> None:
    assert guard_formula(text) == f"'{text}"
    assert guarded_cell(TYPES["text"], text) == f"'{text}"


def test_numbers_stay_numbers() -> None:
    values: list[tuple[str, Any]] = [("number", -5), ("number", 1.5), ("text", None), ("boolean", True)]
    assert [guarded_cell(TYPES[name], value) for name, value in values] == ["-5", "1.5", "", "true"]
    assert guarded_cell(TYPES["json"], {"a": 1}) == '{"a":1}'
    assert guarded_cell(TYPES["multi_select"], ["=1", "b"]) == "'=1; b"
