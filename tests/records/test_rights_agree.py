"""Whatever rights are drawn, every surface agrees with a plain reading of them, and none tells a byte more.

A surface is a function with `@surface`: it asks the API as somebody, and returns what came of it; beside it stands what
the plain reading expects. All answers are searched for values that the asker may not know.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from uuid import UUID

import mapbox_vector_tile
import orjson
from hypothesis import HealthCheck, Phase, given, settings

from fostr.domains.records import public
from fostr.kernel.events.visibility import Seen
from fostr.kernel.ids import new_id
from fostr.kernel.jobs.behalf import act_as_member
from fostr.kernel.runtime import Runtime
from tests.support.airports import RECORDS, as_json
from tests.support.client import Client, Response
from tests.support.rights import EVERYBODY, INSIDERS, MASKED, STATES, DrawnRights, World, build, draw_rights
from tests.support.seeing import see_all, write

RunJobs: TypeAlias = Callable[[], Awaitable[None]]


@dataclass
class Asker:
    """Somebody who asks, and the answers of which are looked into."""

    world: World
    name: str
    client: Client
    export: Response | None = None

    @property
    def recordset_id(self) -> str:
        return self.world.recordset["id"]

    async def send(self, method: str, path: str, **options: Any) -> Response:
        response = await self.client.request(method, path, **options)
        self.look(response.text, where=f"{method} {path} {options}")
        return response

    def look(self, text: str, *, where: str) -> None:
        told = sorted(secret for secret in self.world.secrets(self.name) if secret in text)
        assert not told, f"{self.name} was told {told} by {where}: {text}"

    async def get(self, path: str, **params: Any) -> Response:
        return await self.send("GET", path, params=params)

    async def post(self, path: str, **body: Any) -> Response:
        return await self.send("POST", path, json=body)

    async def list(self, **params: Any) -> Any:
        """Return the ids of a list of the recordset's records and its total, or the status of a refusal."""
        return listed(await self.get(RECORDS, recordset_id=self.recordset_id, **params))

    async def of_each(self, ask: Callable[[str], Awaitable[Response]]) -> list[int]:
        """Return the statuses with which a question about each record is answered."""
        return [(await ask(record_id)).status_code for record_id in self.world.ids]


def listed(response: Response) -> Any:
    if response.status_code != 200:
        return response.status_code
    page = response.json()
    return {item["id"] for item in page["items"]}, page["total"]


Ask: TypeAlias = Callable[[Asker], Awaitable[Any]]
Expect: TypeAlias = Callable[[World, str], Any]
SURFACES: Final[list[tuple[Ask, Expect]]] = []


def surface(expect: Expect) -> Callable[[Ask], Ask]:
    def register(ask: Ask) -> Ask:
        SURFACES.append((ask, expect))
        return ask

    return register


def page_of(ids: set[str]) -> tuple[set[str], int]:
    return ids, len(ids)


def seen_page(world: World, name: str) -> Any:
    return page_of(world.seen(name)) if world.enters(name) else 404


def seen_ids(world: World, name: str) -> Any:
    return world.seen(name) if world.enters(name) else 404


def seen_anywhere(world: World, name: str) -> Any:
    return page_of(world.seen(name))


def trash_page(world: World, name: str) -> Any:
    if not world.enters(name):
        return 404
    return page_of(world.trash(name)) if world.may_own(name, "delete") else 403


def opens(world: World, name: str) -> list[int]:
    return [200 if record_id in world.seen(name) else 404 for record_id in world.ids]


def in_state(world: World, name: str, *states: str) -> Any:
    if not world.enters(name):
        return 404
    held = {world.ids[p] for p in world.places if world.drawn.records[p].state in states}
    return page_of(world.seen(name) & held)


def acts(action: str, *, done: int) -> Expect:
    def expect(world: World, name: str) -> list[int]:
        seen = world.seen(name)
        return [
            (done if world.may(name, action, place) else 403) if world.ids[place] in seen else 404
            for place in world.places
        ]

    return expect


def limited(world: World, name: str) -> Any:
    if not world.enters(name):
        return 404
    return None if world.rules_for(name, "view") else len(world.living())


# --- lists ---


