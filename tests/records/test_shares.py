"""Share links: who makes them, what the world sees by them, and when it sees nothing any more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from fostr.domains.records.shares.rules import TRIES_PER_ADDRESS
from fostr.kernel import clock
from fostr.kernel.jobs.dispatch import dispatch
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast
from tests.support.client import Client, refusal
from tests.support.events import event_types
from tests.support.records import create_record, create_recordset, grant

FIELDS: list[dict[str, Any]] = [
    {"name": "Name", "type": "text"},
    {"name": "City", "type": "text"},
    {"name": "Size", "type": "number"},
    {"name": "Public", "type": "boolean"},
    {"name": "Lead", "type": "member"},
    {"name": "Salary", "type": "number", "hidden_from": ["admin", "member", "viewer"]},
    {"name": "Notes", "type": "long_text"},
]
SHOWN = {
    "filters": {"field": "public", "op": "eq", "value": True},
    "sorts": [{"field": "size", "direction": "desc"}],
    "hidden_fields": ["public", "notes"],
    "field_order": ["city", "name"],
}


@pytest.fixture
async def recordset(client: Client, cast: Cast) -> dict[str, Any]:
    """The owner's, with four records, one of which is not public."""
    owner = client.as_(cast.owner)
    recordset = await create_recordset(owner, name="Offices", fields=FIELDS)
    await grant(owner, recordset, cast.member, "can_edit")
    for name, size, public in (("Alpha", 3, True), ("Beta", 9, True), ("Gamma", 5, True), ("Delta", 7, False)):
        values = {"name": name, "city": f"{name} town", "size": size, "public": public, "salary": size * 1000}
        values |= {"lead": [str(cast.member.member_id)], "notes": f"secret {name}"}
        await create_record(owner, recordset, values)
    return recordset


@pytest.fixture
async def path(client: Client, cast: Cast, recordset: dict[str, Any]) -> str:
    """Where the links of a shared view are."""
    views = f"/api/v1/recordsets/{recordset['slug']}/views"
    body = {"name": "Our offices", "description": "All.", "visibility": "shared", "config": SHOWN}
    view = await client.as_(cast.owner).post(views, json=body)
    assert view.status_code == 201, view.text
    return f"{views}/{view.json()['id']}/share-links"


async def share(client: Client, path: str, **data: Any) -> dict[str, Any]:
    response = await client.post(path, json=data)
    assert response.status_code == 201, response.text
    return response.json()


def table_of(link: dict[str, Any]) -> str:
    return f"/api/v1/public/tables/{link['token']}"


async def rows_of(client: Client, link: dict[str, Any], **params: Any) -> dict[str, Any]:
    response = await client.anonymous().get(f"{table_of(link)}/rows", params=params)
    assert response.status_code == 200, response.text
    return response.json()


async def names_of(client: Client, link: dict[str, Any], **params: Any) -> list[str]:
    return [row["field_values"]["name"] for row in (await rows_of(client, link, **params))["items"]]


async def test_the_world_sees_what_the_view_shows(
    client: Client, cast: Cast, recordset: dict[str, Any], path: str
) -> None:
    link = await share(client.as_(cast.owner), path)
    assert link["url"].endswith(table_of(link))
    shown = await client.anonymous().get(table_of(link))
    assert shown.status_code == 200, shown.text
    table = shown.json()
    assert (table["name"], table["description"], table["type"]) == ("Our offices", "All.", "grid")
    assert [field["key"] for field in table["fields"]] == ["city", "name", "size", "lead", "salary"]
    assert (table["config"]["sorts"], table["config"]["field_order"]) == (SHOWN["sorts"], ["city", "name"])
    page = await rows_of(client, link)
    assert [row["field_values"]["name"] for row in page["items"]] == ["Beta", "Gamma", "Alpha"]
    assert (page["total"], page["has_more"], page["total_is_exact"]) == (3, False, True)
    assert page["items"][0]["field_values"]["lead"] == ["Member Example"]
    told = shown.text + (await client.anonymous().get(f"{table_of(link)}/rows")).text
    internal = (recordset["id"], str(cast.acme), cast.member.email, "secret", "public", "notes")
    assert not [word for word in internal if word in told.replace("public/tables", "")]
    assert all(str(person.member_id) not in told and str(person.user_id) not in told for person in cast.people())
    records = (await client.as_(cast.owner).get("/api/v1/records", params={"recordset_id": recordset["id"]})).json()
    assert not [record["id"] for record in records["items"] if record["id"] in told]
    assert len({row["id"] for row in page["items"]}) == 3


