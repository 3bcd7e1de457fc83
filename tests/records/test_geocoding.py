"""Places of records: geocoders over a socket and offline, doubt, memory, and who may ask."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx2
import pytest
from pydantic import SecretStr

from fostr.app import create_app
from fostr.kernel.jobs.worker import drain
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast
from tests.support.client import BASE, Client, refusal
from tests.support.events import event_types
from tests.support.records import create_record, create_recordset, grant

RunJobs = Callable[[], Awaitable[None]]

FIELDS = [
    {"name": "Street", "type": "text"},
    {"name": "City", "type": "text"},
    {"name": "State", "type": "text"},
    {"name": "Zip", "type": "text"},
    {"name": "Lat", "type": "number"},
    {"name": "Lng", "type": "number"},
]
PARTS = {"street": "street", "city": "city", "state": "state", "postal_code": "zip"}
MAP = {"map": {"lat_field": "lat", "lng_field": "lng"}}


@dataclass
class Geocoders:
    """A server that answers as Google and Nominatim do.

    Attributes:
        asked: how often which of them was asked for which address.
    """

    port: int = 0
    asked: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    broken: set[str] = field(default_factory=set[str])

    def google(self, address: str) -> tuple[int, Any]:
        if "google" in self.broken:
            return 200, {"status": "OVER_QUERY_LIMIT", "results": []}
        if "Main" not in address:
            return 200, {"status": "ZERO_RESULTS", "results": []}
        geometry = {"location": {"lat": 40.5, "lng": -100.25}, "location_type": "ROOFTOP"}
        result = {"geometry": geometry, "formatted_address": "1 Main St, North", "types": ["street_address"]}
        return 200, {"status": "OK", "results": [result]}

    def nominatim(self, address: str) -> tuple[int, Any]:
        if "nominatim" in self.broken:
            return 500, {}
        if "Side" not in address:
            return 200, []
        found = {"lat": "41.5", "lon": "-101.5", "place_rank": 26, "type": "residential", "display_name": "Side St"}
        return 200, [found]


@contextmanager
def serve_geocoders() -> Generator[Geocoders]:
    geocoders = Geocoders()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = parse_qs(parts.query)
            is_google = parts.path == "/maps/api/geocode/json"
            address = query["address" if is_google else "q"][0]
            geocoders.asked["google" if is_google else "nominatim", address] += 1
            status, answer = geocoders.google(address) if is_google else geocoders.nominatim(address)
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    geocoders.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield geocoders
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass(frozen=True)
class Asking:
    """A client of an application with both geocoders, and the server that they are."""

    client: Client
    runtime: Runtime
    geocoders: Geocoders


@asynccontextmanager
async def open_asking(runtime: Runtime, client: Client) -> AsyncGenerator[Asking]:
    with serve_geocoders() as geocoders:
        address = f"http://127.0.0.1:{geocoders.port}"
        changes = {"google_maps_key": SecretStr("a-key"), "google_maps_url": address, "nominatim_url": address}
        asking = replace(runtime, settings=runtime.settings.model_copy(update=changes))
        app = create_app(asking.settings, runtime=asking, lazily=True)
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=BASE) as inner:
            yield Asking(Client(inner, client.checker, {}), asking, geocoders)


@pytest.fixture
async def asking(runtime: Runtime, client: Client) -> AsyncGenerator[Asking]:
    async with open_asking(runtime, client) as opened:
        yield opened


@pytest.fixture
async def recordset(client: Client, cast: Cast) -> dict[str, Any]:
    made = await create_recordset(client.as_(cast.owner), fields=FIELDS, settings=MAP)
    await grant(client.as_(cast.owner), made, cast.member, "can_view", "can_edit")
    await grant(client.as_(cast.owner), made, cast.viewer, "can_view")
    return made


async def start(client: Client, recordset: dict[str, Any], **body: Any) -> str:
    response = await client.post(
        "/api/v1/geocode", json={"recordset_id": recordset["slug"], "address_fields": PARTS, **body}
    )
    assert response.status_code == 200, response.text
    return response.json()["job_id"]


async def job_of(client: Client, job_id: str) -> dict[str, Any]:
    return (await client.get(f"/api/v1/geocode/jobs/{job_id}")).json()


async def values_of(client: Client, record: dict[str, Any]) -> dict[str, Any]:
    return (await client.get(f"/api/v1/records/{record['id']}")).json()["field_values"]


async def places_of(client: Client, recordset: dict[str, Any], **params: Any) -> list[dict[str, Any]]:
    answer = await client.get("/api/v1/geocode/places", params={"recordset_id": recordset["slug"], **params})
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def test_postal_codes_and_cities_without_a_network(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any], run_jobs: RunJobs
) -> None:
    member = client.as_(cast.member)
    by_zip = await create_record(
        client.as_(cast.owner), recordset, {"city": "Livingston", "state": "TX", "zip": "77351"}
    )
    by_city = await create_record(client.as_(cast.owner), recordset, {"city": "Portland", "state": "Oregon"})
    doubtful = await create_record(client.as_(cast.owner), recordset, {"city": "Springfield"})
    placed = await create_record(client.as_(cast.owner), recordset, {"city": "Paris", "lat": 1.0, "lng": 2.0})
    unknown = await create_record(client.as_(cast.owner), recordset, {"city": "Xyzzy"})
    empty = await create_record(client.as_(cast.owner), recordset, {})
    job_id = await start(member, recordset)
    await run_jobs()
    job = await job_of(member, job_id)
    assert (job["status"], job["found"], job["unknown"], job["skipped"]) == ("completed", 3, 1, 1), job
    values = await values_of(member, by_zip)
    assert (round(values["lat"], 1), round(values["lng"], 1)) == (30.7, -94.9)
    assert (values["city"], values["zip"]) == ("Livingston", "77351")
    assert round((await values_of(member, by_city))["lng"]) == -123
    assert (await values_of(member, placed))["lat"] == 1.0
    assert "lat" not in await values_of(member, unknown)
    assert "lat" not in await values_of(member, empty)
    doubts = await places_of(member, recordset, needs_review=True)
    assert [(entry["record_id"], entry["geocoder"]) for entry in doubts] == [
        (doubtful["id"], "offline"),
        (unknown["id"], None),
    ]
    in_box = await member.get(
        "/api/v1/records/map", params={"recordset_id": recordset["slug"], "bbox": "-96,30,-94,31"}
    )
    assert by_zip["id"] in in_box.text
    told = await event_types(runtime, cast.acme, entity_id=UUID(job_id))
    assert told == ["geocoding.requested", "geocoding.completed"]
    in_bulk = await event_types(runtime, cast.acme, entity_id=UUID(recordset["id"]))
    assert in_bulk.count("records.updated") == 1


async def test_the_surest_of_several_is_taken(asking: Asking, cast: Cast, recordset: dict[str, Any]) -> None:
    owner = asking.client.as_(cast.owner)
    main = await create_record(owner, recordset, {"street": "1 Main St", "city": "Xyzzy"})
    side = await create_record(owner, recordset, {"street": "2 Side St", "city": "Xyzzy"})
    zipped = await create_record(owner, recordset, {"street": "3 Far St", "zip": "77351"})
    await start(owner, recordset)
    await drain(asking.runtime)
    found = {entry["record_id"]: entry for entry in await places_of(owner, recordset)}
    assert [found[record["id"]]["geocoder"] for record in (main, side, zipped)] == ["google", "nominatim", "offline"]
    assert found[main["id"]]["precision"] == "address"
    assert found[main["id"]]["address"] == "1 Main St, Xyzzy"
    assert (await values_of(owner, side))["lng"] == -101.5


async def test_an_answer_is_remembered(asking: Asking, cast: Cast, recordset: dict[str, Any]) -> None:
    owner, city = asking.client.as_(cast.owner), cast.acme.hex
    for street in ("1 Main St", "1  MAIN st", "4 Nowhere"):
        await create_record(owner, recordset, {"street": street, "city": city})
    for _ in range(2):
        await start(owner, recordset, geocoders=["google"], overwrite=True)
        await drain(asking.runtime)
    # What other tests have left to be asked for may be asked for here.
    ours = {asked: count for asked, count in asking.geocoders.asked.items() if city in asked[1]}
    assert ours == {("google", f"1 Main St, {city}"): 1, ("google", f"4 Nowhere, {city}"): 1}


async def test_a_geocoder_that_fails_is_left_out(asking: Asking, cast: Cast, recordset: dict[str, Any]) -> None:
    owner = asking.client.as_(cast.owner)
    record = await create_record(owner, recordset, {"street": "1 Main St", "zip": "77351"})
    asking.geocoders.broken = {"google", "nominatim"}
    job_id = await start(owner, recordset)
    await drain(asking.runtime)
    assert (await job_of(owner, job_id))["found"] == 1
    assert (await places_of(owner, recordset))[0]["geocoder"] == "offline"
    assert round((await values_of(owner, record))["lat"]) == 31
    job_id = await start(owner, recordset, geocoders=["google"], overwrite=True)
    await drain(asking.runtime)
    job = await job_of(owner, job_id)
    assert job["error"]["code"] == "geocoders_refused", job


async def test_what_was_changed_meanwhile_stays(
    client: Client, cast: Cast, recordset: dict[str, Any], run_jobs: RunJobs
) -> None:
    owner = client.as_(cast.owner)
    record = await create_record(owner, recordset, {"city": "Paris", "state": "TX"})
    await start(owner, recordset)
    # Between asking and the job, somebody puts it elsewhere by hand.
    await owner.patch(f"/api/v1/records/{record['id']}", json={"field_values": {"lat": 5, "lng": 6}})
    await run_jobs()
    assert (await values_of(owner, record))["lat"] == 5
    assert await places_of(owner, recordset) == []


async def test_a_person_looks_at_a_place(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any], run_jobs: RunJobs
) -> None:
    member = client.as_(cast.member)
    first = await create_record(client.as_(cast.owner), recordset, {"city": "Springfield"})
    second = await create_record(client.as_(cast.owner), recordset, {"city": "Springfield"})
    await start(member, recordset)
    await run_jobs()
    path = "/api/v1/geocode/places/{}/review"
    accepted = await member.post(path.format(first["id"]), json={})
    assert (accepted.status_code, accepted.json()["needs_review"]) == (200, False)
    moved = await member.post(path.format(second["id"]), json={"lat": 39.8, "lng": -89.64})
    assert (moved.json()["lat"], moved.json()["reviewed_by"]) == (39.8, str(cast.member.member_id))
    assert await values_of(member, second) == {"city": "Springfield", "lat": 39.8, "lng": -89.64}
    assert await places_of(member, recordset, needs_review=True) == []
    assert refusal(await client.as_(cast.viewer).post(path.format(first["id"]), json={}))[0] == 403
    assert refusal(await client.as_(cast.stranger).post(path.format(first["id"]), json={}))[0] == 404
    assert refusal(await member.post(path.format(first["id"]), json={"lat": 1})) == (422, "validation_failed")
    told = await event_types(runtime, cast.acme, entity_id=UUID(second["id"]))
    assert told == ["record.created", "record.updated", "record.place_reviewed"]


async def test_who_may_search(client: Client, cast: Cast, recordset: dict[str, Any], run_jobs: RunJobs) -> None:
    body = {"recordset_id": recordset["slug"], "address_fields": ["city"]}
    assert refusal(await client.as_(cast.viewer).post("/api/v1/geocode", json=body))[0] == 403
    assert refusal(await client.as_(cast.stranger).post("/api/v1/geocode", json=body)) == (404, "recordset_not_found")
    job_id = await start(client.as_(cast.member), recordset)
    await run_jobs()
    assert (await job_of(client.as_(cast.admin), job_id))["job_id"] == job_id
    assert refusal(await client.as_(cast.stranger).get(f"/api/v1/geocode/jobs/{job_id}")) == (404, "job_not_found")
    listed = (await client.as_(cast.member).get("/api/v1/geocode/jobs", params={"status": "completed"})).json()
    assert [job["job_id"] for job in listed["items"]] == [job_id]
    assert (await client.as_(cast.member).get("/api/v1/geocode/jobs", params={"status": "failed"})).json()["total"] == 0
    stream = await client.as_(cast.member).get(f"/api/v1/geocode/jobs/{job_id}/stream")
    assert "event: completed" in stream.text


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"geocoders": ["google"]}, 503, "geocoder_not_configured"),
        ({"address_fields": ["nothing"]}, 422, "field_unknown"),
        ({"address_fields": []}, 422, "validation_failed"),
        ({"address_fields": {}}, 422, "validation_failed"),
        ({"lat_field": "lat"}, 422, "validation_failed"),
        ({"lat_field": "city", "lng_field": "lng"}, 422, "settings_invalid"),
        ({"location_field": "nothing"}, 422, "field_unknown"),
        ({"column_filters": {"nothing": 1}}, 422, "filter_invalid"),
    ],
    ids=str,
)
async def test_bad_input_is_refused(
    client: Client, cast: Cast, recordset: dict[str, Any], changes: dict[str, Any], status: int, code: str
) -> None:
    body = {"recordset_id": recordset["slug"], "address_fields": ["city"], **changes}
    assert refusal(await client.as_(cast.owner).post("/api/v1/geocode", json=body)) == (status, code)
    assert (await client.as_(cast.owner).get("/api/v1/geocode/jobs")).json()["total"] == 0