@surface(seen_page)
async def ask_list(asker: Asker) -> Any:
    return await asker.list()


@surface(seen_page)
async def ask_exact_list(asker: Asker) -> Any:
    return await asker.list(count="exact", fields="name", sort_by="level,name", sort_order="desc,asc")


@surface(seen_page)
async def ask_plain_list(asker: Asker) -> Any:
    return listed(await asker.get("/api/v1/crud/records", recordset_id=asker.recordset_id))


@surface(seen_page)
async def ask_search(asker: Asker) -> Any:
    return await asker.list(search="place")


@surface(lambda world, name: in_state(world, name, "CA"))
async def ask_column_filters(asker: Asker) -> Any:
    return await asker.list(column_filters=as_json({"state": "CA"}))


@surface(lambda world, name: in_state(world, name, "TX", "NY"))
async def ask_condition(asker: Asker) -> Any:
    states = [{"field": "state", "op": "eq", "value": state} for state in STATES[1:]]
    return await asker.list(filters=as_json({"or": states}))


@surface(seen_page)
async def ask_pages(asker: Asker) -> Any:
    found, total, cursor = set[str](), 0, ""
    while True:
        params = {"cursor": cursor} if cursor else {}
        response = await asker.get(
            RECORDS, recordset_id=asker.recordset_id, page_size=2, sort_by="level", sort_order="asc", **params
        )
        if response.status_code != 200:
            return response.status_code
        page = response.json()
        found |= {item["id"] for item in page["items"]}
        total += len(page["items"])
        cursor = page.get("next_cursor")
        if not cursor:
            return found, total


@surface(seen_anywhere)
async def ask_everywhere(asker: Asker) -> Any:
    return listed(await asker.get(RECORDS))


@surface(seen_anywhere)
async def ask_search_everywhere(asker: Asker) -> Any:
    return listed(await asker.get(RECORDS, search="place"))


@surface(trash_page)
async def ask_trash(asker: Asker) -> Any:
    return await asker.list(status="deleted")


@surface(lambda world, name: page_of(world.trash(name)))
async def ask_trash_everywhere(asker: Asker) -> Any:
    return listed(await asker.get(RECORDS, status="deleted"))


# --- hidden fields ---


@surface(
    lambda world, name: [422 if key in world.hidden(name) else 200 for key in MASKED] if world.enters(name) else 404
)
async def ask_by_masked_fields(asker: Asker) -> Any:
    place, statuses = {"recordset_id": asker.recordset_id}, list[int]()
    for key in MASKED:
        one = {"field": key, "op": "empty", "value": False}
        answers = [
            await asker.get(RECORDS, **place, column_filters=as_json({key: {"empty": False}})),
            await asker.get(RECORDS, **place, filters=as_json(one)),
            await asker.get(RECORDS, **place, sort_by=key),
            await asker.get(RECORDS, **place, fields=key),
            await asker.get(f"{RECORDS}/map", **place, fields=key),
        ]
        codes = {answer.status_code for answer in answers}
        assert len(codes) == 1, [answer.text for answer in answers]
        statuses += codes
    return 404 if set(statuses) == {404} else statuses


def finds_marked(world: World, name: str) -> Any:
    if not world.enters(name):
        return 404
    # What is hidden from anybody is found by nobody.
    shown = [key for key in MASKED if not world.drawn.hidden_from[key]]
    first = world.ids[0]
    return [page_of({first} & world.seen(name) if key in shown else set()) for key in MASKED]


@surface(finds_marked)
async def ask_search_for_values(asker: Asker) -> Any:
    found = [await asker.list(search=asker.world.markers[0][key]) for key in MASKED]
    return 404 if 404 in found else found


def writes_marked(world: World, name: str) -> Any:
    place = next((p for p in world.living() if world.may(name, "edit", p)), None)
    if place is None:
        return None
    hidden, read_only = world.hidden(name), world.read_only(name)
    return [422 if key in hidden else 403 if key in read_only else 200 for key in MASKED]


@surface(writes_marked)
async def ask_to_write_fields(asker: Asker) -> Any:
    world = asker.world
    place = next((p for p in world.living() if world.may(asker.name, "edit", p)), None)
    if place is None:
        return None
    path = f"{RECORDS}/{world.ids[place]}"
    return [
        (await asker.send("PATCH", path, json={"field_values": {key: world.markers[place][key]}})).status_code
        for key in MASKED
    ]


