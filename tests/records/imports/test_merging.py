"""Imports that change records which are there: matched by a key, merged column by column, tried before."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from fostr.domains.records.imports import loading
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast
from tests.support.client import Client, refusal
from tests.support.imports import IMPORT, rows_of, upload
from tests.support.records import create_record, create_recordset, grant

RunJobs = Callable[[], Awaitable[None]]

FIELDS: list[dict[str, Any]] = [
    {"name": "SKU", "key": "sku", "type": "text", "is_required": True},
    {"name": "Price", "key": "price", "type": "number"},
    {"name": "Notes", "key": "notes", "type": "long_text"},
    {"name": "Tags", "key": "labels", "type": "multi_select"},
    {"name": "Owner", "key": "keeper", "type": "text"},
]
MAPPINGS: dict[str, Any] = {"sku": "sku", "price": "price", "notes": {"field": "notes", "merge": "append"}}


@pytest.fixture
async def products(client: Client, cast: Cast) -> dict[str, Any]:
    """Two products, of which the owner made one and the member the other; the member may change their own."""
    made = await create_recordset(client.as_(cast.owner), name="Products", fields=FIELDS)
    await grant(client.as_(cast.owner), made, cast.member, "can_create", "can_edit_own")
    first = {"sku": "a-1", "price": 1, "notes": "old", "labels": ["x"]}
    await create_record(client.as_(cast.owner), made, first)
    await create_record(client.as_(cast.member), made, {"sku": "b-2", "price": 2})
    return made


async def import_into(client: Client, run_jobs: RunJobs, recordset: dict[str, Any], content: str, **data: Any) -> Any:
    """Import a table into a recordset, and return the finished job."""
    found = await upload(client, "table.csv", content)
    body = {"file_uri": found["file_uri"], "field_mappings": MAPPINGS, **data}
    started = await client.post(f"{IMPORT}/recordsets/{recordset['id']}", json=body)
    assert started.status_code == 200, started.text
    await run_jobs()
    job = (await client.get(started.json()["status_url"])).json()
    assert job["status"] == "completed", job
    return job


def counts(job: dict[str, Any]) -> tuple[int, int, int, int]:
    return job["imported_rows"], job["updated_rows"], job["skipped_rows"], job["failed_rows"]


async def values_of(runtime: Runtime, cast: Cast, recordset: dict[str, Any]) -> dict[str, dict[str, Any]]:
    rows = await rows_of(runtime, cast.acme, recordset["id"])
    return {row["field_values"]["sku"]: row["field_values"] for row in rows}


async def versions_of(runtime: Runtime, cast: Cast, recordset: dict[str, Any]) -> list[dict[str, Any]]:
    async with runtime.database.unit(cast.acme) as unit:
        rows = await unit.rows(
            """
            select v.version, v.operation, v.before, v.after, v.cause from record_versions v
            join records r on r.workspace_id = :workspace and r.id = v.record_id
            where v.workspace_id = :workspace and r.recordset_id = :id order by v.id
            """,
            id=UUID(recordset["id"]),
        )
    return [dict(row) for row in rows]


async def test_rows_change_what_is_there_and_create_the_rest(
    client: Client, cast: Cast, run_jobs: RunJobs, runtime: Runtime, products: dict[str, Any]
) -> None:
    owner = client.as_(cast.owner)
    content = "sku,price,notes\na-1,10,new\nb-2,2,\nc-3,3,fresh\n,4,\n"
    job = await import_into(owner, run_jobs, products, content, match_on=["sku"])
    assert counts(job) == (1, 1, 1, 1)
    assert job["faults"] == [
        {"column": "sku", "reason": "is needed to match the row with a record", "count": 1, "first_row": 4}
    ]
    assert await values_of(runtime, cast, products) == {
        "a-1": {"sku": "a-1", "price": 10, "notes": "old\nnew", "labels": ["x"]},
        "b-2": {"sku": "b-2", "price": 2},
        "c-3": {"sku": "c-3", "price": 3, "notes": "fresh"},
    }
    (version,) = await versions_of(runtime, cast, products)
    assert (version["version"], version["operation"]) == (2, "update")
    assert version["before"] == {"field_values": {"price": 1, "notes": "old"}}
    assert version["after"] == {"field_values": {"price": 10, "notes": "old\nnew"}}
    assert (version["cause"]["kind"], version["cause"]["id"]) == ("import", job["import_id"])
    recordset = (await owner.get(f"/api/v1/recordsets/{products['slug']}")).json()
    assert recordset["record_count"] == 3
    listed = await owner.get("/api/v1/records", params={"recordset_id": products["id"], "search": "new"})
    assert [item["field_values"]["sku"] for item in listed.json()["items"]] == ["a-1"]


async def test_the_same_file_again_changes_nothing(
    client: Client, cast: Cast, run_jobs: RunJobs, runtime: Runtime, products: dict[str, Any]
) -> None:
    owner = client.as_(cast.owner)
    content = "sku,price,notes\na-1,10,new\nc-3,3,fresh\n"
    await import_into(owner, run_jobs, products, content, match_on=["sku"])
    before = await values_of(runtime, cast, products)
    job = await import_into(owner, run_jobs, products, content, match_on=["sku"])
    assert counts(job) == (0, 0, 2, 0)
    assert await values_of(runtime, cast, products) == before
    assert len(await versions_of(runtime, cast, products)) == 1


@pytest.mark.parametrize(
    ("rule", "value", "expected"),
    [
        ("take_new", "new", "new"),
        ("take_new", "", "old"),
        ("keep_old", "new", "old"),
        ("fill_blank", "new", "old"),
        ("append", "new", "old\nnew"),
        ("append", "old", "old"),
    ],
)
async def test_each_column_is_merged_as_it_is_said(
    client: Client,
    cast: Cast,
    run_jobs: RunJobs,
    runtime: Runtime,
    products: dict[str, Any],
    rule: str,
    value: str,
    expected: str,
) -> None:
    mappings = {"sku": "sku", "notes": {"field": "notes", "merge": rule}}
    content = f"sku,notes\na-1,{value}\nb-2,{value}\n"
    await import_into(client.as_(cast.owner), run_jobs, products, content, field_mappings=mappings, match_on=["sku"])
    values = await values_of(runtime, cast, products)
    assert values["a-1"]["notes"] == expected
    filled = value if rule != "keep_old" and value else None
    assert values["b-2"].get("notes") == filled


async def test_lists_are_joined_without_twins(
    client: Client, cast: Cast, run_jobs: RunJobs, runtime: Runtime, products: dict[str, Any]
) -> None:
    mappings = {"sku": "sku", "labels": {"field": "labels", "merge": "append"}}
    await import_into(
        client.as_(cast.owner), run_jobs, products, "sku,labels\na-1,x;y\n", field_mappings=mappings, match_on=["sku"]
    )
    assert (await values_of(runtime, cast, products))["a-1"]["labels"] == ["x", "y"]


async def test_rows_that_match_or_do_not_can_be_passed_over(
    client: Client, cast: Cast, run_jobs: RunJobs, runtime: Runtime, products: dict[str, Any]
) -> None:
    owner, content = client.as_(cast.owner), "sku,price,notes\na-1,10,\nz-9,9,\n"
    job = await import_into(owner, run_jobs, products, content, match_on=["sku"], when_unmatched="skip")
    assert counts(job) == (0, 1, 1, 0)
    content = "sku,price,notes\na-1,11,\nz-9,9,\n"
    job = await import_into(owner, run_jobs, products, content, match_on=["sku"], when_matched="skip")
    assert counts(job) == (1, 0, 1, 0)
    values = await values_of(runtime, cast, products)
    assert {sku: entry.get("price") for sku, entry in values.items()} == {"a-1": 10, "b-2": 2, "z-9": 9}


async def test_rows_of_one_key_make_one_record_wherever_batches_end(
    client: Client, cast: Cast, run_jobs: RunJobs, runtime: Runtime, products: dict[str, Any]
) -> None:
    count = loading.DECIDED_ROWS + 3
    lines = [f"k-{number},{number}," for number in range(count)]
    lines[1] = "k-0,100,first"
    lines[-1] = "k-0,200,last"
    content = "sku,price,notes\n" + "\n".join(lines) + "\n"
    job = await import_into(client.as_(cast.owner), run_jobs, products, content, match_on=["sku"])
    assert counts(job) == (count - 2, 2, 0, 0)
    rows = await rows_of(runtime, cast.acme, products["id"])
    (twin,) = [row for row in rows if row["field_values"]["sku"] == "k-0"]
    assert twin["field_values"] == {"sku": "k-0", "price": 200, "notes": "first\nlast"}
    assert all(row["document"] for row in rows)


async def test_only_who_may_change_a_record_changes_it(
    client: Client, cast: Cast, run_jobs: RunJobs, runtime: Runtime, products: dict[str, Any]
) -> None:
    member = client.as_(cast.member)
    content = "sku,price,notes\na-1,10,\nb-2,20,\nc-3,30,\n"
    job = await import_into(member, run_jobs, products, content, match_on=["sku"])
    assert counts(job) == (1, 1, 0, 1)
    assert job["faults"][0]["reason"] == "matches a record that you may not change"
    values = await values_of(runtime, cast, products)
    assert {sku: entry["price"] for sku, entry in values.items()} == {"a-1": 1, "b-2": 20, "c-3": 30}


async def test_what_several_records_have_is_no_key(
    client: Client, cast: Cast, run_jobs: RunJobs, runtime: Runtime, products: dict[str, Any]
) -> None:
    owner = client.as_(cast.owner)
    await create_record(owner, products, {"sku": "a-1", "price": 5})
    trashed = await create_record(owner, products, {"sku": "b-2", "price": 7})
    assert (await owner.delete(f"/api/v1/records/{trashed['id']}")).status_code == 204
    job = await import_into(owner, run_jobs, products, "sku,price,notes\na-1,10,\nb-2,20,\n", match_on=["sku"])
    assert counts(job) == (0, 1, 0, 1), "what is in the trash is matched by nothing"
    assert job["faults"][0]["reason"] == "several records have this key"


async def test_keys_of_several_fields_and_kinds(
    client: Client, cast: Cast, run_jobs: RunJobs, runtime: Runtime, products: dict[str, Any]
) -> None:
    owner = client.as_(cast.owner)
    mappings = {"sku": "sku", "price": "price", "keeper": "keeper"}
    content = "sku,price,keeper\na-1,1.0,Ann\na-1,2,Bob\n"
    job = await import_into(owner, run_jobs, products, content, field_mappings=mappings, match_on=["price", "sku"])
    assert counts(job) == (1, 1, 0, 0)
    rows = [row["field_values"] for row in await rows_of(runtime, cast.acme, products["id"])]
    assert sorted((row["sku"], row["price"], row.get("keeper")) for row in rows if row["sku"] == "a-1") == [
        ("a-1", 1, "Ann"),
        ("a-1", 2, "Bob"),
    ]


async def test_records_are_found_by_what_nobody_writes(
    client: Client, cast: Cast, run_jobs: RunJobs, runtime: Runtime
) -> None:
    owner = client.as_(cast.owner)
    fields = [{"name": "No", "key": "no", "type": "autonumber"}, {"name": "Name", "key": "name", "type": "text"}]
    numbered = await create_recordset(owner, name="Numbered", fields=fields)
    for name in ("a", "b"):
        await create_record(owner, numbered, {"name": name})
    mappings = {"no": "no", "name": "name"}
    content, only = "no,name\n2,changed\n9,nobody\n", {"match_on": ["no"], "when_unmatched": "skip"}
    job = await import_into(owner, run_jobs, numbered, content, field_mappings=mappings, **only)
    assert counts(job) == (0, 1, 1, 0)
    rows = await rows_of(runtime, cast.acme, numbered["id"])
    assert [row["field_values"] for row in rows] == [{"no": 1, "name": "a"}, {"no": 2, "name": "changed"}]
    job = await import_into(owner, run_jobs, numbered, "name\nc\n", field_mappings={"name": "name"})
    assert counts(job) == (1, 0, 0, 0)
    rows = await rows_of(runtime, cast.acme, numbered["id"])
    assert sorted(row["field_values"]["no"] for row in rows) == [1, 2, 3]


async def test_a_merge_that_cannot_be_is_refused(client: Client, cast: Cast, products: dict[str, Any]) -> None:
    owner = client.as_(cast.owner)
    found = await upload(owner, "x.csv", "sku,price,notes,labels\na,1,n,x\n")
    path = f"{IMPORT}/recordsets/{products['id']}"

    async def start(**data: Any) -> tuple[int, str]:
        return refusal(await owner.post(path, json={"file_uri": found["file_uri"], **data}))

    plain = {"sku": "sku", "price": "price"}
    assert await start(field_mappings=plain, match_on=["notes"]) == (422, "match_on_invalid")
    assert await start(field_mappings={**plain, "labels": "labels"}, match_on=["labels"]) == (422, "match_on_invalid")
    bad = {"sku": "sku", "price": {"field": "price", "merge": "append"}}
    assert await start(field_mappings=bad, match_on=["sku"]) == (422, "merge_rule_invalid")
    assert await start(field_mappings={"sku": {"field": "sku", "merge": "keep_old"}}) == (422, "merge_rule_invalid")
    assert await start(field_mappings={"price": "price"}, match_on=["price"]) == (422, "required_field_unmapped")
    stranger = await client.as_(cast.stranger).post(path, json={"file_uri": found["file_uri"], "field_mappings": plain})
    assert refusal(stranger) == (404, "recordset_not_found")


async def test_a_dry_run_tells_and_writes_nothing(
    client: Client, cast: Cast, run_jobs: RunJobs, runtime: Runtime, products: dict[str, Any]
) -> None:
    member = client.as_(cast.member)
    before = await rows_of(runtime, cast.acme, products["id"])
    content = "sku,price,notes\nb-2,20,hm\nb-2,20,\nc-3,3,\nc-3,4,\na-1,9,\nd-4,x,\n"
    job = await import_into(member, run_jobs, products, content, match_on=["sku"], dry_run=True)
    preview = job["preview"]
    assert (job["is_dry_run"], job["imported_rows"], job["has_report"]) == (True, None, True)
    assert {name: preview[name] for name in ("create", "update", "skip", "error")} == {
        "create": 1,
        "update": 2,
        "skip": 1,
        "error": 2,
    }
    record = next(row for row in before if row["field_values"]["sku"] == "b-2")
    assert preview["creates"] == [{"row": 3, "values": {"sku": "c-3", "price": 4}}]
    assert preview["updates"] == [
        {
            "row": 1,
            "record_id": str(record["id"]),
            "title": "b-2",
            "changes": {"price": {"before": 2, "after": 20}, "notes": {"before": None, "after": "hm"}},
        }
    ]
    assert preview["skips"] == [{"row": 2, "record_id": str(record["id"]), "reason": "unchanged"}]
    assert {(entry["row"], entry["reason"]) for entry in preview["errors"]} == {
        (5, "matches a record that you may not change"),
        (6, "is not a number"),
    }
    report = await client.anonymous().get(job["report_url"].removeprefix("http://fostr.test"))
    assert report.text.count("\r\n") == 3
    assert await rows_of(runtime, cast.acme, products["id"]) == before
    assert await versions_of(runtime, cast, products) == []


async def test_a_dry_run_of_a_new_recordset_makes_none(client: Client, cast: Cast, run_jobs: RunJobs) -> None:
    member = client.as_(cast.member)
    found = await upload(member, "new.csv", "name,size\na,1\nb,x\n")
    fields = [{"column": "name"}, {"column": "size", "type": "number"}]
    body = {"file_uri": found["file_uri"], "fields": fields, "dry_run": True}
    started = (await member.post(IMPORT, json=body)).json()
    assert (started["recordset_id"], started["is_dry_run"]) == (None, True)
    await run_jobs()
    job = (await member.get(started["status_url"])).json()
    assert (job["status"], job["is_settled"]) == ("completed", True)
    assert (job["preview"]["create"], job["preview"]["error"]) == (1, 1)
    assert (await member.get("/api/v1/recordsets")).json()["total"] == 0
    assert refusal(await member.post(IMPORT, json={**body, "slug": "trash"})) == (422, "recordset_slug_reserved")


async def test_imports_at_the_same_time_make_no_twins(
    client: Client, cast: Cast, run_jobs: RunJobs, runtime: Runtime, products: dict[str, Any]
) -> None:
    owner = client.as_(cast.owner)
    content = "sku,price,notes\n" + "".join(f"k-{number},{number},\n" for number in range(500))
    body = {"field_mappings": MAPPINGS, "match_on": ["sku"]}
    started: list[dict[str, Any]] = []
    for _ in range(2):
        found = await upload(owner, "table.csv", content)
        response = await owner.post(
            f"{IMPORT}/recordsets/{products['id']}", json={"file_uri": found["file_uri"], **body}
        )
        started.append(response.json())
    await asyncio.gather(run_jobs(), run_jobs())
    jobs = [(await owner.get(entry["status_url"])).json() for entry in started]
    assert [job["status"] for job in jobs] == ["completed"] * 2
    # They take turns by the part of a file: which of them comes first with a row is chance, and nobody comes second.
    assert sum(job["imported_rows"] for job in jobs) == 500
    rows = await rows_of(runtime, cast.acme, products["id"])
    assert len({row["field_values"]["sku"] for row in rows}) == len(rows) == 502


async def test_members_are_found_by_address_or_name(
    client: Client, cast: Cast, run_jobs: RunJobs, runtime: Runtime
) -> None:
    owner = client.as_(cast.owner)
    fields = [{"name": "Task", "key": "task", "type": "text"}, {"name": "Who", "key": "who", "type": "member"}]
    tasks = await create_recordset(owner, name="Tasks", fields=fields)
    async with runtime.database.unit(cast.acme) as unit:
        email = await unit.value(
            "select m.email from members m where m.workspace_id = :workspace and m.id = :id", id=cast.member.member_id
        )
    content = f"task,who\nname it,{email.upper()}\nid,{cast.admin.member_id}\nnobody,Nobody Atall\nnone,\n"
    mappings: dict[str, Any] = {"task": "task", "who": "who"}
    job = await import_into(owner, run_jobs, tasks, content, field_mappings=mappings)
    assert (job["imported_rows"], job["failed_rows"]) == (3, 1)
    assert job["faults"][0]["reason"] == "names nothing that is there, or several"
    rows = await rows_of(runtime, cast.acme, tasks["id"])
    assert [row["field_values"].get("who") for row in rows] == [
        [str(cast.member.member_id)],
        [str(cast.admin.member_id)],
        None,
    ]
    mappings["who"] = {"field": "who", "when_unknown": "skip"}
    job = await import_into(owner, run_jobs, tasks, "task,who\nnobody,Nobody Atall\n", field_mappings=mappings)
    assert (job["imported_rows"], job["failed_rows"]) == (1, 0)


async def test_records_are_linked_by_their_titles(
    client: Client, cast: Cast, run_jobs: RunJobs, runtime: Runtime
) -> None:
    owner = client.as_(cast.owner)
    name: dict[str, Any] = {"name": "Name", "key": "name", "type": "text"}
    firms = await create_recordset(owner, name="Firms", fields=[name])
    ids = {title: (await create_record(owner, firms, {"name": title}))["id"] for title in ("Acme", "Globex, Inc")}
    for _ in range(2):
        await create_record(owner, firms, {"name": "Twin"})
    link = {"name": "Firms", "key": "firms", "type": "link", "options": {"recordset": firms["id"]}}
    people = await create_recordset(owner, name="People", fields=[name, link])
    by_id = f"{ids['Acme']}, {ids['Globex, Inc']}"
    content = f'name,firms\nAnn,"Acme; Globex, Inc"\nBob,"{by_id}"\nCyd,Twin\nDan,\n'
    mappings = {"name": "name", "firms": "firms"}
    job = await import_into(owner, run_jobs, people, content, field_mappings=mappings)
    assert (job["imported_rows"], job["failed_rows"]) == (3, 1)
    assert job["faults"][0]["reason"] == "names nothing that is there, or several"
    rows = await rows_of(runtime, cast.acme, people["id"])
    both = {ids["Acme"], ids["Globex, Inc"]}
    assert [set(row["field_values"].get("firms", [])) for row in rows] == [both, both, set()]
    listed = (await owner.get("/api/v1/records", params={"recordset_id": people["id"]})).json()
    assert len(listed["items"][0]["field_values"]["firms"]) == 2
