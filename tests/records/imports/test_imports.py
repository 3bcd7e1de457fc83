"""Imports: a file becomes a recordset, or goes into one; every row once, and the bad ones told."""

from __future__ import annotations

import csv
import io
from collections.abc import Awaitable, Callable
from uuid import UUID

import httpx2

from fostr.domains.records.imports import loading
from fostr.kernel.runtime import Runtime
from tests.support.airports import create_airports
from tests.support.cast import Cast
from tests.support.client import Client, refusal
from tests.support.events import event_types
from tests.support.imports import AIRPORTS, IMPORT, rows_of, run_import, start_import, upload
from tests.support.records import create_record, create_recordset, grant

RunJobs = Callable[[], Awaitable[None]]


async def test_a_real_file_becomes_a_mapped_searchable_recordset(
    client: Client, cast: Cast, run_jobs: RunJobs, runtime: Runtime
) -> None:
    member = client.as_(cast.member)
    found = await upload(member, "airports.csv", AIRPORTS)
    assert (found["total_rows"], found["size"], found["source"]["delimiter"]) == (3376, len(AIRPORTS), ",")
    assert found["map"] == {"lat_column": "latitude", "lng_column": "longitude"}
    assert [c["type"] for c in found["columns"]] == ["text"] * 5 + ["number"] * 2
    assert len(found["sample_rows"]) == 10
    started = await start_import(member, found, name="US airports")
    recordset = (await member.get(f"/api/v1/recordsets/{started['recordset_slug']}")).json()
    assert (started["status"], recordset["mode"], recordset["record_count"]) == ("queued", "map", 0)
    assert (recordset["settings"]["map"]["lat_field"], recordset["owner_id"]) == (
        "latitude",
        str(cast.member.member_id),
    )
    await run_jobs()

    job = (await member.get(started["status_url"])).json()
    assert (job["status"], job["progress"], job["imported_rows"], job["failed_rows"]) == ("completed", 100, 3376, 0)
    assert (job["is_settled"], job["has_report"], job["makes_recordset"]) == (True, False, True)
    rows = await rows_of(runtime, cast.acme, started["recordset_id"])
    expected = list(csv.DictReader(io.StringIO(AIRPORTS.decode())))
    assert [row["import_row"] for row in rows] == list(range(1, 3377))
    assert {row["import_id"] for row in rows} == {UUID(started["import_id"])}
    for row, line in zip(rows, expected, strict=True):
        lat, lng = float(line["latitude"]), float(line["longitude"])
        assert row["field_values"] == {**line, "latitude": lat, "longitude": lng}
        assert row["geometry"] == {"type": "Point", "coordinates": [lng, lat]}
        assert (row["title"], row["geometry_type"], row["document"] is None) == (line["iata"], "Point", False)
    recordset = (await member.get(f"/api/v1/recordsets/{started['recordset_slug']}")).json()
    assert recordset["record_count"] == 3376
    listed = await member.get("/api/v1/records", params={"recordset_id": started["recordset_id"], "search": "moffett"})
    assert listed.status_code == 200
    assert await event_types(runtime, cast.acme, entity_id=UUID(started["recordset_id"])) == [
        "recordset.created",
        "record.imported",
    ]


async def test_what_was_guessed_wrong_can_be_said(
    client: Client, cast: Cast, run_jobs: RunJobs, runtime: Runtime
) -> None:
    member = client.as_(cast.member)
    found = await upload(
        member, "prices.csv", "Plz;Preis;Tag;Rest\n01067;1.234,50;01.02.2024;x\n99999;2,5;03.04.2024;y\n"
    )
    columns = {c["name"]: c for c in found["columns"]}
    assert (columns["Plz"]["type"], columns["Preis"]["decimal"], columns["Tag"]["date_order"]) == ("text", ",", "dmy")
    assert [note["code"] for note in found["notes"]] == ["date_order_uncertain"]
    fields = [
        {"column": "Preis", "name": "Price", "key": "price", "type": "currency", "options": {"currency": "EUR"}},
        {"column": "Tag", "date_order": "mdy"},
        {"column": "Plz"},
    ]
    started = await start_import(member, found, fields=fields)
    await run_jobs()
    rows = await rows_of(runtime, cast.acme, started["recordset_id"])
    assert [row["field_values"] for row in rows] == [
        {"price": 1234.5, "tag": "2024-01-02", "plz": "01067"},
        {"price": 2.5, "tag": "2024-03-04", "plz": "99999"},
    ]
    recordset = (await member.get(f"/api/v1/recordsets/{started['recordset_slug']}")).json()
    assert (recordset["name"], recordset["mode"]) == ("prices", "table")
    assert [(f["key"], f["name"], f["type"]) for f in recordset["fields"]] == [
        ("price", "Price", "currency"),
        ("tag", "Tag", "date"),
        ("plz", "Plz", "text"),
    ]