# --- one record ---


@surface(opens)
async def ask_each(asker: Asker) -> Any:
    return await asker.of_each(lambda record_id: asker.get(f"{RECORDS}/{record_id}"))


@surface(opens)
async def ask_each_plainly(asker: Asker) -> Any:
    return await asker.of_each(lambda record_id: asker.get(f"/api/v1/crud/records/{record_id}"))


def tells_history(world: World, name: str) -> list[int]:
    """In the trash, too, a record has a history, for those who may take it out."""
    in_trash = [
        (200 if world.may(name, "delete", place) else 403) if world.sees(name, place) else 404 for place in world.places
    ]
    return [
        in_trash[place] if world.drawn.records[place].is_deleted else code
        for place, code in enumerate(opens(world, name))
    ]


@surface(tells_history)
async def ask_histories(asker: Asker) -> Any:
    return await asker.of_each(lambda record_id: asker.get(f"{RECORDS}/{record_id}/history"))


@surface(opens)
async def ask_comments(asker: Asker) -> Any:
    return await asker.of_each(lambda record_id: asker.get(f"{RECORDS}/{record_id}/comments"))


@surface(lambda world, name: [len(world.seen(name)) - 1 if code == 200 else code for code in opens(world, name)])
async def ask_links(asker: Asker) -> Any:
    found: list[int] = []
    for record_id in asker.world.ids:
        response = await asker.get(f"{RECORDS}/{record_id}/relationships")
        if response.status_code != 200:
            found.append(response.status_code)
            continue
        shown = (await asker.get(f"{RECORDS}/{record_id}")).json()["field_values"]
        linked = set(shown.get("others", []))
        assert linked == asker.world.seen(asker.name) - {record_id}
        assert len(shown.get("names", [])) == len(linked)
        # Both directions are relationships: each record links to this one, too.
        assert response.json()["total"] == 2 * len(linked)
        found.append(len(linked))
    return found


@surface(opens)
async def ask_attachments(asker: Asker) -> Any:
    return await asker.of_each(lambda record_id: asker.get(f"/api/v1/crud/records/{record_id}/attachments"))


@surface(acts("edit", done=200))
async def ask_to_edit(asker: Asker) -> Any:
    return await asker.of_each(lambda record_id: asker.send("PATCH", f"{RECORDS}/{record_id}", json={"tags": []}))


@surface(acts("delete", done=409))
async def ask_to_delete(asker: Asker) -> Any:
    # No record has this version, so nothing is deleted.
    stale = {"If-Match": '"99"'}
    return await asker.of_each(lambda record_id: asker.send("DELETE", f"{RECORDS}/{record_id}", headers=stale))


@surface(
    lambda world, name: [(403 if name == "viewer" else 201) if code == 200 else code for code in opens(world, name)]
)
async def ask_to_comment(asker: Asker) -> Any:
    return await asker.of_each(lambda record_id: asker.post(f"{RECORDS}/{record_id}/comments", text="Hm."))


# --- many records ---


def deletes_named(world: World, name: str) -> list[str]:
    seen = world.seen(name)
    words = {True: "would_be_deleted", False: "forbidden"}
    return [words[world.may(name, "delete", p)] if world.ids[p] in seen else "not_found" for p in world.places]


@surface(deletes_named)
async def ask_to_delete_named(asker: Asker) -> Any:
    response = await asker.post(f"{RECORDS}/bulk-delete", record_ids=asker.world.ids, dry_run=True)
    return [entry["result"] for entry in response.json()["results"]]


def deletes_all(world: World, name: str) -> int:
    if not world.enters(name):
        return -404
    if not world.may_all(name, "delete"):
        return -403
    return sum(world.may(name, "delete", place) for place in world.living())


@surface(deletes_all)
async def ask_to_delete_all(asker: Asker) -> Any:
    response = await asker.post(f"{RECORDS}/bulk-delete", recordset_id=asker.recordset_id, all=True, dry_run=True)
    return response.json()["matched"] if response.status_code == 200 else -response.status_code


