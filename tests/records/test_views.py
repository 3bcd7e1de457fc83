"""Saved views: what they hold, who sees and changes them, and what becomes of them when fields do."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fostr.domains.records.fields.model import Field, Recordset
from fostr.domains.records.query.conditions import compile_condition, list_names
from fostr.domains.records.views.trees import prune_tree
from fostr.kernel.access.evaluator import FieldMask
from fostr.kernel.ids import new_id
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast, create_token
from tests.support.client import Client, refusal
from tests.support.events import event_types
from tests.support.records import create_record, create_recordset, grant

FIELDS: list[dict[str, Any]] = [
    {"name": "Name", "type": "text"},
    {"name": "Stage", "type": "select", "options": {"choices": ["new", "won"]}},
    {"name": "Opened", "type": "date"},
    {"name": "Photo", "type": "url"},
    {"name": "Size", "type": "number"},
    {"name": "Salary", "type": "currency", "options": {"currency": "EUR"}, "hidden_from": ["viewer"]},
]
RICH = {"field": "salary", "op": "gt", "value": 100_000.25}
BIG = {"field": "size", "op": "gte", "value": 3}


@pytest.fixture
async def recordset(client: Client, cast: Cast) -> dict[str, Any]:
    """The owner's, which the member may edit and the viewer see."""
    recordset = await create_recordset(client.as_(cast.owner), fields=FIELDS)
    await grant(client.as_(cast.owner), recordset, cast.member, "can_edit")
    await grant(client.as_(cast.owner), recordset, cast.viewer, "can_view")
    return recordset


@pytest.fixture
def path(recordset: dict[str, Any]) -> str:
    return f"/api/v1/recordsets/{recordset['slug']}/views"


async def save(client: Client, path: str, **data: Any) -> dict[str, Any]:
    response = await client.post(path, json={"name": "Mine", **data})
    assert response.status_code == 201, response.text
    return response.json()


async def names(client: Client, path: str) -> list[str]:
    return [view["name"] for view in (await client.get(path)).json()["items"]]


async def test_a_view_is_kept_as_it_was_saved(client: Client, cast: Cast, path: str, runtime: Runtime) -> None:
    config = {
        "filters": {"and": [BIG, {"or": [RICH, {"not": {"field": "stage", "op": "eq", "value": "won"}}]}]},
        "sorts": [{"field": "size", "direction": "desc"}, {"field": "created_at", "direction": "asc"}],
        "hidden_fields": ["photo"],
        "field_order": ["size", "name"],
        "field_widths": {"name": 240},
        "group_by": [{"field": "stage", "direction": "asc"}],
        "row_height": "tall",
        "color_rules": [{"filters": BIG, "color": "red"}],
        "kanban": {"stack_field": "stage", "cover_field": "photo", "hide_empty_stacks": True},
    }
    view = await save(client.as_(cast.owner), path, type="kanban", visibility="shared", config=config)
    assert view["config"] == config | {"schema_version": 1} | dict.fromkeys(
        ("grid", "calendar", "timeline", "gallery", "map", "form")
    )
    assert (view["version"], view["position"], view["is_partial"], view["can_change"]) == (1, 0, False, True)
    assert view["owner"]["id"] == str(cast.owner.member_id)
    assert (await client.as_(cast.owner).get(f"{path}/{view['id']}")).json() == view
    assert (await client.as_(cast.owner).get(path)).json() == {"items": [view], "total": 1, "has_more": False}
    assert await event_types(runtime, cast.acme, entity_id=UUID(view["id"])) == ["view.created"]


