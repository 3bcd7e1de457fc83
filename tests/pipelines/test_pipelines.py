"""The pipeline of a recordset: its stages, the field that holds them, and who sees and makes it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast
from tests.support.client import Client, refusal
from tests.support.events import event_types
from tests.support.records import create_record, create_recordset, grant

FIELDS: list[dict[str, Any]] = [
    {"name": "Name", "type": "text"},
    {"name": "Status", "type": "select", "options": {"choices": ["Lead", "Customer"]}},
    {"name": "Free", "type": "select"},
]


@pytest.fixture
async def recordset(client: Client, cast: Cast) -> dict[str, Any]:
    """The owner's, which the member may edit and the viewer see."""
    recordset = await create_recordset(client.as_(cast.owner), name="Deals", fields=FIELDS)
    await grant(client.as_(cast.owner), recordset, cast.member, "can_edit")
    await grant(client.as_(cast.owner), recordset, cast.viewer, "can_view")
    return recordset


@pytest.fixture
def path(recordset: dict[str, Any]) -> str:
    return f"/api/v1/recordsets/{recordset['id']}/pipeline"


async def make(client: Client, path: str, **data: Any) -> dict[str, Any]:
    response = await client.post(path, json=data)
    assert response.status_code == 201, response.text
    return response.json()


async def test_a_recordset_without_one_says_so(client: Client, cast: Cast, path: str) -> None:
    assert refusal(await client.as_(cast.viewer).get(path)) == (404, "pipeline_not_found")


async def test_stages_are_choices_of_a_field_of_their_own(
    client: Client, cast: Cast, recordset: dict[str, Any], path: str, runtime: Runtime
) -> None:
    stages = [
        {"name": "Contacted", "probability": 20, "color": "#336699"},
        {"name": "Signed", "value": "won", "kind": "won"},
        {"name": "Declined", "kind": "lost"},
    ]
    made = await make(client.as_(cast.owner), path, name="Sales", stages=stages)
    assert (made["name"], made["stage_field"], made["version"]) == ("Sales", "stage", 1)
    told = [(s["name"], s["value"], s["kind"], s["probability"], s["position"]) for s in made["stages"]]
    assert told == [
        ("Contacted", "Contacted", "open", 20, 0),
        ("Signed", "won", "won", 100, 1),
        ("Declined", "Declined", "lost", 0, 2),
    ]
    by_slug = f"/api/v1/recordsets/{recordset['slug']}"
    assert (await client.as_(cast.viewer).get(f"{by_slug}/pipeline")).json() == made
    fields = (await client.as_(cast.owner).get(by_slug)).json()["fields"]
    field = next(entry for entry in fields if entry["key"] == "stage")
    assert (field["type"], field["options"]["choices"]) == ("select", ["Contacted", "won", "Declined"])
    assert field["options"]["colors"] == {"Contacted": "#336699"}
    record = await create_record(client.as_(cast.owner), recordset, {"name": "Acme", "stage": "won"})
    assert record["field_values"]["stage"] == "won"
    assert await event_types(runtime, cast.acme, entity_id=UUID(made["id"])) == ["pipeline.created"]


async def test_a_field_that_there_is_gets_what_it_lacks(
    client: Client, cast: Cast, recordset: dict[str, Any], path: str
) -> None:
    stages = [{"name": "Lead"}, {"name": "Trial"}, {"name": "Customer", "kind": "won"}]
    made = await make(client.as_(cast.owner), path, stage_field="status", stages=stages)
    assert (made["name"], made["stage_field"]) == ("Deals", "status")
    fields = (await client.as_(cast.owner).get(f"/api/v1/recordsets/{recordset['slug']}")).json()["fields"]
    choices = next(entry for entry in fields if entry["key"] == "status")["options"]["choices"]
    assert choices == ["Lead", "Customer", "Trial"]
    assert [entry["key"] for entry in fields] == ["name", "status", "free"]


@pytest.mark.parametrize(
    ("data", "names"),
    [
        ({"stage_field": "status"}, ["Lead", "Customer"]),
        ({}, ["New", "Qualified", "Proposal", "Negotiation", "Won", "Lost"]),
        ({"stage_field": "free"}, ["New", "Qualified", "Proposal", "Negotiation", "Won", "Lost"]),
    ],
)
async def test_stages_that_nobody_names_come_from_the_field_or_are_the_usual(
    client: Client, cast: Cast, path: str, data: dict[str, Any], names: list[str]
) -> None:
    assert [stage["name"] for stage in (await make(client.as_(cast.owner), path, **data))["stages"]] == names