def edits_named(world: World, name: str) -> Any:
    if not world.enters(name):
        return 404
    if not world.may_own(name, "edit"):
        return 403
    seen = world.seen(name)
    words = {True: "unchanged", False: "forbidden"}
    return [words[world.may(name, "edit", p)] if world.ids[p] in seen else "not_found" for p in world.places]


@surface(edits_named)
async def ask_to_edit_named(asker: Asker) -> Any:
    rows: list[dict[str, Any]] = [{"id": record_id, "tags": []} for record_id in asker.world.ids]
    response = await asker.post(f"{RECORDS}/bulk-update", recordset_id=asker.recordset_id, records=rows, dry_run=True)
    if response.status_code != 200:
        return response.status_code
    return [entry["result"] for entry in response.json()["results"]]


@surface(seen_ids)
async def ask_map(asker: Asker) -> Any:
    response = await asker.get(f"{RECORDS}/map", recordset_id=asker.recordset_id)
    if response.status_code != 200:
        return response.status_code
    lines = [orjson.loads(line) for line in response.text.splitlines()]
    assert lines[-1]["__meta__"] == {"count": len(lines) - 1, "truncated": False}
    return {line["id"] for line in lines[:-1]}


def seen_count(world: World, name: str) -> int:
    seen = seen_ids(world, name)
    return seen if isinstance(seen, int) else len(seen)


@surface(seen_count)
async def ask_clusters(asker: Asker) -> Any:
    response = await asker.get(f"{RECORDS}/map/clusters", recordset_id=asker.recordset_id, zoom=0)
    if response.status_code != 200:
        return response.status_code
    return sum(cluster["count"] for cluster in response.json()["clusters"])


@surface(seen_count)
async def ask_a_tile(asker: Asker) -> Any:
    response = await asker.get(f"{RECORDS}/map/tiles/0/0/0", recordset_id=asker.recordset_id, fields="name")
    if response.status_code != 200:
        return response.status_code
    read: Any = mapbox_vector_tile.decode  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    layers: Any = read(response.content) if response.content else {}
    return sum(len(layer["features"]) for layer in layers.values())


@surface(seen_page)
async def ask_by_a_view(asker: Asker) -> Any:
    path = f"/api/v1/recordsets/{asker.recordset_id}/views"
    view = await asker.post(path, name="Own", type="grid", visibility="personal")
    return await asker.list(**({"view_id": view.json()["id"]} if view.status_code == 201 else {}))


@surface(seen_ids)
async def ask_spatially(asker: Asker) -> Any:
    place = {"recordset_id": asker.recordset_id}
    response = await asker.post(f"{RECORDS}/spatial-filter", source=place, target=place)
    if response.status_code != 200:
        return response.status_code
    answer = response.json()
    assert answer["source_count"] == answer["target_count"] == len(answer["record_ids"])
    return set(answer["record_ids"])


@surface(seen_ids)
async def ask_export(asker: Asker) -> Any:
    assert asker.export is not None
    if asker.export.status_code != 200:
        return asker.export.status_code
    job = (await asker.get(f"/api/v1/export/jobs/{asker.export.json()['job_id']}")).json()
    content = (await asker.client.anonymous().get(job["download_url"])).content.decode("utf-8-sig")
    asker.look(content, where="the exported file")
    rows = list(csv.reader(io.StringIO(content, newline="")))
    assert job["rows"] == len(rows) - 1
    return {row[0] for row in rows[1:]}


def shared_rows(world: World, name: str) -> Any:
    if not world.enters(name):
        return 404
    may_publish = name in {"owner", "admin", world.drawn.owner} or "can_admin" in world.grants(name)
    return len(world.seen(name)) if may_publish and name != "viewer" else 403


@surface(shared_rows)
async def ask_by_a_shared_view(asker: Asker) -> Any:
    path = f"/api/v1/recordsets/{asker.recordset_id}/views"
    view = await asker.post(path, name="Mine", type="grid")
    if view.status_code != 201:
        return view.status_code
    link = await asker.post(f"{path}/{view.json()['id']}/share-links", allows_download=True)
    if link.status_code != 201:
        return link.status_code
    public_path = f"/api/v1/public/tables/{link.json()['token']}"
    total = 0
    for part in ("", "/rows", "/download"):
        response = await asker.client.anonymous().get(f"{public_path}{part}")
        assert response.status_code == 200, response.text
        asker.look(response.text, where=f"the shared table{part}")
        total = response.json()["total"] if part == "/rows" else total
    return total


