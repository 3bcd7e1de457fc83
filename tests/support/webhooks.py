"""Make webhooks through the API, and give roles the right to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from tests.support.client import Client

PATH: Final = "/api/v1/webhooks"


async def create_webhook(client: Client, url: str, **data: Any) -> dict[str, Any]:
    """Make a webhook and return it, with its secret."""
    response = await client.post(PATH, json={"url": url, **data})
    assert response.status_code == 201, response.text
    return response.json()


async def change_permission(client: Client, role: str, name: str, *, holds: bool) -> None:
    """Give a role of the workspace a permission, or take it away."""
    response = await client.patch(f"/api/v1/permissions/roles/{role}", json={"permissions": {name: holds}})
    assert response.status_code == 200, response.text
