"""Make recordsets and records through the API, for tests about something else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.support.cast import Person
    from tests.support.client import Client


async def create_recordset(client: Client, *, name: str = "Airports", **data: Any) -> dict[str, Any]:
    """Create a recordset and return it."""
    response = await client.post("/api/v1/recordsets", json={"name": name, **data})
    assert response.status_code == 201, response.text
    return response.json()


async def create_record(client: Client, recordset: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """Create a record and return it."""
    response = await client.post("/api/v1/records", json={"recordset_id": recordset["id"], "field_values": values})
    assert response.status_code == 201, response.text
    return response.json()


async def grant(client: Client, recordset: dict[str, Any], person: Person, *actions: str) -> None:
    """Grant actions on a recordset to a person."""
    body = {"member_id": str(person.member_id), "actions": list(actions)}
    response = await client.post(f"/api/v1/recordsets/{recordset['slug']}/access", json=body)
    assert response.status_code == 201, response.text