@pytest.mark.parametrize(
    ("type", "config", "part"),
    [
        ("kanban", {}, "kanban"),
        ("kanban", {"kanban": {"stack_field": "size"}}, "kanban"),
        ("calendar", {"calendar": {"date_field": "name"}}, "calendar"),
        ("calendar", {"timeline": {"start_field": "opened"}}, "timeline"),
        ("timeline", {"timeline": {"start_field": "opened", "end_field": "stage"}}, "timeline"),
        ("gallery", {"gallery": {"cover_field": "stage"}}, "gallery"),
        ("map", {}, "map"),
        ("map", {"map": {"location_field": "name"}}, "map"),
        ("form", {}, "form"),
        ("form", {"form": {"fields": [{"field": "gone"}]}}, "form"),
        ("grid", {"sorts": [{"field": "gone"}]}, "sorts"),
        ("grid", {"hidden_fields": ["gone"]}, "hidden_fields"),
        ("grid", {"group_by": [{"field": "gone"}]}, "group_by"),
    ],
)
async def test_what_does_not_fit_the_recordset_is_named(
    client: Client, cast: Cast, path: str, type: str, config: dict[str, Any], part: str
) -> None:
    refused = await client.as_(cast.owner).post(path, json={"name": "No", "type": type, "config": config})
    assert refusal(refused) == (422, "view_config_invalid")
    assert part in {fault["part"] for fault in refused.json()["errors"]}
    assert await names(client.as_(cast.owner), path) == []


async def test_conditions_are_refused_where_they_are_wrong(client: Client, cast: Cast, path: str) -> None:
    config = {"filters": {"and": [BIG, {"field": "size", "op": "contains", "value": "x"}]}}
    refused = await client.as_(cast.owner).post(path, json={"name": "No", "config": config})
    assert refusal(refused) == (422, "filter_invalid")
    assert (refused.json()["parameter"], refused.json()["path"]) == ("config.filters", "and[1]")
    nul = await client.as_(cast.owner).post(
        path, json={"name": "No", "config": {"color_rules": [{"filters": BIG, "color": "a\x00"}]}}
    )
    assert nul.status_code == 422


async def test_every_type_has_its_layout(client: Client, cast: Cast, path: str) -> None:
    layouts: dict[str, dict[str, Any]] = {
        "grid": {"frozen_fields": 1},
        "calendar": {"date_field": "opened", "end_field": None},
        "timeline": {"start_field": "opened", "end_field": None},
        "gallery": {"cover_field": "photo", "fit": "contain"},
        "map": {"lat_field": "size", "lng_field": "size"},
        "form": {"intro": "Tell us.", "fields": [{"field": "name", "label": "Who?", "is_required": True}]},
    }
    for kind, layout in layouts.items():
        view = await save(client.as_(cast.owner), path, type=kind, config={kind: layout})
        assert layout.items() <= view["config"][kind].items() or kind == "form", kind
    form = (await client.as_(cast.owner).get(path)).json()["items"][-1]["config"]["form"]
    assert form["fields"] == [{"field": "name", "label": "Who?", "help": None, "is_required": True}]
    assert [view["position"] for view in (await client.as_(cast.owner).get(path)).json()["items"]] == list(range(6))


async def test_personal_views_are_their_owners_alone(client: Client, cast: Cast, path: str) -> None:
    mine = await save(client.as_(cast.viewer), path, name="Viewer's")
    assert await names(client.as_(cast.viewer), path) == ["Viewer's"]
    for person in (cast.owner, cast.admin, cast.member):
        other = client.as_(person)
        assert await names(other, path) == []
        assert refusal(await other.get(f"{path}/{mine['id']}")) == (404, "view_not_found")
        assert refusal(await other.patch(f"{path}/{mine['id']}", json={"name": "x"})) == (404, "view_not_found")
        assert refusal(await other.delete(f"{path}/{mine['id']}")) == (404, "view_not_found")
    shared = await client.as_(cast.viewer).patch(f"{path}/{mine['id']}", json={"visibility": "shared"})
    assert refusal(shared) == (403, "recordset_action_forbidden")
    assert (await client.as_(cast.viewer).delete(f"{path}/{mine['id']}")).status_code == 204


