"""One change for each record, out of the one event of a bulk write."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fostr.domains.records.public import RecordChange, expand_event
from fostr.kernel.events.consumers import Event
from fostr.kernel.runtime import Runtime
from tests.support.airports import RECORDS, create_airports
from tests.support.cast import Cast
from tests.support.client import Client
from tests.support.records import create_record


async def expand(runtime: Runtime, cast: Cast, type: str) -> list[RecordChange]:
    """Return what the last event of a type did to each record."""
    async with runtime.database.unit(cast.acme) as unit:
        row = await unit.row(
            """
            select e.id, e.workspace_id, e.type, e.version, e.entity, e.entity_id, e.actor, e.before, e.after, e.cause,
                   e.created_at
            from events e where e.workspace_id = :workspace and e.type = :type order by e.position desc limit 1
            """,
            type=type,
        )
        assert row is not None
        return [change async for change in expand_event(unit, Event(**dict(row)))]


async def post(client: Client, verb: str, recordset: dict[str, Any], **body: Any) -> dict[str, Any]:
    answer = await client.post(f"{RECORDS}/{verb}", json={"recordset_id": recordset["id"], **body})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_every_record_of_a_bulk_write_is_told(client: Client, cast: Cast, runtime: Runtime) -> None:
    airports = await create_airports(client, cast)
    member = client.as_(cast.member)
    rows = [{"field_values": {"name": f"R{number}", "state": "CA"}} for number in range(3)]
    made = await post(member, "bulk-create", airports, records=rows)
    ids = [UUID(entry["record_id"]) for entry in made["results"]]
    other = await create_record(member, airports, {"name": "other"})
    # What happened to them since does not change what their creation tells.
    cells = [{"id": str(record_id), "field_values": {"state": None}, "tags": ["t"]} for record_id in ids[:2]]
    await post(member, "bulk-update", airports, records=cells)
    await post(
        member,
        "upsert",
        airports,
        match_on=["name"],
        records=[{"field_values": {"name": name, "city": "X"}} for name in ("R2", "new")],
    )

    created = await expand(runtime, cast, "records.created")
    assert [(change.record_id, change.operation, change.version) for change in created] == [
        (record_id, "create", 1) for record_id in ids
    ]
    assert created[0].after == {
        "field_values": {"name": "R0", "state": "CA"},
        "status": "active",
        "tags": [],
        "owner_id": None,
    }
    assert {change.changed_by for change in created} == {cast.member.member_id}
    updated = await expand(runtime, cast, "records.updated")
    assert [(change.record_id, change.operation, change.version) for change in updated] == [
        (record_id, "update", 2) for record_id in ids[:2]
    ]
    assert (updated[0].before, updated[0].after) == (
        {"field_values": {"state": "CA"}, "tags": []},
        {"field_values": {"state": None}, "tags": ["t"]},
    )
    upserted = await expand(runtime, cast, "records.upserted")
    assert [(change.operation, change.after["field_values"]) for change in upserted] == [
        ("update", {"city": "X"}),
        ("create", {"name": "new", "city": "X"}),
    ]
    await member.post(f"{RECORDS}/bulk-delete", json={"record_ids": [str(ids[0]), other["id"]]})
    deleted = await expand(runtime, cast, "records.deleted")
    assert {(change.record_id, change.operation) for change in deleted} == {
        (ids[0], "delete"),
        (UUID(other["id"]), "delete"),
    }
    assert await expand(runtime, cast, "record.created") == []
