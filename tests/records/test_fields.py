"""The fields of recordsets: defined, changed, kept from roles, promoted, removed."""

from __future__ import annotations

from typing import Any

import pytest

from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast, Person
from tests.support.client import Client, Response, refusal
from tests.support.records import create_record, create_recordset, grant

PATH = "/api/v1/recordsets"
TEXT = {"name": "Name", "type": "text"}


def keys(recordset: dict[str, Any]) -> list[str]:
    return [field["key"] for field in recordset["fields"]]


def promoted(recordset: dict[str, Any]) -> list[str]:
    return [field["key"] for field in recordset["fields"] if field["is_promoted"]]


async def define(client: Client, person: Person, *fields: dict[str, Any], **data: Any) -> Response:
    return await client.as_(person).post(PATH, json={"name": "Airports", "fields": list(fields), **data})


async def change(client: Client, person: Person, recordset: dict[str, Any], **data: Any) -> dict[str, Any]:
    response = await client.as_(person).patch(f"{PATH}/{recordset['id']}", json=data)
    assert response.status_code == 200, response.text
    return response.json()


async def refused(client: Client, person: Person, recordset: dict[str, Any], **data: Any) -> tuple[int, str]:
    """Send a change that is refused, and see that it left everything as it was."""
    path = f"{PATH}/{recordset['id']}"
    before = (await client.as_(person).get(path)).json()
    response = await client.as_(person).patch(path, json=data)
    assert (await client.as_(person).get(path)).json() == before
    return refusal(response)


async def test_keys_are_made_of_names(client: Client, cast: Cast) -> None:
    names = ["IATA code", "iata-code", "1st runway", "Été", "東京", "!", "x" * 100, "x" * 101]
    made = await create_recordset(client.as_(cast.owner), fields=[{"name": name, "type": "text"} for name in names])
    assert keys(made) == [
        "iata_code",
        "iata_code_2",
        "field_1st_runway",
        "ete",
        "field",
        "field_2",
        "x" * 63,
        f"{'x' * 57}_2",
    ]


async def test_a_key_that_was_said_is_never_given_to_another(client: Client, cast: Cast) -> None:
    made = await create_recordset(client.as_(cast.owner), fields=[TEXT, {**TEXT, "key": "name"}])
    assert keys(made) == ["name_2", "name"]
    twins = await define(client, cast.owner, {**TEXT, "key": "a"}, {**TEXT, "key": "a"})
    assert refusal(twins) == (422, "duplicate_field_key")


async def test_there_is_a_limit_of_fields(client: Client, cast: Cast) -> None:
    many = [{"name": f"F{number}", "type": "text"} for number in range(10_000)]
    response = await define(client, cast.owner, *many)
    assert refusal(response) == (422, "too_many_fields")
    assert (response.json()["limit"], response.json()["count"]) == (500, 10_000)
    full = await define(client, cast.owner, *many[:500])
    assert len(full.json()["fields"]) == 500
    one_more = {"fields": [{"name": "One more", "type": "text"}]}
    assert await refused(client, cast.owner, full.json(), **one_more) == (422, "too_many_fields")
    swapped = await change(client, cast.owner, full.json(), **one_more, remove_fields=["f0"])
    assert (len(swapped["fields"]), swapped["fields"][-1]["key"]) == (500, "one_more")