async def test_shared_views_are_changed_by_those_who_may_edit(client: Client, cast: Cast, path: str) -> None:
    refused = await client.as_(cast.viewer).post(path, json={"name": "No", "visibility": "shared"})
    assert refusal(refused) == (403, "recordset_action_forbidden")
    view = await save(client.as_(cast.member), path, visibility="shared", config={"sorts": [{"field": "size"}]})
    own = f"{path}/{view['id']}"
    assert refusal(await client.as_(cast.viewer).patch(own, json={"name": "x"})) == (403, "recordset_action_forbidden")
    assert refusal(await client.as_(cast.viewer).delete(own)) == (403, "recordset_action_forbidden")
    assert (await client.as_(cast.viewer).get(own)).json()["can_change"] is False
    changed = await client.as_(cast.owner).patch(own, json={"name": "All", "config": {"row_height": "tall"}})
    assert (changed.json()["name"], changed.json()["version"]) == ("All", 2)
    assert changed.json()["config"]["sorts"] == [{"field": "size", "direction": "asc"}]
    taken = await client.as_(cast.owner).patch(own, json={"visibility": "personal"})
    assert refusal(taken) == (403, "view_not_own")


async def test_a_locked_view_is_its_lockers_and_the_administrators(client: Client, cast: Cast, path: str) -> None:
    view = await save(client.as_(cast.owner), path, visibility="shared", is_locked=True)
    own = f"{path}/{view['id']}"
    assert refusal(await client.as_(cast.member).patch(own, json={"name": "x"})) == (403, "view_locked")
    assert refusal(await client.as_(cast.member).patch(own, json={"is_locked": False})) == (403, "view_locked")
    assert refusal(await client.as_(cast.member).delete(own)) == (403, "view_locked")
    freed = await client.as_(cast.admin).patch(own, json={"is_locked": False})
    assert freed.json()["is_locked"] is False
    locked = await client.as_(cast.member).patch(own, json={"is_locked": True})
    assert (locked.json()["is_locked"], locked.json()["can_change"]) == (True, True)
    assert (await client.as_(cast.member).patch(own, json={"name": "Still mine"})).status_code == 200


async def test_a_recordset_has_one_default_view_and_administrators_choose_it(
    client: Client, cast: Cast, path: str
) -> None:
    first = await save(client.as_(cast.owner), path, name="First", visibility="shared", is_default=True)
    second = await save(client.as_(cast.owner), path, name="Second", visibility="shared", is_default=True)
    shown = {view["name"]: view["is_default"] for view in (await client.as_(cast.owner).get(path)).json()["items"]}
    assert shown == {"First": False, "Second": True}
    back = await client.as_(cast.owner).patch(f"{path}/{first['id']}", json={"is_default": True})
    assert back.json()["is_default"] is True
    again = await client.as_(cast.owner).get(f"{path}/{second['id']}")
    assert again.json()["is_default"] is False
    by_member = await client.as_(cast.member).patch(f"{path}/{second['id']}", json={"is_default": True})
    assert refusal(by_member) == (403, "recordset_action_forbidden")
    personal = await client.as_(cast.owner).post(path, json={"name": "No", "is_default": True})
    assert refusal(personal) == (422, "default_view_not_shared")


async def test_what_is_hidden_from_a_reader_is_left_out_and_cannot_be_named(
    client: Client, cast: Cast, path: str
) -> None:
    config = {
        "filters": {"and": [BIG, {"or": [RICH]}, RICH]},
        "sorts": [{"field": "salary"}, {"field": "name"}],
        "hidden_fields": ["salary", "photo"],
        "field_order": ["salary", "name"],
        "field_widths": {"salary": 90, "name": 80},
        "group_by": [{"field": "salary"}],
        "color_rules": [{"filters": {"or": [BIG, RICH]}, "color": "red"}, {"filters": BIG, "color": "blue"}],
    }
    view = await save(client.as_(cast.owner), path, visibility="shared", config=config)
    seen = await client.as_(cast.viewer).get(f"{path}/{view['id']}")
    assert "salary" not in seen.text
    assert "100000.25" not in seen.text
    shown = seen.json()["config"]
    assert (seen.json()["is_partial"], shown["filters"]) == (True, {"and": [BIG]})
    assert (shown["sorts"], shown["hidden_fields"]) == ([{"field": "name", "direction": "asc"}], ["photo"])
    assert (shown["group_by"], [rule["color"] for rule in shown["color_rules"]]) == ([], ["blue"])
    listed = await client.as_(cast.viewer).get(path)
    assert "salary" not in listed.text
    copied = await client.as_(cast.viewer).post(f"{path}/{view['id']}/duplicate", json={})
    assert "salary" not in copied.text
    assert (copied.json()["name"], copied.json()["visibility"]) == ("Mine (copy)", "personal")
    named = {"name": "No", "config": {"sorts": [{"field": "salary"}]}}
    unknown = {"name": "No", "config": {"sorts": [{"field": "nothing"}]}}
    refused = await client.as_(cast.viewer).post(path, json=named)
    same = await client.as_(cast.viewer).post(path, json=unknown)
    assert refused.json()["errors"][0]["reason"] == same.json()["errors"][0]["reason"]


