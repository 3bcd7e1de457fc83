"""Fields that are hidden from somebody: no operation tells them a value, not even by what it finds or refuses."""

from __future__ import annotations

from typing import Any

from fostr.kernel.runtime import Runtime
from tests.support.airports import FIELDS, RECORDS, as_json, create_airports, list_page
from tests.support.cast import Cast
from tests.support.client import Client, refusal
from tests.support.records import create_record, create_recordset, grant

SECRET = "hush4711"
VALUES = {"name": "Livingston", "state": "TX", "secret": SECRET, "lat": 30.0, "lng": -95.0}


async def hide(client: Client, cast: Cast) -> tuple[dict[str, Any], dict[str, Any]]:
    """Create a recordset with a field that members and viewers do not see, and one record in it."""
    airports = await create_airports(client, cast)
    return airports, await create_record(client.as_(cast.owner), airports, VALUES)


async def test_reading_never_tells(client: Client, cast: Cast) -> None:
    airports, record = await hide(client, cast)
    for text in ("other", SECRET):
        body = {"field_values": {"secret": text, "state": "CA"}, "tags": [text[:3]]}
        assert (await client.as_(cast.owner).patch(f"{RECORDS}/{record['id']}", json=body)).status_code == 200
    await client.as_(cast.owner).patch(f"{RECORDS}/{record['id']}", json={"field_values": {"secret": "more" + SECRET}})

    for person in (cast.member, cast.viewer):
        reader = client.as_(person)
        for answer in (
            await reader.get(f"{RECORDS}/{record['id']}"),
            await reader.get(RECORDS, params={"recordset_id": airports["id"]}),
            await reader.get(RECORDS, params={"recordset_id": airports["id"], "fields": "name"}),
            await reader.get(RECORDS),
            await reader.get(f"{RECORDS}/{record['id']}/history"),
        ):
            assert answer.status_code == 200
            assert SECRET not in answer.text
            assert "secret" not in answer.text
    for seer in (cast.owner, cast.admin):
        for params in ({"recordset_id": airports["id"]}, {}):
            item = (await list_page(client.as_(seer), None, **params))["items"][0]
            assert item["field_values"]["secret"] == "more" + SECRET


async def test_who_owns_the_recordset_sees_everything_in_it(client: Client, cast: Cast) -> None:
    member = client.as_(cast.member)
    airports = await create_recordset(member, fields=FIELDS)
    await create_record(member, airports, VALUES)
    await grant(member, airports, cast.viewer, "can_view")
    for params in ({"recordset_id": airports["id"]}, {}):
        seen = (await list_page(member, None, **params))["items"][0]["field_values"]
        assert seen == VALUES
        masked = (await list_page(client.as_(cast.viewer), None, **params))["items"][0]["field_values"]
        assert masked == {key: value for key, value in VALUES.items() if key != "secret"}


async def test_finding_never_tells(client: Client, cast: Cast) -> None:
    airports, _ = await hide(client, cast)
    for person in (cast.owner, cast.member):
        reader = client.as_(person)
        assert (await list_page(reader, airports, search=SECRET))["total"] == 0
        assert (await list_page(reader, None, search=SECRET))["total"] == 0
    member, place = client.as_(cast.member), {"recordset_id": airports["id"]}
    refused = {
        "filter_invalid": (
            {"column_filters": as_json({"secret": SECRET})},
            {"column_filters": as_json({"secret": {"empty": False}})},
            {"numeric_filters": as_json({"secret": 1})},
            {"date_filters": as_json({"secret": "2026-01-01"})},
        ),
        "sort_invalid": ({"sort_by": "secret"}, {"sort_by": "name,secret", "sort_order": "desc"}),
        "fields_invalid": ({"fields": "secret"},),
    }
    for code, cases in refused.items():
        for case in cases:
            assert refusal(await member.get(RECORDS, params={**place, **case})) == (422, code)
    bulk = {"recordset_id": airports["id"], "all": True, "dry_run": True, "column_filters": {"secret": SECRET}}
    assert refusal(await member.post(f"{RECORDS}/bulk-delete", json=bulk)) == (422, "filter_invalid")
    for case in ({"column_filters": as_json({"secret": SECRET})}, {"fields": "secret"}):
        assert (await member.get(f"{RECORDS}/map", params={**place, **case})).status_code == 422
    # What does not exist is refused in the same words.
    unknown = await member.get(RECORDS, params={**place, "sort_by": "nothing"})
    known = await member.get(RECORDS, params={**place, "sort_by": "secret"})
    assert unknown.json()["detail"].replace("'nothing'", "'secret'") == known.json()["detail"]