@pytest.mark.parametrize(
    ("field", "refusal_code"),
    [
        ({**TEXT, "options": {"choices": ["a"]}}, "field_options_invalid"),
        ({**TEXT, "options": {"currency": "USD"}}, "field_options_invalid"),
        ({"name": "N", "type": "number", "options": {"currency": "USD"}}, "field_options_invalid"),
        ({"name": "N", "type": "date", "options": {"decimals": 2}}, "field_options_invalid"),
        ({"name": "N", "type": "currency", "options": {"currency": "dollars"}}, "validation_failed"),
        ({"name": "N", "type": "select", "options": {"choices": [""]}}, "validation_failed"),
        ({"name": "N", "type": "select", "options": {"colour": "red"}}, "validation_failed"),
        ({"name": "N", "type": "boolean", "is_promoted": True}, "promotion_unavailable"),
        ({"name": "N", "type": "geometry", "is_promoted": True}, "promotion_unavailable"),
        ({**TEXT, "hidden_from": ["pilot"]}, "role_invalid"),
        ({**TEXT, "read_only_for": ["pilot"]}, "role_invalid"),
        ({**TEXT, "hidden_from": ["owner"]}, "role_invalid"),
    ],
)
async def test_fields_that_do_not_fit_are_refused(
    client: Client, cast: Cast, field: dict[str, Any], refusal_code: str
) -> None:
    assert refusal(await define(client, cast.owner, field)) == (422, refusal_code)
    recordset = await create_recordset(client.as_(cast.owner), fields=[{"name": "First", "type": "text"}])
    assert await refused(client, cast.owner, recordset, fields=[field]) == (422, refusal_code)


async def test_roles_of_the_workspace_can_be_named(client: Client, cast: Cast, runtime: Runtime) -> None:
    field = {**TEXT, "hidden_from": ["pilot", "viewer", "pilot"]}
    assert refusal(await define(client, cast.owner, field)) == (422, "role_invalid")
    async with runtime.database.unit() as unit:
        await unit.run(
            "insert into roles (workspace_id, key, name, base) values (:id, 'pilot', 'Pilot', 'member')", id=cast.acme
        )
    response = await define(client, cast.owner, field)
    assert response.json()["fields"][0]["hidden_from"] == ["pilot", "viewer"]
    assert refusal(await define(client, cast.stranger, field)) == (422, "role_invalid")


async def test_one_field_of_each_kind_is_promoted_where_nobody_said_so(client: Client, cast: Cast) -> None:
    types = ["long_text", "text", "email", "boolean", "select", "rating", "number", "currency", "json", "datetime"]
    made = await create_recordset(
        client.as_(cast.owner), fields=[{"name": f"{name} field", "type": name} for name in [*types, "date"]]
    )
    assert promoted(made) == ["select_field", "currency_field", "date_field"]
    # Another of the same kind gets one when it is asked for; what was not decided stays so.
    more = [{"name": "Second", "type": "number"}, {"name": "Third", "type": "number", "is_promoted": True}]
    changed = await change(client, cast.owner, made, fields=more)
    assert promoted(changed) == ["select_field", "currency_field", "date_field", "third"]


async def test_what_was_said_about_promotion_counts(client: Client, cast: Cast) -> None:
    fields: list[dict[str, Any]] = [
        {"name": f"N{number}", "type": "number", "is_promoted": number in range(1, 5)} for number in range(6)
    ]
    made = await create_recordset(client.as_(cast.owner), fields=fields)
    assert promoted(made) == ["n1", "n2", "n3", "n4"]
    too_many = [{"name": f"N{number}", "type": "number", "is_promoted": True} for number in range(5)]
    assert refusal(await define(client, cast.owner, *too_many)) == (422, "promotion_unavailable")

    wanted = [{"key": "n5", "is_promoted": True}]
    assert await refused(client, cast.owner, made, fields=wanted) == (422, "promotion_unavailable")
    swapped = await change(client, cast.owner, made, fields=[*wanted, {"key": "n1", "is_promoted": False}])
    assert promoted(swapped) == ["n2", "n3", "n4", "n5"]


