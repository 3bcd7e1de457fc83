"""Parts of the product that a workspace switches off and on, and sets."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field

from fostr.domains.records.modules import RECORDS
from fostr.kernel.http.routing import EdgeRoute, guard_kind
from fostr.kernel.modules import Module, register_module
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast, create_token
from tests.support.client import Client, refusal
from tests.support.events import event_types
from tests.support.records import create_record, create_recordset

PATH = "/api/v1/modules"
OURS = f"{PATH}/{RECORDS.name}"


class ShipSettings(BaseModel):
    """What can be set about the module of these tests."""

    crew: Annotated[int, Field(ge=1, le=100)] = 5
    flag: str = "red"


@pytest.fixture
def ships() -> Iterator[Module]:
    """A module that is off unless a workspace wants it, with two settings."""
    module = Module("ships", "Ships", "Ships and their crews.", is_enabled=False, settings=ShipSettings)
    forget = register_module(module)
    yield module
    forget()


async def test_every_member_sees_the_modules(client: Client, cast: Cast) -> None:
    ours = (await client.as_(cast.viewer).get(OURS)).json()
    assert (ours["is_enabled"], ours["is_customised"], ours["version"]) == (True, False, 0)
    for person in cast.people():
        assert ours in (await client.as_(person).get(PATH)).json()
    assert refusal(await client.as_(cast.viewer).get(f"{PATH}/ships")) == (404, "module_not_found")
    assert refusal(await client.as_(cast.stranger, workspace=cast.acme).get(PATH)) == (404, "not_found")


async def test_what_is_switched_off_is_refused_and_kept(client: Client, cast: Cast, runtime: Runtime) -> None:
    owner = client.as_(cast.owner)
    recordset = await create_recordset(owner, fields=[{"name": "Name", "type": "text"}])
    record = await create_record(owner, recordset, {"name": "Moffett"})
    off = await client.as_(cast.admin).post(f"{OURS}/toggle")
    assert (off.status_code, off.json()["is_enabled"], off.json()["is_customised"]) == (200, False, True)
    for response in (
        await owner.get("/api/v1/recordsets"),
        await owner.get(f"/api/v1/records/{record['id']}"),
        await owner.get(f"/api/v1/records/{record['id']}/comments"),
        await owner.post("/api/v1/recordsets", json={"name": "Ships"}),
        await owner.get("/api/v1/import/jobs"),
    ):
        assert refusal(response) == (403, "module_disabled")
        assert response.json()["module"] == "records"
    key = await create_token(runtime, cast.owner.user_id, workspace_id=cast.acme)
    assert refusal(await client.with_token(key).get("/api/v1/recordsets")) == (403, "module_disabled")
    # Other parts, and other workspaces, go on.
    assert (await owner.get("/api/v1/members")).status_code == 200
    assert (await client.as_(cast.stranger).get("/api/v1/recordsets")).status_code == 200
    assert refusal(await client.as_(cast.stranger, workspace=cast.acme).get("/api/v1/recordsets")) == (404, "not_found")

    on = await client.as_(cast.admin).post(f"{OURS}/toggle")
    assert (on.json()["is_enabled"], on.json()["is_customised"], on.json()["version"]) == (True, False, 2)
    assert (await owner.get(f"/api/v1/records/{record['id']}")).json()["title"] == "Moffett"
    assert await event_types(runtime, cast.acme, entity_id=cast.acme) == [
        "workspace.created",
        "module.changed",
        "module.changed",
    ]


def test_modules_have_names_of_their_own() -> None:
    with pytest.raises(ValueError, match="twice"):
        register_module(replace(RECORDS, label="Something else"))


def test_every_operation_on_records_belongs_to_the_module(app: FastAPI) -> None:
    ours = [
        route
        for route in app.router.routes
        if isinstance(route, APIRoute) and route.endpoint.__module__.startswith("fostr.domains.records.")
    ]
    assert ours
    outside = {route.path for route in ours if not isinstance(route, EdgeRoute) or route.module is not RECORDS}
    assert outside == set()
    undocumented = {
        route.path
        for route in ours
        if guard_kind(route.dependant) == "workspace" and "module_disabled" not in str(route.responses.get(403))
    }
    assert undocumented == set()


async def test_settings_keep_what_differs(client: Client, cast: Cast, runtime: Runtime, ships: Module) -> None:
    admin = client.as_(cast.admin)
    as_it_comes = (await admin.get(f"{PATH}/ships")).json()
    assert (as_it_comes["is_enabled"], as_it_comes["settings"]) == (False, {"crew": 5, "flag": "red"})
    created = await admin.post(
        PATH, json={"module": "ships", "is_enabled": True, "settings": {"crew": 5, "flag": "blue"}}
    )
    assert created.status_code == 201
    assert created.json()["settings"] == {"crew": 5, "flag": "blue"}
    assert await kept(runtime, cast) == {"is_enabled": True, "settings": {"flag": "blue"}}
    again = await admin.post(PATH, json={"module": "ships"})
    assert refusal(again) == (409, "module_settings_exist")
    changed = await admin.patch(f"{PATH}/ships", json={"settings": {"crew": 7}})
    assert changed.json()["settings"] == {"crew": 7, "flag": "blue"}
    back = await admin.patch(f"{PATH}/ships", json={"is_enabled": False, "settings": {"crew": 5, "flag": "red"}})
    assert (back.json()["is_customised"], back.json()["version"]) == (False, 3)
    assert await kept(runtime, cast) == {"is_enabled": None, "settings": {}}


async def kept(runtime: Runtime, cast: Cast) -> dict[str, Any]:
    async with runtime.database.unit(cast.acme) as unit:
        row = await unit.row(
            """
            select s.is_enabled, s.settings from module_settings s
            where s.workspace_id = :workspace and s.module = 'ships'
            """
        )
    assert row is not None
    return dict(row)


async def test_what_does_not_fit_is_refused(client: Client, cast: Cast, runtime: Runtime, ships: Module) -> None:
    admin = client.as_(cast.admin)
    for settings in ({"crew": 0}, {"crew": "many"}, {"sails": 3}):
        refused = await admin.patch(f"{PATH}/ships", json={"settings": settings})
        assert refusal(refused) == (422, "module_settings_invalid")
        assert refused.json()["faults"][0]["loc"] == list(settings)
    assert refusal(await admin.patch(OURS, json={"settings": {"a": 1}})) == (422, "module_settings_invalid")
    assert refusal(await admin.post(PATH, json={"module": "boats"})) == (422, "module_unknown")
    assert refusal(await admin.post(PATH, json={})) == (422, "validation_failed")
    assert refusal(await admin.patch(f"{PATH}/boats", json={})) == (404, "module_not_found")
    stale = await admin.patch(f"{PATH}/ships", json={"is_enabled": True}, headers={"If-Match": '"4"'})
    assert refusal(stale) == (409, "stale_update")
    assert (await admin.get(f"{PATH}/ships")).json()["version"] == 0


async def test_only_administrators_switch(client: Client, cast: Cast, runtime: Runtime) -> None:
    for person in (cast.member, cast.viewer):
        for response in (
            await client.as_(person).post(f"{OURS}/toggle"),
            await client.as_(person).patch(OURS, json={"is_enabled": False}),
            await client.as_(person).post(PATH, json={"module": "records", "is_enabled": False}),
        ):
            assert refusal(response) == (403, "forbidden")
    writer = client.with_token(await create_token(runtime, cast.owner.user_id, scope="write"), workspace=cast.acme)
    assert refusal(await writer.post(f"{OURS}/toggle")) == (403, "pat_scope_insufficient")
    assert (await client.as_(cast.viewer).get("/api/v1/recordsets")).status_code == 200


async def test_many_who_toggle_at_once_each_count(client: Client, cast: Cast) -> None:
    answers = await asyncio.gather(*(client.as_(cast.admin).post(f"{OURS}/toggle") for _ in range(6)))
    assert sorted(answer.json()["version"] for answer in answers) == [1, 2, 3, 4, 5, 6]
    assert (await client.as_(cast.admin).get(OURS)).json()["is_enabled"] is True
    assert (await client.as_(cast.owner).get("/api/v1/recordsets")).status_code == 200


async def test_a_switch_makes_cached_rights_void(client: Client, cast: Cast, runtime: Runtime) -> None:
    async def epoch() -> int:
        async with runtime.database.unit() as unit:
            return await unit.value("select rights_epoch from workspaces where id = :id", id=cast.acme)

    before = await epoch()
    await client.as_(cast.admin).post(f"{OURS}/toggle")
    assert await epoch() == before + 1
    await client.as_(cast.admin).patch(OURS, json={"is_enabled": False})
    assert await epoch() == before + 1
