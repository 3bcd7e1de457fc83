"""A recordset of airports with a field of nearly every kind, some hidden from some, for tests about records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import orjson

from tests.support.records import create_recordset, grant

if TYPE_CHECKING:
    from tests.support.cast import Cast
    from tests.support.client import Client

RECORDS: Final = "/api/v1/records"
FIELDS: Final[list[dict[str, Any]]] = [
    {"key": "name", "name": "Name", "type": "text", "is_required": True},
    {"key": "state", "name": "State", "type": "select", "options": {"choices": ["CA", "NY", "TX"]}},
    {"key": "city", "name": "City", "type": "text", "is_promoted": False},
    {"key": "elevation", "name": "Elevation", "type": "number"},
    {"key": "runways", "name": "Runways", "type": "number", "is_promoted": False},
    {"key": "opened", "name": "Opened", "type": "date"},
    {"key": "checked", "name": "Checked", "type": "datetime", "is_promoted": False},
    {"key": "is_open", "name": "Open", "type": "boolean"},
    {"key": "uses", "name": "Uses", "type": "multi_select"},
    {"key": "lat", "name": "Latitude", "type": "number", "is_promoted": False},
    {"key": "lng", "name": "Longitude", "type": "number", "is_promoted": False},
    {"key": "extra", "name": "Extra", "type": "json"},
    {"key": "code", "name": "Code", "type": "text", "read_only_for": ["member"], "is_promoted": False},
    {"key": "secret", "name": "Secret", "type": "text", "hidden_from": ["member", "viewer"], "is_promoted": False},
]
SETTINGS: Final = {"title_field": "name", "map": {"lat_field": "lat", "lng_field": "lng"}}


async def create_airports(client: Client, cast: Cast, **data: Any) -> dict[str, Any]:
    """Create the recordset as its workspace's owner; members may do everything in it, viewers look."""
    owner = client.as_(cast.owner)
    given: dict[str, Any] = {"fields": FIELDS, "settings": SETTINGS, **data}
    recordset = await create_recordset(owner, **given)
    await grant(owner, recordset, cast.member, "can_create", "can_edit", "can_delete")
    await grant(owner, recordset, cast.viewer, "can_view")
    return recordset


def as_json(filters: dict[str, Any]) -> str:
    """Return filters as a parameter of a query."""
    return orjson.dumps(filters).decode()


def as_parameter(value: Any) -> Any:
    """Return a parameter of a query as it is sent; an object as JSON."""
    return as_json(cast(dict[str, Any], value)) if isinstance(value, dict) else value


async def list_page(client: Client, recordset: dict[str, Any] | None, **params: Any) -> dict[str, Any]:
    """Return a page of a list of records; filters may be given as objects."""
    sent = {key: as_parameter(value) for key, value in params.items()}
    if recordset is not None:
        sent["recordset_id"] = recordset["id"]
    response = await client.get(RECORDS, params=sent)
    assert response.status_code == 200, response.text
    return response.json()


async def list_names(client: Client, recordset: dict[str, Any], **params: Any) -> list[str]:
    """Return the names of the records of a page."""
    page = await list_page(client, recordset, **params)
    return [item["field_values"]["name"] for item in page["items"]]