async def test_who_does_not_see_a_part_does_not_take_it_away(client: Client, cast: Cast, recordset: Any) -> None:
    path = f"/api/v1/recordsets/{recordset['slug']}/views"
    hidden = {"fields": [{"key": "salary", "hidden_from": ["member"]}]}
    view = await save(
        client.as_(cast.owner),
        path,
        visibility="shared",
        config={"filters": RICH, "hidden_fields": ["salary", "photo"], "field_widths": {"salary": 90}},
    )
    hiding = await client.as_(cast.owner).patch(f"/api/v1/recordsets/{recordset['slug']}", json=hidden)
    assert hiding.status_code == 200, hiding.text
    own, member = f"{path}/{view['id']}", client.as_(cast.member)
    assert refusal(await member.patch(own, json={"config": {"filters": None}})) == (403, "view_part_hidden")
    changed = await member.patch(own, json={"config": {"hidden_fields": ["size"], "field_widths": {"name": 50}}})
    assert changed.json()["config"]["hidden_fields"] == ["size"]
    whole = (await client.as_(cast.owner).get(own)).json()["config"]
    assert (whole["filters"], whole["hidden_fields"]) == (RICH, ["size", "salary"])
    assert whole["field_widths"] == {"salary": 90, "name": 50}


async def test_fields_that_are_removed_fall_out(client: Client, cast: Cast, recordset: Any) -> None:
    path, owner = f"/api/v1/recordsets/{recordset['slug']}/views", client.as_(cast.owner)
    config = {"kanban": {"stack_field": "stage"}, "filters": {"and": [BIG, {"not": RICH}]}, "hidden_fields": ["size"]}
    view = await save(owner, path, type="kanban", config=config)
    removed = await owner.patch(f"/api/v1/recordsets/{recordset['slug']}", json={"remove_fields": ["stage", "size"]})
    assert removed.status_code == 200, removed.text
    left = (await owner.get(f"{path}/{view['id']}")).json()
    assert (left["is_partial"], left["config"]["kanban"]) == (True, None)
    assert (left["config"]["filters"], left["config"]["hidden_fields"]) == ({"and": [{"not": RICH}]}, [])
    refused = await owner.patch(f"{path}/{view['id']}", json={"config": {"filters": {"and": [BIG]}}})
    assert refusal(refused) == (422, "filter_invalid")
    mended = await owner.patch(f"{path}/{view['id']}", json={"type": "grid", "config": {"filters": None}})
    assert (mended.json()["type"], mended.json()["is_partial"]) == ("grid", False)


async def test_views_keep_the_order_that_they_are_given(client: Client, cast: Cast, path: str) -> None:
    owner = client.as_(cast.owner)
    made = [await save(owner, path, name=name) for name in "abc"]
    assert (await owner.patch(f"{path}/{made[2]['id']}", json={"position": 0})).status_code == 200
    assert await names(owner, path) == ["c", "a", "b"]
    await save(owner, path, name="d", position=1)
    assert await names(owner, path) == ["c", "d", "a", "b"]
    part = (await owner.get(path, params={"limit": 1, "offset": 1})).json()
    assert ([view["name"] for view in part["items"]], part["total"], part["has_more"]) == (["d"], 4, True)


