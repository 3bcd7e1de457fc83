"""Whatever was done to records, undone in any order that makes sense, gives back what there was before."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any, Final
from uuid import UUID

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from fostr.kernel.runtime import Runtime
from tests.support.airports import RECORDS, list_page
from tests.support.cast import create_cast
from tests.support.client import Client
from tests.support.records import create_recordset

CHANGES: Final = f"{RECORDS}/changes"
FIELDS: Final[list[dict[str, Any]]] = [
    {"key": "name", "name": "Name", "type": "text"},
    {"key": "city", "name": "City", "type": "text", "is_promoted": False},
    {"key": "size", "name": "Size", "type": "number"},
]
WORDS: Final = ("ant", "bee", "cat", "elk")
KINDS: Final = (
    "create", "update", "delete", "restore", "go_back", "bulk_create", "bulk_update", "update_all", "bulk_delete",
    "upsert", "merge", "undo", "redo",
)  # fmt: skip


@dataclass(slots=True)
class Done:
    """Something that was done: its change, and every record that it touched or that those link to."""

    change_id: str
    touched: set[str]


@dataclass(slots=True)
class World:
    """A recordset, and what was done in it."""

    client: Client
    recordset: dict[str, Any]
    chance: Random
    done: list[Done] = field(default_factory=list[Done])
    undone: list[str] = field(default_factory=list[str])

    def pick(self, options: Any) -> Any:
        """Return one of some things."""
        return self.chance.choice(list(options))

    def some(self, options: list[Any], *, most: int = 3) -> list[Any]:
        """Return some of some things."""
        return self.chance.sample(options, self.chance.randint(1, min(most, len(options))))

    def values(self, live: list[str]) -> dict[str, Any]:
        """Return values of a record."""
        chosen: dict[str, Any] = {
            "name": self.pick(WORDS),
            "city": self.pick([*WORDS, None]),
            "size": self.pick([1, 2.5, None]),
            "friends": self.some(live, most=2) if live else None,
        }
        return {key: chosen[key] for key in self.some(list(chosen), most=4)}

    async def look(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the records, and those in the trash, by id."""
        live = await list_page(self.client, self.recordset, page_size=200)
        trash = await list_page(self.client, self.recordset, page_size=200, status="deleted")
        assert live["total"] == len(live["items"])
        return {one["id"]: one for one in live["items"]}, {one["id"]: one for one in trash["items"]}

    async def newest(self) -> str | None:
        """Return the last change."""
        params = {"recordset_id": self.recordset["id"], "limit": 1}
        items = (await self.client.get(CHANGES, params=params)).json()["items"]
        return items[0]["id"] if items else None

    async def post(self, path: str, **body: Any) -> dict[str, Any]:
        """Send a bulk request about the recordset."""
        answer = await self.client.post(f"{RECORDS}/{path}", json={"recordset_id": self.recordset["id"], **body})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def legal(self) -> list[Done]:
        """Return what nothing that was done later touches."""
        return [
            one
            for place, one in enumerate(self.done)
            if all(one.touched.isdisjoint(later.touched) for later in self.done[place + 1 :])
        ]

    async def undo(self, one: Done) -> None:
        """Undo something, wholly."""
        answer = await self.client.post(f"{CHANGES}/{one.change_id}/undo", json={})
        assert answer.status_code == 200, answer.text
        assert answer.json()["refused"] == 0, answer.text
        self.done.remove(one)
        if answer.json()["undo_id"]:
            self.undone.append(answer.json()["undo_id"])


async def act(world: World, kind: str, live: dict[str, Any], trash: dict[str, Any]) -> None:  # noqa: C901, PLR0912 - one case for each thing that can be done
    """Do one thing."""
    client, ids = world.client, list(live)
    place = world.recordset["id"]
    match kind:
        case "create":
            await client.post(RECORDS, json={"recordset_id": place, "field_values": world.values(ids), "tags": ["t"]})
        case "bulk_create":
            await world.post("bulk-create", records=[{"field_values": world.values(ids)} for _ in range(3)])
        case "upsert":
            rows = [{"field_values": {**world.values(ids), "name": word}} for word in world.some(list(WORDS))]
            await world.post("upsert", match_on=["name"], records=rows)
        case "restore" if trash:
            await client.post(f"{RECORDS}/{world.pick(trash)}/restore")
        case "update" if live:
            attributes = world.pick([{}, {"status": "shut"}, {"tags": ["a", "b"]}])
            await client.patch(f"{RECORDS}/{world.pick(ids)}", json={"field_values": world.values(ids), **attributes})
        case "delete" if live:
            await client.delete(f"{RECORDS}/{world.pick(ids)}")
        case "go_back" if live:
            path = f"{RECORDS}/{world.pick(ids)}/history"
            entries = (await client.get(path)).json()["items"]
            await client.post(f"{path}/{world.pick([entry['id'] for entry in entries])}/restore")
        case "bulk_update" if live:
            rows = [{"id": one, "field_values": world.values(ids), "tags": ["c"]} for one in world.some(ids)]
            await world.post("bulk-update", records=rows)
        case "update_all" if live:
            change = {"city": world.pick(WORDS)}
            await world.post("bulk-update", all=True, column_filters={"name": world.pick(WORDS)}, field_values=change)
        case "bulk_delete" if live:
            await world.post("bulk-delete", record_ids=world.some(ids))
        case "merge" if len(live) > 1:
            target, *sources = world.some(ids) if len(ids) > 1 else ids
            if sources:
                await world.post("merge", target_id=target, source_ids=sources)
        case _:
            pass


