"""Advice on promoting fields, from what lists ask for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from fostr.domains.records.usage.counting import WRITTEN_AFTER
from fostr.kernel import clock
from fostr.kernel.jobs.dispatch import dispatch
from fostr.kernel.runtime import Runtime
from tests.support.airports import list_page
from tests.support.cast import Cast
from tests.support.client import Client, refusal
from tests.support.inspection import StatementInspector
from tests.support.records import create_record, create_recordset, grant

FIELDS: list[dict[str, Any]] = [
    *({"key": f"n{number}", "name": f"N{number}", "type": "number", "is_promoted": True} for number in range(4)),
    {"key": "extra", "name": "Extra", "type": "number", "is_promoted": False},
    {"key": "city", "name": "City", "type": "text", "is_promoted": False},
    {"key": "seldom", "name": "Seldom", "type": "text", "is_promoted": False},
    {"key": "labels", "name": "Labels", "type": "multi_select"},
    {"key": "secret", "name": "Secret", "type": "text", "hidden_from": ["admin"], "is_promoted": False},
]


@pytest.fixture
async def recordset(client: Client, cast: Cast) -> dict[str, Any]:
    recordset = await create_recordset(client.as_(cast.owner), name="Sites", fields=FIELDS)
    await grant(client.as_(cast.owner), recordset, cast.viewer, "can_view")
    for number in range(3):
        await create_record(client.as_(cast.owner), recordset, {"city": f"C{number}", "extra": number})
    return recordset


async def use(client: Client, recordset: dict[str, Any], times: int, **params: Any) -> None:
    for _ in range(times):
        await list_page(client, recordset, **params)


async def suggested(client: Client, recordset: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the advice by the keys of fields, once everything that was counted has been written."""
    with clock.travel(to=clock.now() + WRITTEN_AFTER + timedelta(seconds=1)):
        await list_page(client, recordset, sort_by="n0")
    response = await client.get(f"/api/v1/recordsets/{recordset['id']}/promotion-suggestions")
    assert response.status_code == 200, response.text
    return {field["key"]: field for field in response.json()["fields"]}


async def test_what_lists_ask_for_is_counted_and_judged(client: Client, cast: Cast, recordset: dict[str, Any]) -> None:
    owner, viewer = client.as_(cast.owner), client.as_(cast.viewer)
    grouped = {"or": [{"field": "city", "op": "eq", "value": "C1"}, {"field": "extra", "op": "gt", "value": 1}]}
    await use(viewer, recordset, 6, filters=grouped, sort_by="city,n1")
    await use(owner, recordset, 5, column_filters={"extra": 1, "labels": "x"}, numeric_filters={"extra": {"min": 0}})
    await use(owner, recordset, 2, column_filters={"seldom": "x"})
    told = await suggested(owner, recordset)
    counted = {key: (one["filters"], one["sorts"]) for key, one in told.items()}
    assert counted == {
        "city": (6, 6), "extra": (11, 0), "labels": (5, 0), "seldom": (2, 0),
        "n0": (0, 1), "n1": (0, 6), "n2": (0, 0), "n3": (0, 0),
    }  # fmt: skip
    advice = {key: one["advice"] for key, one in told.items()}
    assert advice == {
        "city": "promote", "extra": "exchange", "labels": "none", "seldom": "none",
        "n0": "keep", "n1": "keep", "n2": "release", "n3": "release",
    }  # fmt: skip
    assert list(told)[:2] == ["city", "extra"]
    assert told["extra"]["instead_of"] in {"n2", "n3"}
    assert (told["city"]["records_spared"], told["n1"]["is_promoted"]) == (36, True)


async def test_a_suggestion_can_be_followed(client: Client, cast: Cast, recordset: dict[str, Any]) -> None:
    owner = client.as_(cast.owner)
    await use(owner, recordset, 10, sort_by="extra")
    told = await suggested(owner, recordset)
    exchange = [{"key": told["extra"]["instead_of"], "is_promoted": False}, {"key": "extra", "is_promoted": True}]
    changed = await owner.patch(f"/api/v1/recordsets/{recordset['id']}", json={"fields": exchange})
    assert changed.status_code == 200, changed.text
    assert (await suggested(owner, recordset))["extra"]["advice"] == "keep"


async def test_a_list_writes_nothing_until_it_is_due(
    client: Client, cast: Cast, recordset: dict[str, Any], inspector: StatementInspector
) -> None:
    owner = client.as_(cast.owner)
    counts: list[int] = []
    await use(owner, recordset, 1, sort_by="n0")
    for _ in range(3):
        before = inspector.count
        await list_page(owner, recordset, sort_by="n0")
        counts.append(inspector.count - before)
    assert len(set(counts)) == 1
    response = await owner.get(f"/api/v1/recordsets/{recordset['id']}/promotion-suggestions")
    assert {field["sorts"] for field in response.json()["fields"]} == {0}


async def test_hidden_fields_are_not_spoken_of(client: Client, cast: Cast, recordset: dict[str, Any]) -> None:
    await use(client.as_(cast.owner), recordset, 10, column_filters={"secret": "x"})
    assert "secret" in await suggested(client.as_(cast.owner), recordset)
    response = await client.as_(cast.admin).get(f"/api/v1/recordsets/{recordset['id']}/promotion-suggestions")
    assert "secret" not in {field["key"] for field in response.json()["fields"]}


async def test_only_administrators_are_advised(client: Client, cast: Cast, recordset: dict[str, Any]) -> None:
    path = f"/api/v1/recordsets/{recordset['id']}/promotion-suggestions"
    assert refusal(await client.as_(cast.viewer).get(path)) == (403, "recordset_action_forbidden")
    assert refusal(await client.as_(cast.member).get(path)) == (404, "recordset_not_found")
    assert refusal(await client.as_(cast.stranger).get(path)) == (404, "recordset_not_found")


async def test_old_counts_are_forgotten(
    client: Client,
    cast: Cast,
    recordset: dict[str, Any],
    runtime: Runtime,
    run_jobs: Callable[[], Awaitable[None]],
) -> None:
    owner = client.as_(cast.owner)
    await use(owner, recordset, 10, sort_by="extra")
    assert (await suggested(owner, recordset))["extra"]["sorts"] == 10
    async with runtime.database.unit(cast.acme) as unit:
        await unit.run(
            "update field_uses u set day = u.day - 31 where u.workspace_id = :workspace and u.sorts = 10",
        )
    assert "extra" not in await suggested(owner, recordset)
    with clock.travel(to=clock.now() + timedelta(days=45)):
        async with runtime.database.unit() as unit:
            await dispatch(unit, "records.prune_field_uses", {}, workspace=None)
        await run_jobs()
    async with runtime.database.unit(cast.acme) as unit:
        kept = await unit.value("select count(*) from field_uses u where u.workspace_id = :workspace")
    assert kept == 1