# --- the recordset, and what others are told ---


@surface(limited)
async def ask_recordset(asker: Asker) -> Any:
    response = await asker.get(f"/api/v1/recordsets/{asker.recordset_id}")
    if response.status_code != 200:
        return response.status_code
    body = response.json()
    assert {field["key"] for field in body["fields"]} & set(MASKED) == set(MASKED) - asker.world.hidden(asker.name)
    return body["record_count"]


@surface(lambda world, name: [limited(world, name)] if world.enters(name) else [])
async def ask_recordsets(asker: Asker) -> Any:
    return [item["record_count"] for item in (await asker.get("/api/v1/recordsets")).json()["items"]]


@surface(lambda world, name: len(world.seen(name)) if name in INSIDERS else 404)
async def ask_preview(asker: Asker) -> Any:
    world = asker.world
    maker = world.client.as_(world.person(world.drawn.owner))
    body = {"member_id": str(world.person(asker.name).member_id)}
    response = await maker.post(f"/api/v1/recordsets/{asker.recordset_id}/rules/preview", json=body)
    return response.json()["count"] if response.status_code == 200 else response.status_code


def told_of(world: World, name: str) -> set[str]:
    return {world.ids[place] for place in world.places if world.sees(name, place)}


@surface(told_of)
async def ask_for_other_domains(asker: Asker) -> Any:
    world, person = asker.world, asker.world.person(asker.name)
    async with world.runtime.database.unit(person.workspace_id) as unit:
        context = await act_as_member(world.runtime, unit, member_id=person.member_id, cause_id=new_id())
        return {str(found) for found in await public.may_see_records(context, [UUID(i) for i in world.ids])}


@surface(told_of)
async def ask_for_events(asker: Asker) -> Any:
    """Read everything that happened, as it would be told: also of records that are in the trash by now."""
    world = asker.world
    seen = await see_all(world.runtime, world.person(asker.name))
    asker.look(write(seen), where="its events")
    created = {str(one.record_id): one for one in seen if one.event.type == "record.created"}
    for record_id in created.keys() & world.seen(asker.name):
        await _compare(asker, created[record_id])
    counted = {one.event.type for one in seen if "count" in {**(one.event.cause or {}), **(one.event.after or {})}}
    if world.enters(asker.name) and world.rules_for(asker.name, "view"):
        assert not counted & {"records.created", "records.updated", "records.deleted"}
    return set(created)


async def _compare(asker: Asker, seen: Seen) -> None:
    """Hold what is told of a record's creation against the record; nobody changed what is compared since."""
    shown = (await asker.get(f"{RECORDS}/{seen.record_id}")).json()
    told = (seen.event.after or {})["field_values"]
    linked = {"others", "echo", "names", "least", "told"}
    assert told == {key: value for key, value in shown["field_values"].items() if key not in linked}
    assert seen.name == shown["title"]


SLOW: Final = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
# Each example asks hundreds of questions: what fails is told in full, and not made smaller.
PHASES: Final = [Phase.explicit, Phase.reuse, Phase.generate]


@given(drawn=draw_rights())
@settings(max_examples=3, deadline=None, suppress_health_check=SLOW, phases=PHASES)
async def test_all_surfaces_agree(client: Client, runtime: Runtime, run_jobs: RunJobs, drawn: DrawnRights) -> None:
    world = await build(drawn, client=client, runtime=runtime)
    askers = [Asker(world, name, client.as_(world.person(name))) for name in EVERYBODY]
    for asker in askers:
        asker.export = await asker.post(
            "/api/v1/export", recordset_id=asker.recordset_id, format="csv", include_id=True
        )
    await run_jobs()
    for asker in askers:
        for ask, expect in SURFACES:
            answered, expected = await ask(asker), expect(world, asker.name)
            assert answered == expected, f"{ask.__name__} as {asker.name}: {answered}, and {expected} by {drawn}"