async def test_nobody_keeps_a_copy_and_nothing_is_indexed(client: Client, cast: Cast, path: str) -> None:
    link = await share(client.as_(cast.owner), path)
    for address in (table_of(link), f"{table_of(link)}/rows"):
        headers = (await client.anonymous().get(address)).headers
        assert headers["cache-control"] == "private, no-store"
        assert headers["x-robots-tag"] == "noindex, nofollow"


async def test_searches_filters_and_sorts_know_what_is_shown(client: Client, cast: Cast, path: str) -> None:
    link = await share(client.as_(cast.owner), path)
    assert await names_of(client, link, search="bet") == ["Beta"]
    assert await names_of(client, link, search="town gam") == ["Gamma"]
    assert await names_of(client, link, search="eta") == []
    assert await names_of(client, link, search="secret") == []
    assert await names_of(client, link, search=".*") == []
    assert await names_of(client, link, sort_by="name") == ["Alpha", "Beta", "Gamma"]
    assert await names_of(client, link, numeric_filters='{"size": {"min": 5}}') == ["Beta", "Gamma"]
    nested = '{"or": [{"field": "name", "op": "eq", "value": "Alpha"}, {"field": "size", "op": "gt", "value": 8}]}'
    assert await names_of(client, link, filters=nested) == ["Beta", "Alpha"]
    part = await rows_of(client, link, page=2, page_size=2)
    assert ([row["field_values"]["name"] for row in part["items"]], part["total"], part["has_more"]) == (
        ["Alpha"],
        3,
        False,
    )
    assert (await rows_of(client, link, page_size=2))["has_more"] is True
    rows = f"{table_of(link)}/rows"
    for params, code in (
        ({"sort_by": "notes"}, "sort_invalid"),
        ({"sort_by": "created_at"}, "sort_invalid"),
        ({"sort_by": "title"}, "sort_invalid"),
        ({"column_filters": '{"notes": "x"}'}, "filter_invalid"),
        ({"filters": '{"field": "public", "op": "eq", "value": false}'}, "filter_invalid"),
        ({"filters": '{"not": {"field": "@owner_id", "op": "empty", "value": true}}'}, "filter_invalid"),
        ({"filters": '{"field": "gone", "op": "eq", "value": 1}'}, "filter_invalid"),
        ({"column_filters": '{"name": {"eq": {"$viewer": "email"}}}'}, "filter_invalid"),
        ({"filters": '{"not": {"field": "name", "op": "eq", "value": {"\\u0024viewer": "email"}}}'}, "filter_invalid"),
    ):
        assert refusal(await client.anonymous().get(rows, params=params)) == (422, code), params


async def test_what_is_added_later_is_shown_when_somebody_says_so(
    client: Client, cast: Cast, recordset: dict[str, Any], path: str
) -> None:
    owner = client.as_(cast.owner)
    link = await share(owner, path, fields=["name", "size"])
    assert link["fields"] == ["name", "size"]
    more = {"fields": [{"name": "Rent", "type": "number"}]}
    assert (await owner.patch(f"/api/v1/recordsets/{recordset['slug']}", json=more)).status_code == 200
    table = (await client.anonymous().get(table_of(link))).json()
    assert [field["key"] for field in table["fields"]] == ["name", "size"]
    widened = await owner.patch(f"{path}/{link['id']}", json={"fields": None})
    assert "rent" in widened.json()["fields"]
    table = (await client.anonymous().get(table_of(link))).json()
    assert "rent" in [field["key"] for field in table["fields"]]
    hidden = await owner.patch(f"{path}/{link['id']}", json={"fields": ["notes"]})
    assert refusal(hidden) == (422, "share_link_fields_invalid")


