"""Link fields: what they may name, who sees it, and what becomes of it when it is deleted."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast
from tests.support.client import Client, refusal
from tests.support.events import event_types
from tests.support.records import create_record, create_recordset, grant

NAME = {"name": "Name", "type": "text"}


async def two_recordsets(client: Client, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Companies, and contacts that link to them in `company`."""
    companies = await create_recordset(client, name="Companies", fields=[NAME])
    link = {"name": "Company", "type": "link", "options": {"recordset": companies["slug"], **options}}
    contacts = await create_recordset(client, name="Contacts", fields=[NAME, link])
    return companies, contacts


async def company(client: Client, recordset: dict[str, Any], name: str) -> str:
    return (await create_record(client, recordset, {"name": name}))["id"]


async def read(client: Client, record_id: str) -> dict[str, Any]:
    response = await client.get(f"/api/v1/records/{record_id}")
    assert response.status_code == 200, response.text
    return response.json()


async def change(client: Client, record_id: str, **values: Any) -> dict[str, Any]:
    response = await client.patch(f"/api/v1/records/{record_id}", json={"field_values": values})
    assert response.status_code == 200, response.text
    return response.json()


async def mirrored(runtime: Runtime, workspace: UUID, source: str) -> set[str]:
    """What the table of links holds of a record."""
    async with runtime.database.unit(workspace) as unit:
        rows = await unit.rows(
            "select l.target_id from record_links l where l.workspace_id = :workspace and l.source_id = :source",
            source=UUID(source),
        )
    return {str(row["target_id"]) for row in rows}


async def test_a_link_is_kept_by_the_recordsets_id_and_shown_in_its_order(
    client: Client, cast: Cast, runtime: Runtime
) -> None:
    owner = client.as_(cast.owner)
    companies, contacts = await two_recordsets(owner)
    options = contacts["fields"][1]["options"]
    assert options == {"recordset": companies["id"], "multiple": True, "on_delete": "clear"}
    first, second = await company(owner, companies, "Acme"), await company(owner, companies, "Bolt")
    created = await create_record(owner, contacts, {"name": "Ann", "company": [second, first, second]})
    assert created["field_values"]["company"] == [second, first]
    assert (await read(owner, created["id"]))["field_values"] == created["field_values"]
    listed = (await owner.get("/api/v1/records", params={"recordset_id": contacts["id"]})).json()
    assert listed["items"][0]["field_values"] == created["field_values"]
    assert await mirrored(runtime, cast.acme, created["id"]) == {first, second}
    changed = await change(owner, created["id"], company=first)
    assert changed["field_values"]["company"] == [first]
    assert await mirrored(runtime, cast.acme, created["id"]) == {first}
    assert (await change(owner, created["id"], company=None))["field_values"]["company"] == []
    assert await mirrored(runtime, cast.acme, created["id"]) == set()


async def test_a_change_of_one_record_leaves_the_links_of_others(client: Client, cast: Cast, runtime: Runtime) -> None:
    owner = client.as_(cast.owner)
    companies, contacts = await two_recordsets(owner)
    acme, bolt = await company(owner, companies, "Acme"), await company(owner, companies, "Bolt")
    people = [await create_record(owner, contacts, {"name": name, "company": [acme, bolt]}) for name in "ab"]
    await change(owner, people[0]["id"], company=[bolt])
    await change(owner, people[0]["id"], company=[])
    await change(owner, acme, name="Acme Corp")
    assert (await read(owner, people[1]["id"]))["field_values"]["company"] == [acme, bolt]
    assert await mirrored(runtime, cast.acme, people[1]["id"]) == {acme, bolt}


@pytest.mark.parametrize("value", ["nobody", 5, [None], [{"id": "x"}], ["00000000-0000-7000-8000-000000000000"]])
async def test_what_is_no_record_is_refused(client: Client, cast: Cast, value: Any) -> None:
    owner = client.as_(cast.owner)
    _, contacts = await two_recordsets(owner)
    body = {"recordset_id": contacts["id"], "field_values": {"name": "Ann", "company": value}}
    response = await owner.post("/api/v1/records", json=body)
    assert refusal(response) == (422, "field_values_invalid")
    assert response.json()["errors"][0]["field"] == "company"