async def test_bad_rows_are_left_out_and_told(client: Client, cast: Cast, run_jobs: RunJobs, runtime: Runtime) -> None:
    owner = client.as_(cast.owner)
    content = 'name,size\nok,1\nbad,"=1+1"\nlong,2,3\n\nshort\nok2,5\n'
    fields = [{"column": "name"}, {"column": "size", "type": "number"}]
    job = await run_import(owner, run_jobs, content, fields=fields)
    assert (job["imported_rows"], job["failed_rows"], job["has_report"]) == (3, 2, True)
    assert job["faults"] == [
        {"column": "", "reason": "has 3 cells, and the header has 2", "count": 1, "first_row": 3},
        {"column": "size", "reason": "is not a number", "count": 1, "first_row": 2},
    ]
    rows = await rows_of(runtime, cast.acme, job["recordset_id"])
    assert [(row["import_row"], row["field_values"]) for row in rows] == [
        (1, {"name": "ok", "size": 1}),
        (5, {"name": "short"}),
        (6, {"name": "ok2", "size": 5}),
    ]
    address = await owner.get(f"{IMPORT}/jobs/{job['job_id']}/report-url")
    for url in (job["report_url"], address.json()["url"]):
        report = await client.anonymous().get(url.removeprefix("http://fostr.test"))
        assert report.headers["content-type"] == "text/csv; charset=utf-8"
        assert list(csv.reader(io.StringIO(report.content.decode("utf-8-sig")))) == [
            ["row", "column", "value", "reason"],
            ["2", "size", "'=1+1", "is not a number"],
            ["3", "", "3", "has 3 cells, and the header has 2"],
        ]


async def test_a_report_is_for_whoever_holds_its_address(client: Client, cast: Cast, run_jobs: RunJobs) -> None:
    owner = client.as_(cast.owner)
    fields = [{"column": "size", "type": "number"}]
    job = await run_import(owner, run_jobs, "size\nx\n", fields=fields)
    other = await run_import(owner, run_jobs, "size\n1\n", fields=fields)
    path, _, query = job["report_url"].removeprefix("http://fostr.test").partition("?")
    anybody = client.anonymous()
    assert (await anybody.get(f"{path}?{query}")).status_code == 200
    expiry, signature = (part.partition("=")[2] for part in query.split("&"))
    for params in (
        {"exp": expiry, "sig": signature[:-1]},
        {"exp": str(int(expiry) + 1), "sig": signature},
        {"exp": expiry, "sig": "é"},
    ):
        assert refusal(await anybody.get(path, params=params)) == (403, "signature_invalid")
    foreign = path.replace(job["job_id"], other["job_id"])
    assert refusal(await anybody.get(f"{foreign}?{query}")) == (403, "signature_invalid")
    assert refusal(await owner.get(f"{IMPORT}/jobs/{other['job_id']}/report-url")) == (404, "report_not_found")