async def test_a_stale_change_is_refused(client: Client, cast: Cast, path: str, runtime: Runtime) -> None:
    owner = client.as_(cast.owner)
    view = await save(owner, path)
    own = f"{path}/{view['id']}"
    assert (await owner.patch(own, json={"name": "b"}, headers={"If-Match": '"1"'})).status_code == 200
    stale = await owner.patch(own, json={"name": "c", "expected_version": 1})
    assert refusal(stale) == (409, "stale_update")
    unchanged = await owner.patch(own, json={"name": "b"})
    assert unchanged.json()["version"] == 2
    assert await event_types(runtime, cast.acme, entity_id=UUID(view["id"])) == ["view.created", "view.updated"]


async def test_a_stranger_learns_nothing_and_a_reading_token_writes_nothing(
    client: Client, cast: Cast, path: str, runtime: Runtime
) -> None:
    view = await save(client.as_(cast.owner), path, visibility="shared")
    for response in (
        await client.as_(cast.stranger).get(path),
        await client.as_(cast.stranger).patch(f"{path}/{view['id']}", json={"name": "x"}),
        await client.as_(cast.stranger).delete(f"{path}/{view['id']}"),
        await client.as_(cast.stranger).post(f"{path}/{view['id']}/duplicate", json={}),
    ):
        assert refusal(response) == (404, "recordset_not_found")
    reading = client.with_token(await create_token(runtime, cast.owner.user_id, scope="read"), workspace=cast.acme)
    assert (await reading.get(path)).status_code == 200
    assert refusal(await reading.post(path, json={"name": "No"})) == (403, "pat_scope_insufficient")
    elsewhere = await create_recordset(client.as_(cast.owner), name="Elsewhere")
    other = f"/api/v1/recordsets/{elsewhere['slug']}/views/{view['id']}"
    assert refusal(await client.as_(cast.owner).get(other)) == (404, "view_not_found")


async def test_who_leaves_hands_views_over_and_takes_personal_ones_along(client: Client, cast: Cast, path: str) -> None:
    shared = await save(client.as_(cast.member), path, name="Shared", visibility="shared")
    await save(client.as_(cast.member), path, name="Personal")
    gone = await client.as_(cast.owner).delete(f"/api/v1/members/{cast.member.member_id}")
    assert gone.status_code in {200, 204}, gone.text
    left = (await client.as_(cast.owner).get(path)).json()["items"]
    assert [view["id"] for view in left] == [shared["id"]]


async def test_a_view_leads_a_list(client: Client, cast: Cast, recordset: Any) -> None:
    owner, path = client.as_(cast.owner), f"/api/v1/recordsets/{recordset['slug']}/views"
    for name, size, salary in (("a", 1, 1), ("b", 5, 200_000), ("c", 4, 1), ("d", 9, 200_000)):
        await create_record(owner, recordset, {"name": name, "size": size, "salary": salary, "stage": "new"})
    config = {
        "filters": {"and": [BIG, RICH]},
        "sorts": [{"field": "size", "direction": "desc"}],
        "hidden_fields": ["stage"],
    }
    view = await save(owner, path, visibility="shared", config=config)

    async def listed(reader: Client, **params: Any) -> list[dict[str, Any]]:
        asked = {"recordset_id": recordset["id"], "view_id": view["id"], **params}
        response = await reader.get("/api/v1/records", params=asked)
        assert response.status_code == 200, response.text
        assert response.json()["total"] == len(response.json()["items"])
        return [item["field_values"] for item in response.json()["items"]]

    assert [values["name"] for values in await listed(owner)] == ["d", "b"]
    assert {key for values in await listed(owner) for key in values} == {"name", "size", "salary"}
    assert [values["name"] for values in await listed(owner, sort_by="name")] == ["b", "d"]
    assert await listed(owner, fields="stage", column_filters='{"name": "b"}') == [{"stage": "new"}]
    # What the viewer may not see neither narrows nor orders: they see the view as if it had never been said.
    assert [values["name"] for values in await listed(client.as_(cast.viewer))] == ["d", "b", "c"]
    pages = {"recordset_id": recordset["id"], "view_id": view["id"], "page_size": 1}
    first = (await owner.get("/api/v1/records", params=pages)).json()
    then = (await owner.get("/api/v1/records", params={**pages, "cursor": first["next_cursor"]})).json()
    assert [page["items"][0]["field_values"]["name"] for page in (first, then)] == ["d", "b"]
    alone = await owner.get("/api/v1/records", params={"view_id": view["id"]})
    assert refusal(alone) == (404, "view_not_found")
    gone = await owner.get("/api/v1/records", params={"recordset_id": recordset["id"], "view_id": recordset["id"]})
    assert refusal(gone) == (404, "view_not_found")