async def test_a_link_leads_to_its_own_recordset_only(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    companies, contacts = await two_recordsets(owner, multiple=False)
    ann = await create_record(owner, contacts, {"name": "Ann"})
    trashed = await company(owner, companies, "Gone")
    assert (await owner.delete(f"/api/v1/records/{trashed}")).status_code == 204
    both = [await company(owner, companies, "Acme"), await company(owner, companies, "Bolt")]
    for value in (ann["id"], trashed, both):
        response = await owner.patch(f"/api/v1/records/{ann['id']}", json={"field_values": {"company": value}})
        assert refusal(response) == (422, "field_values_invalid")
    assert (await change(owner, ann["id"], company=both[0]))["field_values"]["company"] == [both[0]]


async def test_links_to_what_the_caller_may_not_see_are_neither_shown_nor_lost(client: Client, cast: Cast) -> None:
    owner, member = client.as_(cast.owner), client.as_(cast.member)
    companies, contacts = await two_recordsets(owner)
    acme = await company(owner, companies, "Acme")
    ann = await create_record(owner, contacts, {"name": "Ann", "company": [acme]})
    await grant(owner, contacts, cast.member, "can_view", "can_edit", "can_create")
    assert (await read(member, ann["id"]))["field_values"] == {"name": "Ann", "company": []}
    params = {"recordset_id": contacts["id"], "column_filters": f'{{"company": {{"has": "{acme}"}}}}'}
    assert (await member.get("/api/v1/records", params=params)).json()["total"] == 0
    assert (await owner.get("/api/v1/records", params=params)).json()["total"] == 1
    everywhere = (await member.get("/api/v1/records")).json()["items"]
    assert [item["field_values"] for item in everywhere] == [{"name": "Ann"}]
    refused = await member.post(
        "/api/v1/records", json={"recordset_id": contacts["id"], "field_values": {"company": [acme]}}
    )
    assert refusal(refused) == (422, "field_values_invalid")
    assert (await change(member, ann["id"], company=[]))["field_values"]["company"] == []
    assert (await read(owner, ann["id"]))["field_values"]["company"] == [acme]
    history = f"/api/v1/records/{ann['id']}/history"
    assert acme in (await owner.get(history)).text
    assert acme not in (await member.get(history)).text


async def test_a_restricted_link_keeps_its_record(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    companies, contacts = await two_recordsets(owner, on_delete="restrict")
    acme = await company(owner, companies, "Acme")
    people = [await create_record(owner, contacts, {"name": name, "company": [acme]}) for name in "ab"]
    refused = await owner.delete(f"/api/v1/records/{acme}")
    assert refusal(refused) == (409, "record_linked")
    told = refused.json()
    assert (told["count"], told["recordset_id"], told["field"]) == (2, contacts["id"], "company")
    await grant(owner, companies, cast.member, "can_view", "can_delete")
    told = (await client.as_(cast.member).delete(f"/api/v1/records/{acme}")).json()
    assert told["code"] == "record_linked"
    assert not {"count", "recordset_id", "field"} & told.keys()
    for body in ({"record_ids": [acme]}, {"recordset_id": companies["id"], "all": True}):
        assert refusal(await owner.post("/api/v1/records/bulk-delete", json=body)) == (409, "record_linked")
    assert (await read(owner, acme))["status"] == "active"
    for person in people:
        assert (await owner.delete(f"/api/v1/records/{person['id']}")).status_code == 204
    assert (await owner.delete(f"/api/v1/records/{acme}")).status_code == 204


@pytest.mark.parametrize("way", ["one", "ids", "filter"])
async def test_links_are_cleared_with_a_version_and_an_event(
    client: Client, cast: Cast, runtime: Runtime, way: str
) -> None:
    owner = client.as_(cast.owner)
    companies, contacts = await two_recordsets(owner, on_delete="clear")
    acme, bolt = await company(owner, companies, "Acme"), await company(owner, companies, "Bolt")
    ann = await create_record(owner, contacts, {"name": "Ann", "company": [acme, bolt]})
    bob = await create_record(owner, contacts, {"name": "Bob", "company": [acme]})
    await delete(owner, way, acme, companies, "Acme")
    shown = await read(owner, ann["id"])
    assert (shown["field_values"]["company"], shown["version"]) == ([bolt], 2)
    assert (await read(owner, bob["id"]))["field_values"] == {"name": "Bob", "company": []}
    assert await mirrored(runtime, cast.acme, ann["id"]) == {bolt}
    history = (await owner.get(f"/api/v1/records/{ann['id']}/history")).json()["items"]
    assert history[0]["before"]["field_values"] == {"company": [acme, bolt]}
    assert history[0]["after"]["field_values"] == {"company": [bolt]}
    types = await event_types(runtime, cast.acme, entity_id=UUID(contacts["id"]))
    assert types.count("records.unlinked") == 1
    # Its return brings back nothing else.
    assert (await owner.post(f"/api/v1/records/{acme}/restore")).status_code == 200
    assert (await read(owner, bob["id"]))["field_values"]["company"] == []


async def delete(client: Client, way: str, record_id: str, recordset: dict[str, Any], name: str) -> None:
    if way == "one":
        assert (await client.delete(f"/api/v1/records/{record_id}")).status_code == 204
        return
    filters = {"recordset_id": recordset["id"], "all": True, "column_filters": {"name": name}}
    body = {"record_ids": [record_id]} if way == "ids" else filters
    response = await client.post("/api/v1/records/bulk-delete", json=body)
    assert response.status_code == 200, response.text
    assert response.json()["deleted"] == 1


async def test_a_cascade_takes_along_what_links_whatever_rights_there_are(
    client: Client, cast: Cast, runtime: Runtime
) -> None:
    owner, member = client.as_(cast.owner), client.as_(cast.member)
    companies, contacts = await two_recordsets(owner, on_delete="cascade")
    link = {"name": "Contact", "type": "link", "options": {"recordset": contacts["id"], "on_delete": "cascade"}}
    notes = await create_recordset(owner, name="Notes", fields=[NAME, link])
    acme, bolt = await company(owner, companies, "Acme"), await company(owner, companies, "Bolt")
    ann = await create_record(owner, contacts, {"name": "Ann", "company": [acme]})
    bob = await create_record(owner, contacts, {"name": "Bob", "company": [bolt]})
    note = await create_record(owner, notes, {"name": "Hello", "contact": [ann["id"]]})
    await grant(owner, companies, cast.member, "can_view", "can_delete")
    assert (await member.delete(f"/api/v1/records/{acme}")).status_code == 204
    for record_id in (acme, ann["id"], note["id"]):
        assert refusal(await owner.get(f"/api/v1/records/{record_id}")) == (404, "record_not_found")
    assert (await read(owner, bob["id"]))["status"] == "active"
    assert "records.deleted_by_link" in await event_types(runtime, cast.acme, entity_id=UUID(notes["id"]))
    summary = (await owner.get(f"/api/v1/recordsets/{contacts['slug']}")).json()
    assert summary["record_count"] == 1
    assert (await owner.post(f"/api/v1/records/{acme}/restore")).status_code == 200
    assert refusal(await owner.get(f"/api/v1/records/{ann['id']}")) == (404, "record_not_found")


async def test_a_recordset_in_the_trash_empties_the_links_to_it_until_it_returns(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    companies, contacts = await two_recordsets(owner, on_delete="restrict")
    acme = await company(owner, companies, "Acme")
    ann = await create_record(owner, contacts, {"name": "Ann", "company": [acme]})
    assert (await owner.delete(f"/api/v1/recordsets/{companies['slug']}")).status_code == 204
    assert (await read(owner, ann["id"]))["field_values"]["company"] == []
    fields = (await owner.get(f"/api/v1/recordsets/{contacts['slug']}")).json()["fields"]
    assert "in the trash" in fields[1]["problem"]
    restored = await owner.post(f"/api/v1/recordsets/trash/{companies['slug']}/restore")
    assert restored.status_code == 200
    assert (await read(owner, ann["id"]))["field_values"]["company"] == [acme]


async def test_a_backlink_shows_the_other_direction(client: Client, cast: Cast) -> None:
    owner, member = client.as_(cast.owner), client.as_(cast.member)
    companies, contacts = await two_recordsets(owner, inverse="People")
    fields = (await owner.get(f"/api/v1/recordsets/{companies['slug']}")).json()["fields"]
    assert (fields[1]["key"], fields[1]["type"], fields[1]["is_read_only"]) == ("people", "backlink", True)
    acme = await company(owner, companies, "Acme")
    people = [(await create_record(owner, contacts, {"name": name, "company": [acme]}))["id"] for name in "ab"]
    assert (await read(owner, acme))["field_values"]["people"] == people
    assert (await owner.delete(f"/api/v1/records/{people[0]}")).status_code == 204
    assert (await read(owner, acme))["field_values"]["people"] == people[1:]
    await grant(owner, companies, cast.member, "can_view", "can_edit")
    assert (await read(member, acme))["field_values"]["people"] == []
    refused = await owner.patch(f"/api/v1/records/{acme}", json={"field_values": {"people": people}})
    assert refusal(refused) == (403, "field_read_only")


async def test_a_record_links_to_its_own_recordset(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    parent = {"name": "Parent", "type": "link", "options": {"multiple": False, "on_delete": "cascade"}}
    tree = await create_recordset(owner, name="Tree", fields=[NAME, parent])
    assert tree["fields"][1]["options"]["recordset"] == tree["id"]
    above = await create_record(owner, tree, {"name": "above"})
    below = await create_record(owner, tree, {"name": "below", "parent": above["id"]})
    await change(owner, above["id"], parent=below["id"])
    assert (await owner.delete(f"/api/v1/records/{above['id']}")).status_code == 204
    listed = (await owner.get("/api/v1/records", params={"recordset_id": tree["id"]})).json()
    assert listed["total"] == 0


@pytest.mark.parametrize(
    "options",
    [
        {"recordset": "nowhere"},
        {"recordset": str(uuid4())},
        {"expression": "1"},
        {"on_delete": "explode"},
        {"recordset": "Companies", "choices": ["a"]},
    ],
)
async def test_bad_options_are_refused(client: Client, cast: Cast, options: dict[str, Any]) -> None:
    fields = [{"name": "Link", "type": "link", "options": options}]
    response = await client.as_(cast.owner).post("/api/v1/recordsets", json={"name": "Bad", "fields": fields})
    assert refusal(response) in {(422, "field_options_invalid"), (422, "validation_failed")}


async def test_a_recordset_that_the_caller_may_not_see_is_no_target(client: Client, cast: Cast) -> None:
    hidden = await create_recordset(client.as_(cast.owner), name="Hidden", fields=[NAME])
    foreign = await create_recordset(client.as_(cast.stranger), name="Foreign", fields=[NAME])
    for recordset in (hidden, foreign):
        fields = [{"name": "Link", "type": "link", "options": {"recordset": recordset["id"]}}]
        response = await client.as_(cast.member).post("/api/v1/recordsets", json={"name": "Mine", "fields": fields})
        assert refusal(response) == (422, "field_options_invalid")


async def test_an_inverse_needs_the_right_to_change_the_other_recordset(client: Client, cast: Cast) -> None:
    companies = await create_recordset(client.as_(cast.owner), name="Companies", fields=[NAME])
    await grant(client.as_(cast.owner), companies, cast.member, "can_view")
    options = {"recordset": companies["id"], "inverse": "People"}
    body = {"name": "Mine", "fields": [{"name": "Company", "type": "link", "options": options}]}
    response = await client.as_(cast.member).post("/api/v1/recordsets", json=body)
    assert refusal(response) == (403, "recordset_action_forbidden")
    fields = (await client.as_(cast.owner).get(f"/api/v1/recordsets/{companies['slug']}")).json()["fields"]
    assert len(fields) == 1