def friends(record: dict[str, Any]) -> list[str]:
    """Return the records to which one links."""
    return record["field_values"].get("friends") or []


def touched(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    """Return the records that differ, and those to which they link."""
    changed = {one for one in before.keys() | after.keys() if before.get(one) != after.get(one)}
    linked: set[str] = {
        friend for states in (before, after) for one in changed & states.keys() for friend in friends(states[one])
    }
    return changed | linked


async def do(world: World, kind: str) -> None:
    """Do one thing, and note its change."""
    if kind == "undo":
        if options := world.legal():
            await world.undo(world.pick(options))
        return
    live, trash = await world.look()
    newest = await world.newest()
    if kind == "redo":
        if not world.undone:
            return
        answer = await world.client.post(f"{CHANGES}/{world.undone.pop()}/undo", json={"force": True})
        assert answer.status_code == 200, answer.text
    else:
        await act(world, kind, live, trash)
    change_id = await world.newest()
    if change_id is not None and change_id != newest:
        now = await world.look()
        world.done.append(Done(change_id, touched({**trash, **live}, {**now[1], **now[0]})))


def contents(live: dict[str, Any]) -> dict[str, Any]:
    """Return what is in records, without who changed them when."""
    shown = ("title", "status", "field_values", "tags", "owner_id")
    return {one: {name: record[name] for name in shown} for one, record in live.items()}


async def found(world: World) -> dict[str, list[str]]:
    """Return which records each word finds."""
    pages = {word: await list_page(world.client, world.recordset, search=word, page_size=200) for word in WORDS}
    return {word: sorted(one["id"] for one in page["items"]) for word, page in pages.items()}


async def links(runtime: Runtime, workspace: UUID, live: dict[str, Any]) -> set[tuple[str, str]]:
    """Return the links of records that are not in the trash."""
    async with runtime.database.unit(workspace) as unit:
        rows = await unit.rows(
            """
            select l.source_id::text as source, l.target_id::text as target from record_links l
            where l.workspace_id = :workspace
            """
        )
    return {(row["source"], row["target"]) for row in rows if row["source"] in live}


@settings(
    max_examples=8,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
)
@given(
    kinds=st.lists(st.sampled_from(KINDS), min_size=3, max_size=10),
    seed=st.integers(0, 1 << 32),
)
async def test_undone_in_any_order_it_is_as_before(
    client: Client, runtime: Runtime, kinds: list[str], seed: int
) -> None:
    cast = await create_cast(runtime)
    owner = client.as_(cast.owner)
    recordset = await create_recordset(owner, name="Beasts", fields=FIELDS)
    linked = [*FIELDS, {"key": "friends", "name": "Friends", "type": "link", "options": {"recordset": recordset["id"]}}]
    changed = await owner.patch(f"/api/v1/recordsets/{recordset['slug']}", json={"fields": linked})
    assert changed.status_code == 200, changed.text
    world = World(owner, recordset, Random(seed))  # noqa: S311 - it has to be repeatable
    first = await world.post("bulk-create", records=[{"field_values": {"name": word, "size": 1}} for word in WORDS])
    ids = [entry["record_id"] for entry in first["results"]]
    await owner.patch(f"{RECORDS}/{ids[0]}", json={"field_values": {"friends": ids[1:]}})
    await owner.delete(f"{RECORDS}/{ids[3]}")
    live, _ = await world.look()
    before = (contents(live), await found(world), await links(runtime, cast.acme, live))

    for kind in kinds:
        await do(world, kind)
    while options := world.legal():
        await world.undo(world.pick(options))
    assert not world.done

    live, _ = await world.look()
    assert (contents(live), await found(world), await links(runtime, cast.acme, live)) == before