async def test_a_recordset_has_one(client: Client, cast: Cast, path: str) -> None:
    await make(client.as_(cast.owner), path)
    again = await client.as_(cast.owner).post(path, json={"name": "Other"})
    assert refusal(again) == (409, "pipeline_exists")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({"stage_field": "name"}, "stage_field_invalid"),
        ({"stage_field": "gone"}, "stage_field_invalid"),
        ({"stages": [{"name": "A"}, {"name": "B", "value": "A"}]}, "pipeline_stages_invalid"),
        ({"stages": [{"name": "A", "kind": "won", "probability": 50}]}, "pipeline_stages_invalid"),
        ({"stages": [{"name": "A", "probability": 101}]}, "validation_failed"),
        ({"stages": [{"name": "A", "color": "red"}]}, "validation_failed"),
        ({"stages": [{"name": " "}]}, "validation_failed"),
        ({"more": 1}, "validation_failed"),
    ],
)
async def test_bad_input_is_refused_and_nothing_kept(
    client: Client, cast: Cast, recordset: dict[str, Any], path: str, data: dict[str, Any], code: str
) -> None:
    assert refusal(await client.as_(cast.owner).post(path, json=data)) == (422, code)
    assert refusal(await client.as_(cast.owner).get(path)) == (404, "pipeline_not_found")
    fields = (await client.as_(cast.owner).get(f"/api/v1/recordsets/{recordset['slug']}")).json()["fields"]
    assert [entry["key"] for entry in fields] == ["name", "status", "free"]


async def test_only_administrators_of_the_recordset_make_one(client: Client, cast: Cast, path: str) -> None:
    assert refusal(await client.as_(cast.viewer).post(path, json={})) == (403, "forbidden")
    assert refusal(await client.as_(cast.member).post(path, json={})) == (403, "recordset_action_forbidden")
    assert (await client.as_(cast.admin).post(path, json={})).status_code == 201


async def test_a_stranger_learns_nothing(client: Client, cast: Cast, path: str) -> None:
    await make(client.as_(cast.owner), path)
    assert refusal(await client.as_(cast.stranger).get(path)) == (404, "recordset_not_found")
    assert refusal(await client.as_(cast.stranger).post(path, json={})) == (404, "recordset_not_found")
    assert refusal(await client.anonymous().get(path)) == (401, "unauthorized")


async def test_whose_stages_are_hidden_is_not_there(
    client: Client, cast: Cast, recordset: dict[str, Any], path: str
) -> None:
    await make(client.as_(cast.owner), path, stage_field="status")
    own = f"/api/v1/recordsets/{recordset['slug']}"
    hidden = {"fields": [{"key": "status", "hidden_from": ["viewer"]}]}
    assert (await client.as_(cast.owner).patch(own, json=hidden)).status_code == 200
    assert refusal(await client.as_(cast.viewer).get(path)) == (404, "pipeline_not_found")
    assert (await client.as_(cast.member).get(path)).status_code == 200
    assert (await client.as_(cast.owner).patch(own, json={"remove_fields": ["status"]})).status_code == 200
    assert refusal(await client.as_(cast.owner).get(path)) == (404, "pipeline_not_found")


async def test_it_goes_with_its_recordset(
    client: Client, cast: Cast, recordset: dict[str, Any], path: str, runtime: Runtime
) -> None:
    made = await make(client.as_(cast.owner), path)
    owner, slug = client.as_(cast.owner), recordset["slug"]
    assert (await owner.delete(f"/api/v1/recordsets/{slug}")).status_code == 204
    assert refusal(await owner.get(path)) == (404, "recordset_not_found")
    assert (await owner.delete(f"/api/v1/recordsets/trash/{slug}")).status_code in {200, 204}
    async with runtime.database.unit(cast.acme) as unit:
        left = await unit.value(
            """
            select count(*) from pipelines p left join pipeline_stages s
                on s.workspace_id = :workspace and s.pipeline_id = p.id
            where p.workspace_id = :workspace and p.id = :id
            """,
            id=UUID(made["id"]),
        )
    assert left == 0