async def test_a_file_goes_into_a_recordset_that_there_is(
    client: Client, cast: Cast, run_jobs: RunJobs, runtime: Runtime
) -> None:
    owner = client.as_(cast.owner)
    recordset = await create_airports(client, cast)
    await create_record(owner, recordset, {"name": "Moffett"})
    found = await upload(owner, "more.csv", "Airport;Height;Lat;Lng;Other\nBern;510,5;46,95;7,45;x\n;1;2;3;y\n")
    mappings = {"Airport": "name", "Height": "elevation", "Lat": "lat", "Lng": {"field": "lng", "decimal": ","}}
    response = await owner.post(
        f"{IMPORT}/recordsets/{recordset['slug']}", json={"file_uri": found["file_uri"], "field_mappings": mappings}
    )
    assert response.status_code == 200, response.text
    await run_jobs()
    job = (await owner.get(response.json()["status_url"])).json()
    assert (job["imported_rows"], job["failed_rows"], job["makes_recordset"]) == (1, 1, False)
    assert [(f["column"], f["reason"]) for f in job["faults"]] == [("Airport", "is required")]
    (row,) = [r for r in await rows_of(runtime, cast.acme, recordset["id"]) if r["import_row"]]
    assert row["field_values"] == {"name": "Bern", "elevation": 510.5, "lat": 46.95, "lng": 7.45}
    assert (row["title"], row["geometry"]) == ("Bern", {"type": "Point", "coordinates": [7.45, 46.95]})
    shown = (await owner.get(f"/api/v1/recordsets/{recordset['slug']}")).json()
    assert shown["record_count"] == 2


async def test_mappings_are_checked_before_anything_happens(client: Client, cast: Cast) -> None:
    recordset = await create_airports(client, cast)
    await grant(client.as_(cast.owner), recordset, cast.member, "can_create")
    member = client.as_(cast.member)
    found = await upload(member, "more.csv", "a,b\n1,2\n")
    path = f"{IMPORT}/recordsets/{recordset['id']}"

    async def start(**mappings: str) -> tuple[int, str]:
        return refusal(await member.post(path, json={"file_uri": found["file_uri"], "field_mappings": mappings}))

    assert await start(c="name") == (422, "column_unknown")
    assert await start(a="nothing") == (422, "field_unknown")
    assert await start(a="secret") == (422, "field_unknown")
    assert await start(a="name", b="code") == (403, "field_read_only")
    assert await start(a="name", b="name") == (422, "mapping_duplicate")
    assert await start(a="city") == (422, "required_field_unmapped")
    nobody = {"file_uri": "upload:0192f0c1-a2b3-7c4d-8e9f-001122334455", "field_mappings": {"a": "name"}}
    assert refusal(await member.post(path, json=nobody)) == (404, "file_not_found")
    new = {"file_uri": found["file_uri"], "fields": [{"column": "a"}, {"column": "a"}]}
    assert refusal(await member.post(IMPORT, json=new)) == (422, "mapping_duplicate")
    new["fields"] = [{"column": "z"}]
    assert refusal(await member.post(IMPORT, json=new)) == (422, "column_unknown")
    new = {"file_uri": found["file_uri"], "fields": [{"column": "a", "type": "autonumber"}]}
    assert refusal(await member.post(IMPORT, json=new)) == (422, "field_unknown")


async def test_who_may_import_what(client: Client, cast: Cast) -> None:
    owner, member, viewer = (client.as_(person) for person in (cast.owner, cast.member, cast.viewer))
    found = await upload(member, "x.csv", "a\n1\n")
    theirs = await create_recordset(owner, name="Theirs", fields=[{"name": "a", "type": "text", "key": "a"}])
    body = {"file_uri": found["file_uri"], "field_mappings": {"a": "a"}}
    path = f"{IMPORT}/recordsets/{theirs['slug']}"
    assert refusal(await viewer.post(f"{IMPORT}/upload", files={"file": ("x.csv", b"a\n1\n")})) == (403, "forbidden")
    assert refusal(await member.post(path, json=body)) == (404, "recordset_not_found")
    await grant(owner, theirs, cast.member, "can_view")
    assert refusal(await member.post(path, json=body)) == (403, "recordset_action_forbidden")
    await grant(owner, theirs, cast.member, "can_create")
    assert (await member.post(path, json=body)).status_code == 200
    assert (await owner.post(path, json=body)).status_code == 200, "administrators reach everybody's files"
    other = await upload(owner, "y.csv", "a\n1\n")
    assert refusal(await member.post(path, json={**body, "file_uri": other["file_uri"]})) == (404, "file_not_found")
    stranger = client.as_(cast.stranger)
    assert refusal(await stranger.post(path, json=body)) == (404, "recordset_not_found")
    assert refusal(await stranger.post(IMPORT, json={"file_uri": found["file_uri"]})) == (404, "file_not_found")
    analyze = {"file_uri": found["file_uri"]}
    assert refusal(await stranger.post(f"{IMPORT}/upload/analyze", json=analyze)) == (404, "file_not_found")