async def test_a_link_shows_what_its_maker_may_see_now(
    client: Client, cast: Cast, recordset: dict[str, Any], path: str
) -> None:
    by_admin = await share(client.as_(cast.admin), path)
    assert "salary" not in by_admin["fields"]
    owner, own = client.as_(cast.owner), f"/api/v1/recordsets/{recordset['slug']}"
    hidden = {"fields": [{"key": "city", "hidden_from": ["admin"]}]}
    assert (await owner.patch(own, json=hidden)).status_code == 200
    page = await client.anonymous().get(f"{table_of(by_admin)}/rows")
    assert "town" not in page.text
    # Without the condition, which the maker cannot apply any more, the world would see what is not public.
    closing = {"fields": [{"key": "public", "hidden_from": ["admin"]}]}
    assert (await owner.patch(own, json=closing)).status_code == 200
    gone = await client.anonymous().get(f"{table_of(by_admin)}/rows")
    assert refusal(gone) == (404, "share_link_not_found")


async def test_a_link_ends_with_its_makers_right(
    client: Client, cast: Cast, recordset: dict[str, Any], path: str
) -> None:
    owner = client.as_(cast.owner)
    assert refusal(await client.as_(cast.member).post(path, json={})) == (403, "recordset_action_forbidden")
    await grant(owner, recordset, cast.member, "can_admin")
    link = await share(client.as_(cast.member), path)
    assert (await client.anonymous().get(table_of(link))).status_code == 200
    await grant(owner, recordset, cast.member, "can_edit")
    assert refusal(await client.anonymous().get(table_of(link))) == (404, "share_link_not_found")
    await grant(owner, recordset, cast.member, "can_admin")
    assert (await client.anonymous().get(table_of(link))).status_code == 200
    assert (await owner.delete(f"/api/v1/members/{cast.member.member_id}")).status_code in {200, 204}
    assert refusal(await client.anonymous().get(table_of(link))) == (404, "share_link_not_found")


async def test_unknown_revoked_over_and_trashed_links_answer_alike(
    client: Client, cast: Cast, recordset: dict[str, Any], path: str, runtime: Runtime
) -> None:
    owner, nobody = client.as_(cast.owner), client.anonymous()
    revoked, ending, left = [await share(owner, path, name=name) for name in ("a", "b", "c")]
    ended = await owner.delete(f"{path}/{revoked['id']}")
    assert (ended.status_code, ended.json()["is_open"]) == (200, False)
    assert ended.json()["revoked_at"] is not None
    soon = (clock.now() + timedelta(hours=1)).isoformat()
    assert (await owner.patch(f"{path}/{ending['id']}", json={"expires_at": soon})).status_code == 200
    assert (await nobody.get(table_of(ending))).status_code == 200
    with clock.travel(to=clock.now() + timedelta(hours=2)):
        over = await nobody.get(table_of(ending))
    made_up = {"token": revoked["token"][:-1] + ("a" if revoked["token"][-1] != "a" else "b")}
    answers = [await nobody.get(table_of(revoked)), over, await nobody.get(table_of(made_up))]
    assert (await owner.delete(f"/api/v1/recordsets/{recordset['slug']}")).status_code == 204
    answers.append(await nobody.get(f"{table_of(left)}/rows"))
    bodies = [{**answer.json(), "request_id": ""} for answer in answers]
    assert [answer.status_code for answer in answers] == [404] * 4
    assert all(body == bodies[0] for body in bodies)
    assert bodies[0]["code"] == "share_link_not_found"
    assert await event_types(runtime, cast.acme, entity_id=UUID(revoked["id"])) == [
        "share_link.created",
        "share_link.revoked",
    ]


