"""Another site cannot have a browser do anything here with the cookie that it sends along."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fastapi import FastAPI
from fastapi.routing import APIRoute

from fostr.kernel.auth.credentials import COOKIE
from fostr.kernel.http.forms import read_form, read_own_form
from fostr.kernel.http.guards import SAFE_METHODS, check_same_site
from fostr.kernel.http.routing import guard_kind, walk_calls
from fostr.kernel.runtime import Runtime
from tests.security.walking import Walk
from tests.support.cast import Cast
from tests.support.client import BASE, Client, Response, refusal
from tests.workspaces.sessions import signed_in

if TYPE_CHECKING:
    from collections.abc import Mapping

FOREIGN: Final[tuple[Mapping[str, str], ...]] = (
    {"Origin": "https://elsewhere.example"},
    {"Origin": "null"},
    {"Origin": f"{BASE}.elsewhere.example"},
    {"Origin": "http://elsewhere.example/fostr.test"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
)
"""How a browser marks what it sends for a page of another site; it does not let the page choose."""

PROVED_OTHERWISE: Final = {
    "POST /api/v1/auth/activation/resend": "does the same for anybody, and answers the same",
    "POST /api/v1/auth/clerk/check-user": "a secret header, which no page of another site can send unasked",
    "POST /api/v1/auth/impersonate/exchange": "a token in the body; no cookie is read or set",
    "POST /api/v1/auth/passkeys/begin": "makes a challenge, and neither reads nor sets a cookie",
    "POST /api/v1/auth/refresh": "a token in the body; no cookie is read or set",
    "POST /api/v1/auth/register": "makes an account that anybody may make, and signs nobody in",
    "POST /api/v1/auth/request-password-reset": "does the same for anybody, and answers the same",
    "POST /api/v1/auth/reset-password": "a token in the body; signs nobody in",
    "POST /api/v1/notifications/unsubscribe": "a token in the address; no cookie is read or set",
    "POST /unsubscribe": "a token in the address; no cookie is read or set",
    "POST /api/v1/workspaces/accept-invitation": "a token in the body; signs nobody in",
    "PUT /api/v1/files/signed/{key}": "a signature in the address",
}
"""What anybody may send without a cookie, so that a cookie that comes along changes nothing."""


def refused_as_foreign(response: Response) -> bool:
    return response.status_code == 403 and (
        "cross_site_request" in response.text or "html" in response.headers["content-type"]
    )


async def test_no_unsafe_operation_is_done_for_another_site(
    client: Client,
    cast: Cast,
    runtime: Runtime,
    walk: Walk,
) -> None:
    """Every one of them, with the owner's cookie, their ids and a body that would do."""
    browser = await signed_in(client, runtime, cast.owner)
    before, unsafe = await walk.everything(), walk.unsafe()
    for headers in FOREIGN:
        asking = Client(browser.inner, browser.checker, {**browser.headers, **headers})
        done = [operation.name for operation in unsafe if not refused_as_foreign(await walk.send(asking, operation))]
        assert not done, headers
    assert await walk.changed(before) == set()


async def test_our_own_pages_and_programs_are_not_kept_from_it(client: Client, cast: Cast, runtime: Runtime) -> None:
    browser = await signed_in(client, runtime, cast.owner)
    rename = f"/api/v1/workspaces/{cast.acme}"
    for number, headers in enumerate(({"Origin": BASE}, {"Sec-Fetch-Site": "same-origin"}, {})):
        answered = await browser.patch(rename, json={"name": f"Name {number}"}, headers=headers)
        assert answered.status_code == 200, headers
    # A token is not sent by a browser on its own.
    by_token = await client.as_(cast.owner).patch(rename, json={"name": "Other"}, headers=FOREIGN[0])
    assert by_token.status_code == 200


def test_whatever_anybody_may_send_has_its_own_proof_or_asks_where_it_comes_from(app: FastAPI) -> None:
    checked: set[str] = set()
    unchecked: set[str] = set()
    for route in (route for route in app.router.routes if isinstance(route, APIRoute)):
        calls = set(walk_calls(route.dependant))
        unsafe = (route.methods or set()) - SAFE_METHODS
        if guard_kind(route.dependant) != "public" or not unsafe:
            continue
        asks = bool(calls & {check_same_site, read_form, read_own_form})
        (checked if asks else unchecked).update(f"{method} {route.path_format}" for method in unsafe)
    assert {"POST /api/v1/auth/login", "POST /api/v1/auth/signup"} <= checked
    assert unchecked == PROVED_OTHERWISE.keys()


async def test_nobody_is_signed_in_by_another_site(client: Client, walk: Walk) -> None:
    """Or they would go on in an account of somebody else's, and tell it what they would tell their own."""
    public = [o for o in walk.operations if o.guard == "public" and o.method not in SAFE_METHODS]
    asked = [operation for operation in public if operation.name not in PROVED_OTHERWISE]
    assert len(asked) > 5
    for headers in FOREIGN:
        asking = Client(client.inner, client.checker, dict(headers))
        for operation in asked:
            response = await walk.send(asking, operation)
            assert refused_as_foreign(response), (operation.name, headers)
            assert COOKIE not in response.headers.get("set-cookie", "")


async def test_what_only_reads_writes_nothing(
    client: Client,
    cast: Cast,
    runtime: Runtime,
    walk: Walk,
) -> None:
    """Browsers send a cookie with a link that somebody follows from elsewhere, so following one must change nothing."""
    browser = await signed_in(client, runtime, cast.owner)
    before = await walk.everything()
    for operation in walk.operations:
        if operation.method == "GET" and operation.guard in {"workspace", "account"} and "stream" not in operation.path:
            response = await walk.send(browser, operation)
            assert response.status_code < 500, operation.name
    assert await walk.changed(before) == set()


async def test_pages_of_other_sites_are_told_nothing(client: Client, cast: Cast, runtime: Runtime) -> None:
    browser = await signed_in(client, runtime, cast.owner)
    for headers in ({"Origin": "https://elsewhere.example"}, {"Origin": "null"}):
        answered = await browser.get("/api/v1/auth/me", headers=headers)
        assert "access-control-allow-origin" not in answered.headers
        asked = await browser.request(
            "OPTIONS", "/api/v1/auth/me", headers={**headers, "Access-Control-Request-Method": "PATCH"}
        )
        assert asked.status_code == 405
        assert refusal(asked) == (405, "method_not_allowed")