async def test_rights_that_are_taken_away_end_an_import(
    client: Client, cast: Cast, run_jobs: RunJobs, runtime: Runtime
) -> None:
    owner, member = client.as_(cast.owner), client.as_(cast.member)
    theirs = await create_recordset(owner, name="Theirs", fields=[{"name": "a", "type": "text", "key": "a"}])
    await grant(owner, theirs, cast.member, "can_create")
    found = await upload(member, "x.csv", "a\n1\n")
    body = {"file_uri": found["file_uri"], "field_mappings": {"a": "a"}}
    started = (await member.post(f"{IMPORT}/recordsets/{theirs['slug']}", json=body)).json()
    await grant(owner, theirs, cast.member, "can_view")
    await run_jobs()
    job = (await member.get(started["status_url"])).json()
    assert (job["status"], job["error"]["code"], job["is_settled"]) == ("failed", "recordset_action_forbidden", True)
    assert await rows_of(runtime, cast.acme, theirs["id"]) == []


async def test_a_file_can_be_sent_to_a_signed_address(client: Client, cast: Cast, run_jobs: RunJobs) -> None:
    member = client.as_(cast.member)
    signed = (await member.post(f"{IMPORT}/upload/signed-url", json={"filename": "airports.csv"})).json()
    analyze = {"file_uri": signed["file_uri"]}
    assert refusal(await member.post(f"{IMPORT}/upload/analyze", json=analyze)) == (404, "file_not_found")
    address = signed["upload_url"].removeprefix("http://fostr.test")
    assert (await client.anonymous().put(address, content=AIRPORTS)).status_code == 201
    assert refusal(await client.anonymous().put(address, content=b"a\n1\n")) == (409, "file_exists")
    found = (await member.post(f"{IMPORT}/upload/analyze", json=analyze)).json()
    assert (found["total_rows"], found["filename"]) == (3376, "airports.csv")
    started = await start_import(member, found)
    await run_jobs()
    assert (await member.get(f"{IMPORT}/status/{started['job_id']}")).json() == {
        "job_id": started["job_id"],
        "status": "completed",
        "progress": 100,
        "recordset_id": started["recordset_id"],
        "total_rows": 3376,
        "imported_rows": 3376,
        "failed_rows": 0,
        "error": None,
    }


async def test_a_file_is_read_again_as_it_is_said(client: Client, cast: Cast) -> None:
    member = client.as_(cast.member)
    found = await upload(member, "x.csv", "a,b\nZo\xeb,1\n".encode("latin-1"), delimiter=";")
    assert [c["name"] for c in found["columns"]] == ["a,b"]
    options = {"encoding": "windows-1251", "delimiter": ",", "has_header": False}
    again = await member.post(f"{IMPORT}/upload/analyze", json={"file_uri": found["file_uri"], "options": options})
    assert [c["name"] for c in again.json()["columns"]] == ["column_1", "column_2"]
    assert again.json()["sample_rows"] == [["a", "b"], ["Zoл", "1"]]


async def test_fields_that_change_under_way_are_followed(
    client: Client, cast: Cast, run_jobs: RunJobs, runtime: Runtime
) -> None:
    """The job reads the recordset when it runs, and again when it finds another version of it."""
    owner = client.as_(cast.owner)
    found = await upload(owner, "x.csv", "a,b\n1,2\n")
    started = await start_import(owner, found)
    path = f"/api/v1/recordsets/{started['recordset_slug']}"
    changed = await owner.patch(path, json={"fields": [{"key": "a", "is_promoted": False}]})
    assert changed.status_code == 200, changed.text
    await run_jobs()
    (row,) = await rows_of(runtime, cast.acme, started["recordset_id"])
    assert row["field_values"] == {"a": 1, "b": 2}

    started = await start_import(owner, found)
    path = f"/api/v1/recordsets/{started['recordset_slug']}"
    assert (await owner.patch(path, json={"remove_fields": ["b"]})).status_code == 200
    await run_jobs()
    job = (await owner.get(started["status_url"])).json()
    assert (job["status"], job["error"]["code"], job["is_settled"]) == ("failed", "import_fields_gone", True)