async def test_a_password_is_asked_for_and_cannot_be_guessed(client: Client, cast: Cast, path: str) -> None:
    link = await share(client.as_(cast.owner), path, password="open sesame")
    assert (link["has_password"], "password" in str(sorted(link))) == (True, True)
    nobody, address = client.anonymous(), table_of(link)
    assert refusal(await nobody.get(address)) == (401, "share_password_required")
    right = await nobody.get(f"{address}/rows", headers={"X-Share-Password": "open sesame"})
    assert right.status_code == 200
    for _ in range(TRIES_PER_ADDRESS.most):
        wrong = await nobody.get(address, headers={"X-Share-Password": "open barley"})
        assert refusal(wrong) == (401, "share_password_wrong")
    blocked = await nobody.get(address, headers={"X-Share-Password": "open sesame"})
    assert refusal(blocked) == (429, "share_password_throttled")
    assert int(blocked.headers["retry-after"]) > 0
    freed = await client.as_(cast.owner).patch(f"{path}/{link['id']}", json={"password": None})
    assert freed.json()["has_password"] is False
    assert (await nobody.get(address)).status_code == 200


async def test_visits_are_counted_and_not_requests(client: Client, cast: Cast, path: str) -> None:
    link = await share(client.as_(cast.owner), path)
    for _ in range(3):
        await client.anonymous().get(table_of(link))
        await rows_of(client, link)
    [seen] = (await client.as_(cast.owner).get(path)).json()["items"]
    assert (seen["view_count"], seen["version"], "token" in seen) == (1, 1, False)
    assert seen["last_viewed_at"] is not None
    with clock.travel(to=clock.now() + timedelta(hours=1)):
        await client.anonymous().get(table_of(link))
    [seen] = (await client.as_(cast.owner).get(path)).json()["items"]
    assert seen["view_count"] == 2


async def test_rows_are_taken_along_only_where_that_is_allowed(
    client: Client, cast: Cast, recordset: dict[str, Any], path: str
) -> None:
    owner, nobody = client.as_(cast.owner), client.anonymous()
    await create_record(owner, recordset, {"name": "=1+1", "city": "x", "size": 1, "public": True})
    link = await share(owner, path)
    assert refusal(await nobody.get(f"{table_of(link)}/download")) == (403, "share_download_forbidden")
    assert (await owner.patch(f"{path}/{link['id']}", json={"allows_download": True})).status_code == 200
    file = await nobody.get(f"{table_of(link)}/download")
    assert file.status_code == 200
    lines = file.text.lstrip("\ufeff").splitlines()
    assert lines[0] == "City,Name,Size,Lead,Salary"
    assert lines[1] == "Beta town,Beta,9,Member Example,9000"
    assert [line.split(",")[1] for line in lines[1:]] == ["Beta", "Gamma", "Alpha", "'=1+1"]


async def test_what_the_world_sees_is_widened_by_administrators_alone(
    client: Client, cast: Cast, recordset: dict[str, Any], path: str
) -> None:
    member, view = client.as_(cast.member), path.removesuffix("/share-links")
    assert (await member.patch(view, json={"config": {"row_height": "tall"}})).status_code == 200
    link = await share(client.as_(cast.owner), path)
    assert (await member.get(view)).json()["is_published"] is True
    widened = await member.patch(view, json={"config": {"filters": None}})
    assert refusal(widened) == (403, "recordset_action_forbidden")
    assert (await member.patch(view, json={"name": "Renamed"})).status_code == 200
    assert (await client.as_(cast.owner).patch(view, json={"config": {"filters": None}})).status_code == 200
    assert "Delta" in await names_of(client, link)
    assert (await client.as_(cast.owner).delete(f"{path}/{link['id']}")).status_code == 200
    assert (await member.patch(view, json={"config": {"filters": SHOWN["filters"]}})).status_code == 200