async def test_what_a_view_selects_is_deleted_only_where_it_is_whole(
    client: Client, cast: Cast, recordset: Any
) -> None:
    owner, path = client.as_(cast.owner), f"/api/v1/recordsets/{recordset['slug']}/views"
    for size in (1, 5, 9):
        await create_record(owner, recordset, {"name": "x", "size": size, "salary": size * 50_000})
    view = await save(owner, path, visibility="shared", config={"filters": {"and": [BIG, RICH]}})
    body = {"recordset_id": recordset["id"], "all": True, "view_id": view["id"], "dry_run": True}
    assert (await owner.post("/api/v1/records/bulk-delete", json=body)).json()["matched"] == 2
    removed = await owner.patch(f"/api/v1/recordsets/{recordset['slug']}", json={"remove_fields": ["salary"]})
    assert removed.status_code == 200, removed.text
    refused = await owner.post("/api/v1/records/bulk-delete", json={**body, "dry_run": False})
    assert refusal(refused) == (409, "view_incomplete")
    assert (await owner.get("/api/v1/records", params={"recordset_id": recordset["id"]})).json()["total"] == 3


async def test_a_view_narrows_a_map(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    fields = [{"name": "Name", "type": "text"}, {"name": "At", "type": "location"}]
    places = await create_recordset(
        owner, name="Places", mode="map", fields=fields, settings={"map": {"location_field": "at"}}
    )
    for name in ("Here", "There"):
        await create_record(owner, places, {"name": name, "at": {"lat": 1, "lng": 2}})
    path = f"/api/v1/recordsets/{places['slug']}/views"
    only = {"field": "name", "op": "eq", "value": "Here"}
    view = await save(owner, path, type="map", config={"filters": only})
    asked = {"recordset_id": places["id"], "view_id": view["id"]}
    lines = (await owner.get("/api/v1/records/map", params=asked)).text.splitlines()
    assert ['"Here"' in line for line in lines] == [True, False]
    assert len(lines) == 2
    missing = await owner.get("/api/v1/records/map", params={**asked, "view_id": places["id"]})
    assert refusal(missing) == (404, "view_not_found")


def number_field(key: str) -> Field:
    return Field(
        new_id(), key, key, "number", 0, is_required=False, options={}, hidden_from=NOBODY, read_only_for=NOBODY,
        promoted_to=None,
    )  # fmt: skip


def grow(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    some = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        st.fixed_dictionaries({"and": some}), st.fixed_dictionaries({"or": some}), st.fixed_dictionaries({"not": inner})
    )


NOBODY: frozenset[str] = frozenset()
LEAVES: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "field": st.sampled_from(["a", "b", "c", "gone", "@title"]),
        "op": st.sampled_from(["eq", "gt", "contains"]),
        "value": st.sampled_from([1, "x"]),
    }
)
TREES = st.recursive(LEAVES, grow, max_leaves=6)


@given(tree=TREES, hidden=st.sets(st.sampled_from("abc")))
@settings(max_examples=150, deadline=None)
def test_what_is_left_of_any_condition_can_be_used_and_names_nothing_hidden(
    tree: dict[str, Any], hidden: set[str]
) -> None:
    fields = tuple(number_field(key) for key in "abc")
    recordset = Recordset(new_id(), "s", "S", "table", {}, None, 1, deleted=False, fields=fields)
    mask = FieldMask(hidden=frozenset(hidden), read_only=frozenset())
    pruned = prune_tree(tree, recordset=recordset, mask=mask)
    assert (pruned.tree == tree) is (not pruned.lost)
    if pruned.tree is not None:
        compile_condition(recordset, mask=mask, tree=pruned.tree, viewer=None)
        assert not {*list_names(pruned.tree)} & {*hidden, "gone"}
        assert prune_tree(pruned.tree, recordset=recordset, mask=mask).lost == ()