async def test_a_recordset_that_is_deleted_ends_an_import(client: Client, cast: Cast, run_jobs: RunJobs) -> None:
    owner = client.as_(cast.owner)
    started = await start_import(owner, await upload(owner, "x.csv", "a,b\n1,2\n"))
    deleted = await owner.delete(f"/api/v1/recordsets/{started['recordset_slug']}")
    assert deleted.status_code in (200, 204), deleted.text
    await run_jobs()
    job = (await owner.get(started["status_url"])).json()
    assert (job["status"], job["error"]["code"]) == ("failed", "recordset_not_found")


async def test_progress_is_streamed_and_resumed(client: Client, cast: Cast, run_jobs: RunJobs) -> None:
    member = client.as_(cast.member)
    started = await start_import(member, await upload(member, "airports.csv", AIRPORTS))
    await run_jobs()
    whole = await member.get(started["stream_url"])
    assert whole.headers["content-type"].startswith("text/event-stream")
    events = read_events(whole)
    assert [int(event["id"]) for event in events] == list(range(1, len(events) + 1))
    assert (events[0]["event"], events[-1]["event"]) == ("queued", "completed")
    rest = await member.get(started["stream_url"], headers={"Last-Event-ID": events[1]["id"]})
    assert read_events(rest) == events[2:]
    stranger = client.as_(cast.stranger)
    assert refusal(await stranger.get(started["stream_url"])) == (404, "job_not_found")


def read_events(response: httpx2.Response) -> list[dict[str, str]]:
    blocks = [block for block in response.text.split("\n\n") if block and not block.startswith(":")]
    return [dict(line.split(": ", 1) for line in block.split("\n")) for block in blocks]


async def test_more_rows_than_a_batch_keep_their_order(
    client: Client, cast: Cast, run_jobs: RunJobs, runtime: Runtime
) -> None:
    count = loading.BATCH_ROWS * 2 + 1
    content = "n,t\n" + "".join(f"{number},row {number}\n" for number in range(1, count + 1))
    job = await run_import(client.as_(cast.owner), run_jobs, content)
    rows = await rows_of(runtime, cast.acme, job["recordset_id"])
    assert [row["field_values"]["n"] for row in rows] == list(range(1, count + 1))
    assert [row["id"] for row in rows] == sorted(row["id"] for row in rows)
    assert all(row["document"] for row in rows)


async def test_other_formats_are_imported_alike(
    client: Client, cast: Cast, run_jobs: RunJobs, runtime: Runtime
) -> None:
    owner = client.as_(cast.owner)
    features = (
        b'{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"name":"Bern","uses":["a","b"]},'
        b'"geometry":{"type":"Point","coordinates":[7.45,46.95]}},{"type":"Feature","properties":{"name":"Nowhere"},'
        b'"geometry":{"type":"Point","coordinates":[999,0]}}]}'
    )
    started = await start_import(owner, await upload(owner, "cities.geojson", features))
    lines = b'{"name":"Zo\xc3\xab","size":2.5}\n{"name":"Max"}\n'
    second = await start_import(owner, await upload(owner, "people.ndjson", lines))
    await run_jobs()
    (city,) = await rows_of(runtime, cast.acme, started["recordset_id"])
    assert city["geometry"] == {"type": "Point", "coordinates": [7.45, 46.95]}
    assert (city["geometry_type"], city["field_values"]["uses"]) == ("Point", ["a", "b"])
    job = (await owner.get(started["status_url"])).json()
    assert (job["failed_rows"], job["faults"][0]["reason"]) == (1, "has a position outside of the world")
    people = await rows_of(runtime, cast.acme, second["recordset_id"])
    assert [row["field_values"] for row in people] == [{"name": "Zoë", "size": 2.5}, {"name": "Max"}]