async def test_fields_are_changed_added_removed_and_put_in_order(client: Client, cast: Cast) -> None:
    made = await create_recordset(
        client.as_(cast.owner), fields=[TEXT, {"name": "Old", "type": "date"}, {"name": "Kind", "type": "select"}]
    )
    changed = await change(
        client,
        cast.owner,
        made,
        fields=[
            {"key": "kind", "name": "Sort", "options": {"choices": ["big", "small"]}, "is_required": True},
            {"name": "Opened", "type": "date", "key": "opened"},
        ],
        remove_fields=["old"],
        field_order=["opened", "kind"],
    )
    assert keys(changed) == ["opened", "kind", "name"]
    assert [field["position"] for field in changed["fields"]] == [0, 1, 2]
    kind = changed["fields"][1]
    assert (kind["name"], kind["type"], kind["is_required"]) == ("Sort", "select", True)
    assert kind["options"]["choices"] == ["big", "small"]
    assert changed["fields"][2] == {**made["fields"][0], "position": 2}
    # A key that has become free can be used again, for a field of another type.
    again = await change(client, cast.owner, changed, fields=[{"name": "Old", "type": "number"}])
    assert (again["fields"][3]["key"], again["fields"][3]["type"]) == ("old", "number")


async def test_changes_that_do_not_fit_are_refused(client: Client, cast: Cast) -> None:
    made = await create_recordset(
        client.as_(cast.owner),
        fields=[TEXT, {"name": "Kind", "type": "select"}],
        settings={"title_field": "kind"},
    )
    changes: list[tuple[str, dict[str, Any]]] = [
        ("field_unknown", {"fields": [{"key": "nothing", "name": "New name"}]}),
        ("field_unknown", {"fields": [{"name": "No type"}]}),
        ("field_unknown", {"remove_fields": ["nothing"]}),
        ("field_unknown", {"field_order": ["nothing"]}),
        ("field_type_fixed", {"fields": [{"key": "name", "type": "autonumber"}]}),
        ("duplicate_field_key", {"fields": [{"key": "name", "name": "A"}, {"key": "name", "name": "B"}]}),
        ("duplicate_field_key", {"fields": [{"key": "name", "name": "A", "type": "text"}], "remove_fields": ["name"]}),
        ("settings_invalid", {"remove_fields": ["kind"]}),
        ("settings_invalid", {"fields": [{"key": "kind", "hidden_from": ["viewer"]}]}),
        ("settings_invalid", {"settings": {"title_field": "nothing"}}),
        ("map_settings_required", {"mode": "map"}),
    ]
    for expected, data in changes:
        assert await refused(client, cast.owner, made, **data) == (422, expected), data


async def test_hidden_fields_are_known_to_those_who_may(client: Client, cast: Cast) -> None:
    made = await create_recordset(
        client.as_(cast.owner),
        fields=[TEXT, {"name": "Secret", "type": "text", "hidden_from": ["member", "admin"]}],
    )
    await grant(client.as_(cast.owner), made, cast.member, "can_admin")
    await grant(client.as_(cast.owner), made, cast.viewer, "can_view")
    path = f"{PATH}/{made['id']}"

    async def known(person: Person) -> list[str]:
        return keys((await client.as_(person).get(path)).json())

    assert await known(cast.owner) == await known(cast.viewer) == ["name", "secret"]
    assert await known(cast.member) == await known(cast.admin) == ["name"]
    # Whoever may not know of a field cannot lift that either, although they administer the recordset.
    lifting: list[dict[str, Any]] = [
        {"fields": [{"key": "secret", "hidden_from": []}]},
        {"remove_fields": ["secret"]},
        {"field_order": ["secret"]},
        {"settings": {"title_field": "secret"}},
    ]
    for person in (cast.member, cast.admin):
        for data in lifting:
            status, code = await refused(client, person, made, **data)
            assert (status, code) in {(422, "field_unknown"), (422, "settings_invalid")}, data
    assert await known(cast.owner) == ["name", "secret"]
    # What they do may know of, they change, and the hidden field stays where it is.
    changed = await change(client, cast.member, made, fields=[{"name": "Opened", "type": "date"}])
    assert keys(changed) == ["name", "opened"]
    assert await known(cast.owner) == ["name", "secret", "opened"]


