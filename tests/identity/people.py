"""People who sign up and sign in by HTTP, for tests of just that."""

from __future__ import annotations

from typing import Any, Final

from fostr.kernel.ids import new_id
from tests.support.client import Client, Response

PASSWORD: Final = "Loom-and-Card-1843"
COOKIE: Final = "fostr_session"


def new_email(name: str = "ada") -> str:
    """Return an address that nobody has yet."""
    return f"{name}.{new_id().hex[-12:]}@example.com"


async def sign_up(client: Client, *, email: str | None = None, **fields: Any) -> dict[str, Any]:
    """Make an account with a workspace, and return the answer."""
    body = {
        "email": email or new_email(),
        "password": PASSWORD,
        "full_name": "Ada Lovelace",
        "company_name": "Analytical Engines",
        **fields,
    }
    response = await client.post("/api/v1/auth/signup", json=body)
    assert response.status_code == 201, response.text
    return response.json()


async def login(client: Client, email: str, *, password: str = PASSWORD) -> Response:
    """Try to sign in."""
    return await client.post("/api/v1/auth/login", json={"email": email, "password": password})


async def refresh(client: Client, token: str) -> Response:
    """Try to get the next pair of tokens."""
    return await client.post("/api/v1/auth/refresh", json={"refresh_token": token})


async def who(client: Client) -> Response:
    """Ask who the client is."""
    return await client.get("/api/v1/auth/me")
