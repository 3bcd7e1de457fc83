"""Make row rules through the API, for tests about what they leave to whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from tests.support.client import Client

VIEWER: Final = {"$viewer": "member_id"}


def leaf(field: str, op: str, value: Any) -> dict[str, Any]:
    """Return a condition on one field."""
    return {"field": field, "op": op, "value": value}


async def create_rule(
    client: Client, recordset: dict[str, Any], condition: dict[str, Any], *actions: str, **subjects: Any
) -> dict[str, Any]:
    """Create a rule, for everybody unless somebody is named, and return it."""
    body = {
        "name": f"Rule on {', '.join(actions) or 'view'}",
        "actions": list(actions) or ["view"],
        "applies_to": subjects or {"everybody": True},
        "condition": condition,
    }
    response = await client.post(f"/api/v1/recordsets/{recordset['id']}/rules", json=body)
    assert response.status_code == 201, response.text
    return response.json()