async def test_bad_links_are_refused(client: Client, cast: Cast, recordset: dict[str, Any], path: str) -> None:
    owner = client.as_(cast.owner)
    past = await owner.post(path, json={"expires_at": "2020-01-01T00:00:00Z"})
    assert refusal(past) == (422, "expiry_passed")
    assert refusal(await owner.post(path, json={"fields": ["gone"]})) == (422, "share_link_fields_invalid")
    assert refusal(await owner.post(path, json={"password": "short"})) == (422, "validation_failed")
    views = f"/api/v1/recordsets/{recordset['slug']}/views"
    body = {"name": "Ask", "type": "form", "config": {"form": {"fields": [{"field": "name"}]}}}
    form = (await owner.post(views, json=body)).json()
    assert refusal(await owner.post(f"{views}/{form['id']}/share-links", json={})) == (422, "view_not_shareable")
    link = await share(owner, path)
    assert (await owner.delete(f"{path}/{link['id']}")).status_code == 200
    assert refusal(await owner.patch(f"{path}/{link['id']}", json={"name": "x"})) == (409, "share_link_revoked")
    stale = await share(owner, path)
    refused = await owner.patch(f"{path}/{stale['id']}", json={"name": "x"}, headers={"If-Match": '"7"'})
    assert refusal(refused) == (409, "stale_update")


async def test_a_stranger_learns_nothing(client: Client, cast: Cast, path: str) -> None:
    link = await share(client.as_(cast.owner), path)
    for response in (
        await client.as_(cast.stranger).get(path),
        await client.as_(cast.stranger).post(path, json={}),
        await client.as_(cast.stranger).patch(f"{path}/{link['id']}", json={"name": "x"}),
        await client.as_(cast.stranger).delete(f"{path}/{link['id']}"),
    ):
        assert refusal(response) == (404, "recordset_not_found")
    for response in (
        await client.as_(cast.member).get(path),
        await client.as_(cast.member).patch(f"{path}/{link['id']}", json={"name": "x"}),
        await client.as_(cast.member).delete(f"{path}/{link['id']}"),
    ):
        assert refusal(response) == (403, "recordset_action_forbidden")
    assert (await client.anonymous().get(table_of(link))).status_code == 200


async def test_what_is_linked_or_computed_is_shown_without_ids(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    people = await create_recordset(owner, name="People", fields=[{"name": "Name", "type": "text"}])
    ann = await create_record(owner, people, {"name": "Ann"})
    fields: list[dict[str, Any]] = [
        {"name": "Name", "type": "text"},
        {"name": "Head", "type": "link", "options": {"recordset": people["id"]}},
        {"name": "Maker", "type": "created_by"},
        {"name": "Loud", "type": "formula", "options": {"expression": "UPPER({Name})"}},
        {"name": "Known as", "type": "lookup", "options": {"link": "head", "field": "name"}},
        {"name": "Heads", "type": "count", "options": {"link": "head"}},
    ]
    teams = await create_recordset(owner, name="Teams", fields=fields)
    record = await create_record(owner, teams, {"name": "North", "head": [ann["id"]]})
    views = f"/api/v1/recordsets/{teams['slug']}/views"
    view = (await owner.post(views, json={"name": "All", "visibility": "shared"})).json()
    link = await share(owner, f"{views}/{view['id']}/share-links")
    [row] = (await rows_of(client, link))["items"]
    assert row["field_values"] == {
        "name": "North",
        "head": ["Ann"],
        "maker": "Owner Example",
        "loud": "NORTH",
        "heads": 1,
    }
    told = (await client.anonymous().get(table_of(link))).text + str(row)
    assert not [one for one in (ann["id"], record["id"], people["id"], teams["id"]) if one in told]
    assert (await owner.delete(f"/api/v1/records/{ann['id']}")).status_code == 204
    assert "Ann" not in str(await rows_of(client, link))


async def test_tokens_of_links_that_are_gone_are_forgotten(
    client: Client, cast: Cast, path: str, runtime: Runtime, run_jobs: Callable[[], Awaitable[None]]
) -> None:
    owner = client.as_(cast.owner)
    link = await share(owner, path)
    assert (await owner.delete(path.removesuffix("/share-links"))).status_code == 204
    assert refusal(await client.anonymous().get(table_of(link))) == (404, "share_link_not_found")

    async def count() -> int:
        async with runtime.database.unit() as unit:
            return await unit.value("select count(*) from share_tokens where id = :id", id=UUID(link["id"]))

    assert await count() == 1
    async with runtime.database.unit() as unit:
        await dispatch(unit, "shares.forget_tokens", {}, workspace=None)
    await run_jobs()
    assert await count() == 0
