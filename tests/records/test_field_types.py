"""The types of fields: what each takes, what its options say, and what is computed instead of sent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast
from tests.support.client import Client, refusal
from tests.support.records import create_record, create_recordset, grant
from tests.support.rows import insert_records, kept_records

RECORDSETS = "/api/v1/recordsets"
RECORDS = "/api/v1/records"
RunJobs = Callable[[], Awaitable[None]]

TAKEN: list[tuple[dict[str, Any], Any, Any]] = [
    ({"type": "rating"}, "4", 4),
    ({"type": "rating", "options": {"max": 10}}, 7.0, 7),
    ({"type": "duration"}, "1:30", 5400),
    ({"type": "duration"}, "1:30:15.5", 5415.5),
    ({"type": "duration"}, "90m", 5400),
    ({"type": "duration"}, "1 h 5 min", 3900),
    ({"type": "duration"}, "P1DT2H", 93_600),
    ({"type": "duration"}, "-0:30", -1800),
    ({"type": "duration"}, 12, 12),
    ({"type": "percent"}, "29%", 0.29),
    ({"type": "percent"}, 0.5, 0.5),
    ({"type": "currency", "options": {"currency": "EUR"}}, "1,234.50 €", 1234.5),
    ({"type": "currency", "options": {"currency": "EUR"}}, "EUR -3", -3),
    ({"type": "currency"}, "-$5", -5),
    ({"type": "phone"}, "+1 (555) 123-4567", "+15551234567"),
    ({"type": "phone"}, "0044 (0)20 7946 0018 ext. 12", "+442079460018 x12"),
    ({"type": "phone"}, "(555)  123-4567", "(555) 123-4567"),
    ({"type": "datetime", "options": {"time_zone": "America/New_York"}}, "2026-07-01T08:00", "2026-07-01T12:00:00Z"),
    ({"type": "multi_select", "options": {"choices": ["a", "b"]}}, ["b", "a", "b"], ["b", "a"]),
    ({"type": "text", "options": {"max_length": 3}}, "abc", "abc"),
]
REFUSED: list[tuple[dict[str, Any], Any]] = [
    ({"type": "rating"}, 6),
    ({"type": "rating"}, 2.5),
    ({"type": "duration"}, "ninety minutes"),
    ({"type": "duration"}, "1:75"),
    ({"type": "duration", "options": {"max": 60}}, "2m"),
    ({"type": "number", "options": {"min": 0}}, -1),
    ({"type": "percent"}, "a%"),
    ({"type": "currency", "options": {"currency": "EUR"}}, "USD 3"),
    ({"type": "phone"}, "( - )"),
    ({"type": "member"}, "nobody"),
    ({"type": "text", "options": {"max_length": 3}}, "abcd"),
]
BAD_OPTIONS: list[tuple[dict[str, Any], str]] = [
    ({"type": "rating", "options": {"max": 11}}, "field_options_invalid"),
    ({"type": "rating", "options": {"max": 2.5}}, "field_options_invalid"),
    ({"type": "number", "options": {"min": 2, "max": 1}}, "field_options_invalid"),
    ({"type": "number", "options": {"default": "many"}}, "field_options_invalid"),
    ({"type": "number", "options": {"max": 1, "default": 2}}, "field_options_invalid"),
    ({"type": "currency", "options": {"currency": "ABC"}}, "field_options_invalid"),
    ({"type": "datetime", "options": {"time_zone": "Moon/Tycho"}}, "field_options_invalid"),
    ({"type": "select", "options": {"choices": ["a"], "colors": {"b": "#ff0000"}}}, "field_options_invalid"),
    ({"type": "select", "options": {"choices": ["a"], "default": "b"}}, "field_options_invalid"),
    ({"type": "select", "options": {"choices": ["a"], "colors": {"a": "red"}}}, "validation_failed"),
    ({"type": "created_at", "options": {"default": "2026-01-01"}}, "field_options_invalid"),
    ({"type": "created_at", "is_promoted": True}, "promotion_unavailable"),
]


@pytest.mark.parametrize(("field", "sent", "kept"), TAKEN)
async def test_values_are_kept_in_one_form(
    client: Client, cast: Cast, field: dict[str, Any], sent: Any, kept: Any
) -> None:
    owner = client.as_(cast.owner)
    made = await create_recordset(owner, fields=[{"name": "Field", "key": "field", **field}])
    record = await create_record(owner, made, {"field": sent})
    assert record["field_values"] == {"field": kept}
    again = await owner.patch(f"{RECORDS}/{record['id']}", json={"field_values": {"field": kept}})
    assert (again.json()["field_values"], again.json()["version"]) == ({"field": kept}, 1)


@pytest.mark.parametrize(("field", "sent"), REFUSED)
async def test_values_that_do_not_fit_are_refused(client: Client, cast: Cast, field: dict[str, Any], sent: Any) -> None:
    owner = client.as_(cast.owner)
    made = await create_recordset(owner, fields=[{"name": "Field", "key": "field", **field}])
    response = await owner.post(RECORDS, json={"recordset_id": made["id"], "field_values": {"field": sent}})
    assert refusal(response) == (422, "field_values_invalid")
    assert response.json()["errors"][0]["field"] == "field"


@pytest.mark.parametrize(("field", "code"), BAD_OPTIONS)
async def test_options_that_do_not_fit_are_refused(
    client: Client, cast: Cast, field: dict[str, Any], code: str
) -> None:
    body = {"name": "Airports", "fields": [{"name": "Field", **field}]}
    assert refusal(await client.as_(cast.owner).post(RECORDSETS, json=body)) == (422, code)


async def test_options_that_are_not_set_are_left_out(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    options = {"choices": ["a", "b"], "colors": {"a": "#00ff00"}, "default": "b"}
    made = await create_recordset(owner, fields=[{"name": "Kind", "type": "select", "options": options}])
    assert made["fields"][0]["options"] == options
    assert (await owner.get(f"{RECORDSETS}/{made['id']}")).json()["fields"][0]["options"] == options


async def test_new_records_get_default_values(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    fields = [
        {"name": "Stage", "type": "select", "is_required": True, "options": {"default": "open"}},
        {"name": "Share", "type": "percent", "options": {"default": "10%"}},
        {"name": "Note", "type": "text"},
    ]
    made = await create_recordset(owner, fields=fields)
    record = await create_record(owner, made, {"note": "x"})
    assert record["field_values"] == {"stage": "open", "share": 0.1, "note": "x"}
    # What is sent empty is wanted so.
    other = await create_record(owner, made, {"share": None})
    assert other["field_values"] == {"stage": "open"}


async def test_members_who_are_named_are_there(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    fields = [
        {"name": "Agent", "type": "member"},
        {"name": "Team", "type": "member", "options": {"multiple": True}},
    ]
    made = await create_recordset(owner, fields=fields)
    member, viewer = str(cast.member.member_id), str(cast.viewer.member_id)
    record = await create_record(owner, made, {"agent": member.upper(), "team": [viewer, member, viewer]})
    assert record["field_values"] == {"agent": [member], "team": [viewer, member]}
    found = await owner.get(
        RECORDS, params={"recordset_id": made["id"], "column_filters": f'{{"team": {{"has": "{viewer}"}}}}'}
    )
    assert [entry["id"] for entry in found.json()["items"]] == [record["id"]]

    async def refused(values: dict[str, Any]) -> dict[str, Any]:
        path = f"{RECORDS}/{record['id']}"
        response = await owner.patch(path, json={"field_values": values})
        assert refusal(response) == (422, "field_values_invalid")
        return response.json()["errors"][0]

    assert (await refused({"agent": [member, viewer]}))["reason"] == "names more than one member"
    fault = await refused({"team": [member, str(cast.stranger.member_id)]})
    assert (fault["field"], fault["reason"]) == ("team", "names somebody who is no member of this workspace")


async def test_records_are_numbered_in_the_order_in_which_they_were_made(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    made = await create_recordset(owner, fields=[{"name": "Name", "type": "text"}])
    first = await create_record(owner, made, {"name": "a"})
    gone = await create_record(owner, made, {"name": "b"})
    assert (await owner.delete(f"{RECORDS}/{gone['id']}")).status_code == 204
    last = await create_record(owner, made, {"name": "c"})
    path = f"{RECORDSETS}/{made['id']}"
    field = {"name": "Number", "type": "autonumber", "is_promoted": True}
    changed = (await owner.patch(path, json={"fields": [field]})).json()
    assert (changed["fields"][1]["is_read_only"], changed["is_in_step"]) == (True, True)
    new = await create_record(owner, made, {"name": "d"})
    listed = await owner.get(RECORDS, params={"recordset_id": made["id"], "sort_by": "number", "sort_order": "desc"})
    assert [(item["id"], item["field_values"]["number"]) for item in listed.json()["items"]] == [
        (new["id"], 4),
        (last["id"], 3),
        (first["id"], 1),
    ]
    found = await owner.get(RECORDS, params={"recordset_id": made["id"], "numeric_filters": '{"number": {"max": 3}}'})
    assert found.json()["total"] == 2
    # A changed record keeps its number.
    renamed = await owner.patch(f"{RECORDS}/{new['id']}", json={"field_values": {"name": "e"}})
    assert renamed.json()["field_values"] == {"name": "e", "number": 4}


async def test_a_job_numbers_many_records_while_new_ones_come(
    client: Client, cast: Cast, runtime: Runtime, run_jobs: RunJobs
) -> None:
    owner = client.as_(cast.owner)
    made = await create_recordset(owner, fields=[{"name": "Name", "type": "text"}])
    ids = await insert_records(runtime, cast.acme, made, [{"name": "a"}] * 1100)
    path = f"{RECORDSETS}/{made['id']}"
    field = {"name": "Number", "type": "autonumber", "is_promoted": True}
    changed = (await owner.patch(path, json={"fields": [field], "settings": {"title_field": "number"}})).json()
    assert changed["is_in_step"] is False
    new = await create_record(owner, made, {"name": "b"})
    assert (new["field_values"]["number"], new["title"]) == (1101, "1101")
    await run_jobs()
    assert (await owner.get(path)).json()["is_in_step"] is True
    kept = {row["id"]: row for row in await kept_records(runtime, cast.acme, made)}
    assert [kept[record_id]["field_values"]["number"] for record_id in ids] == list(range(1, 1101))
    assert {(row["field_values"]["number"], row["number_1"], row["title"]) for row in kept.values()} == {
        (number, float(number), str(number)) for number in range(1, 1102)
    }


async def test_records_that_are_made_together_get_different_numbers(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    made = await create_recordset(owner, fields=[{"name": "Number", "type": "autonumber"}])
    records = await asyncio.gather(*(create_record(owner, made, {}) for _ in range(8)))
    assert sorted(record["field_values"]["number"] for record in records) == list(range(1, 9))


COMPUTED = ["autonumber", "created_by", "updated_by", "created_at", "updated_at"]


async def test_nobody_writes_what_is_computed(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    fields = [{"name": "Name", "type": "text"}, *({"name": name, "type": name} for name in COMPUTED)]
    made = await create_recordset(owner, fields=fields)
    record = await create_record(owner, made, {"name": "a"})
    for key in COMPUTED:
        for response in (
            await owner.post(RECORDS, json={"recordset_id": made["id"], "field_values": {key: 1}}),
            await owner.patch(f"{RECORDS}/{record['id']}", json={"field_values": {key: None}}),
        ):
            assert refusal(response) == (403, "field_read_only"), key
            assert "computed" in response.json()["detail"]
    assert [field["is_read_only"] for field in made["fields"]] == [False, *[True] * 5]
    # The fields themselves are changed like others.
    changed = await owner.patch(
        f"{RECORDSETS}/{made['id']}",
        json={"fields": [{"key": "created_by", "name": "Author"}], "remove_fields": ["autonumber", "updated_at"]},
    )
    assert [field["name"] for field in changed.json()["fields"]] == ["Name", "Author", "updated_by", "created_at"]


async def test_who_made_a_record_and_when_is_a_value_like_others(client: Client, cast: Cast) -> None:
    owner, member = client.as_(cast.owner), client.as_(cast.member)
    fields = [{"name": "Name", "type": "text"}, *({"name": name, "type": name} for name in COMPUTED[1:])]
    made = await create_recordset(owner, fields=fields)
    await grant(owner, made, cast.member, "can_view", "can_create")
    first = await create_record(owner, made, {"name": "a"})
    second = await create_record(member, made, {"name": "b"})
    await owner.patch(f"{RECORDS}/{second['id']}", json={"field_values": {"name": "c"}})

    async def found(**params: str) -> list[str]:
        response = await member.get(RECORDS, params={"recordset_id": made["id"], **params})
        assert response.status_code == 200, response.text
        return [item["id"] for item in response.json()["items"]]

    by_member = f'{{"created_by": "{cast.member.member_id}"}}'
    assert await found(column_filters=by_member) == [second["id"]]
    assert await found(column_filters=f'{{"updated_by": ["{cast.owner.member_id}"]}}') == [first["id"], second["id"]]
    assert await found(sort_by="created_at", sort_order="desc") == [second["id"], first["id"]]
    day = first["created_at"][:10]
    assert await found(date_filters=f'{{"created_at": {{"from": "{day}"}}}}') == [first["id"], second["id"]]
    assert await found(date_filters=f'{{"updated_at": {{"before": "{day}"}}}}') == []
    assert await found(column_filters='{"created_by": {"empty": true}}') == []
    listed = (await member.get(RECORDS, params={"recordset_id": made["id"]})).json()["items"]
    shown = listed[1]["field_values"]
    assert (shown["created_by"], shown["updated_by"]) == (str(cast.member.member_id), str(cast.owner.member_id))
    assert shown["created_at"].endswith("Z")
    assert shown["created_at"] < shown["updated_at"]