async def test_nobody_lifts_what_binds_themselves(client: Client, cast: Cast) -> None:
    made = await create_recordset(
        client.as_(cast.owner), fields=[TEXT, {"name": "Fee", "type": "number", "read_only_for": ["member"]}]
    )
    await grant(client.as_(cast.owner), made, cast.member, "can_admin")
    shown = (await client.as_(cast.member).get(f"{PATH}/{made['id']}")).json()
    assert [field["is_read_only"] for field in shown["fields"]] == [False, True]
    lifting: list[dict[str, Any]] = [
        {"fields": [{"key": "fee", "read_only_for": []}]},
        {"remove_fields": ["fee"]},
    ]
    for data in lifting:
        assert await refused(client, cast.member, made, **data) == (403, "field_read_only")
    renamed = await change(client, cast.member, made, fields=[{"key": "fee", "name": "Landing fee"}])
    assert renamed["fields"][1]["name"] == "Landing fee"
    lifted = await change(client, cast.owner, made, fields=[{"key": "fee", "read_only_for": []}])
    assert lifted["fields"][1]["read_only_for"] == []


PLACES: list[dict[str, Any]] = [
    TEXT,
    {"name": "Lat", "type": "number"},
    {"name": "Lng", "type": "number"},
    {"name": "Place", "type": "location"},
    {"name": "Shape", "type": "geometry"},
    {"name": "Secret", "type": "number", "hidden_from": ["viewer"]},
]


@pytest.mark.parametrize(
    "places",
    [{"lat_field": "lat", "lng_field": "lng"}, {"location_field": "place"}, {"geometry_field": "shape"}],
)
async def test_a_map_can_be_made_at_once(client: Client, cast: Cast, places: dict[str, str]) -> None:
    made = await create_recordset(client.as_(cast.owner), fields=PLACES, mode="map", settings={"map": places})
    assert made["mode"] == "map"
    assert {key: value for key, value in made["settings"]["map"].items() if value} == places
    assert await refused(client, cast.owner, made, settings={"map": None}) == (422, "map_settings_required")
    plain = await change(client, cast.owner, made, mode="table", settings={"map": None, "title_field": "name"})
    kept = {key: value for key, value in plain["settings"].items() if value is not None}
    assert (plain["mode"], kept) == ("table", {"title_field": "name"})


@pytest.mark.parametrize(
    "chosen",
    [
        {"title_field": "nothing"},
        {"title_field": "shape"},
        {"title_field": "secret"},
        {"map": {"lat_field": "name", "lng_field": "lng"}},
        {"map": {"lat_field": "secret", "lng_field": "lng"}},
        {"map": {"lat_field": "lat", "lng_field": "nothing"}},
        {"map": {"location_field": "shape"}},
        {"map": {"geometry_field": "place"}},
    ],
)
async def test_settings_name_fields_that_can_serve(client: Client, cast: Cast, chosen: dict[str, Any]) -> None:
    response = await define(client, cast.owner, *PLACES, settings=chosen)
    assert refusal(response) == (422, "settings_invalid")
    made = await create_recordset(client.as_(cast.owner), fields=PLACES)
    assert await refused(client, cast.owner, made, settings=chosen) == (422, "settings_invalid")


async def test_a_map_without_places_is_refused(client: Client, cast: Cast) -> None:
    assert refusal(await define(client, cast.owner, *PLACES, mode="map")) == (422, "map_settings_required")


async def test_titles_never_tell_of_what_is_hidden(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    made = await create_recordset(
        owner, fields=[{"name": "Secret", "type": "text"}, TEXT, {"name": "Other", "type": "text"}]
    )
    record = await create_record(owner, made, {"secret": "hush", "name": "Moffett"})
    assert record["title"] == "hush"
    await change(client, cast.owner, made, fields=[{"key": "secret", "hidden_from": ["viewer"]}])
    assert (await owner.get(f"/api/v1/records/{record['id']}")).json()["title"] == "Moffett"