async def test_writing_cannot_reach_or_probe(client: Client, cast: Cast) -> None:
    airports, record = await hide(client, cast)
    member, path = client.as_(cast.member), f"{RECORDS}/{record['id']}"
    hidden = await member.patch(path, json={"field_values": {"secret": "mine"}})
    nothing = await member.patch(path, json={"field_values": {"nothing": "mine"}})
    assert refusal(hidden) == refusal(nothing) == (422, "field_values_invalid")
    # Who writes the name of a field is told its key, but not of one that they do not see.
    by_name = await member.patch(path, json={"field_values": {"Secret": "mine"}})
    assert by_name.json()["errors"] == [{"field": "Secret", "reason": "there is no such field"}]
    created = await member.post(
        RECORDS, json={"recordset_id": airports["id"], "field_values": {"name": "B", "secret": "x"}}
    )
    assert refusal(created) == (422, "field_values_invalid")
    read_only = await member.patch(path, json={"field_values": {"code": "mine"}})
    assert refusal(read_only) == (403, "field_read_only")
    # A change by somebody who does not see a value leaves it as it is.
    await member.patch(path, json={"field_values": {"state": "CA"}})
    assert (await client.as_(cast.owner).get(path)).json()["field_values"] == {**VALUES, "state": "CA"}


async def test_a_stale_write_is_not_told_of_hidden_changes(client: Client, cast: Cast) -> None:
    _, record = await hide(client, cast)
    path = f"{RECORDS}/{record['id']}"
    await client.as_(cast.owner).patch(path, json={"field_values": {"secret": "new", "state": "NY"}})
    stale = await client.as_(cast.member).patch(path, json={"field_values": {"name": "B"}, "expected_version": 1})
    assert refusal(stale) == (409, "stale_update")
    assert stale.json()["changed_fields"] == ["state"]


async def test_going_back_does_not_touch_what_is_hidden_or_read_only(client: Client, cast: Cast) -> None:
    _, record = await hide(client, cast)
    path, owner, member = f"{RECORDS}/{record['id']}", client.as_(cast.owner), client.as_(cast.member)
    await owner.patch(path, json={"field_values": {"secret": "new", "code": "C", "state": "NY"}})
    restored = await member.post(f"{path}/history/{record['id']}/restore")
    assert restored.json()["field_values"] == {k: v for k, v in {**VALUES, "code": "C"}.items() if k != "secret"}
    assert (await owner.get(path)).json()["field_values"] == {**VALUES, "code": "C", "secret": "new"}


async def test_what_comes_from_a_field_that_was_just_hidden_waits_for_the_records(
    client: Client, cast: Cast, runtime: Runtime
) -> None:
    airports, record = await hide(client, cast)
    async with runtime.database.unit(cast.acme) as unit:
        # As it is while the job that brings the records in step has not come far.
        await unit.run(
            """
            update recordsets s set fields_version = s.fields_version + 1
            where s.workspace_id = :workspace and s.id = :id
            """,
            id=airports["id"],
        )
    place = {"recordset_id": airports["id"]}
    for person, sees in ((cast.owner, True), (cast.admin, True), (cast.member, False), (cast.viewer, False)):
        reader = client.as_(person)
        shown = [
            (await reader.get(f"{RECORDS}/{record['id']}")).json(),
            *(await list_page(reader, airports))["items"],
            *(await list_page(reader, None))["items"],
        ]
        expected = ("Livingston", "Point") if sees else ("", None)
        assert [(item["title"], item["geometry_type"]) for item in shown] == [expected] * 3
        assert (await list_page(reader, airports, search="livingston"))["total"] == sees
        assert (await reader.get(f"{RECORDS}/map", params=place)).status_code == (200 if sees else 403)
        assert (await reader.get(RECORDS, params={**place, "sort_by": "title"})).status_code == (200 if sees else 422)
    # Across recordsets only the owner, from whom nothing is hidden anywhere, finds by words meanwhile.
    assert (await list_page(client.as_(cast.owner), None, search="livingston"))["total"] == 1
    assert (await list_page(client.as_(cast.member), None, search="livingston"))["total"] == 0
