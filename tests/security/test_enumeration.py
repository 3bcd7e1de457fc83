"""Nobody learns who has an account: not by an answer, and not by the time that it takes.

Time is not measured, since a busy machine would make that lie. What takes time is counted: statements, and hashes.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import httpx2
import pytest
from pydantic import SecretStr

from fostr.app import create_app
from fostr.kernel.auth.links import claim_link, mint_link
from fostr.kernel.crypto.passwords import observe_hashing
from fostr.kernel.crypto.tokens import mint_token
from fostr.kernel.ids import new_id
from fostr.kernel.runtime import Runtime
from tests.contract.test_boundaries import names_an_object, send
from tests.contract.walk import Operation, example_body
from tests.contract.world import World
from tests.identity.conftest import Visit
from tests.identity.people import new_email, sign_up
from tests.identity.test_second_factor import enable
from tests.support.cast import Cast
from tests.support.client import BASE, Client, Response, new_host, refusal
from tests.support.statements import watch_statements

if TYPE_CHECKING:
    from collections.abc import Generator

WRONG: Final = "Not-the-one-1843"

TELLS_NOTHING: Final[dict[str, dict[str, Any]]] = {
    "POST /api/v1/auth/login": {"password": WRONG},
    "POST /api/v1/auth/activation/resend": {},
    "POST /api/v1/auth/request-password-reset": {},
    "POST /api/v1/auth/signup/async": {"password": "Loom-and-Card-1843", "company_name": "Engines"},
}
"""What anybody may ask with an address, and the rest of what they say."""

TELLS: Final[dict[str, str]] = {
    "POST /api/v1/auth/register": "makes an account at once and answers with it, so it must say when it cannot",
    "POST /api/v1/auth/signup": "the same, and signs in",
    "POST /api/v1/auth/clerk/check-user": "is asked by the operator's own front end, which shows a secret",
    "POST /api/v1/auth/setup": "takes the link that the server's own log showed",
}
"""What says whether there is an account, and why that is right. The first two are counted for each address."""


@dataclass(slots=True)
class Work:
    """What a request did that takes time."""

    statements: list[str]
    hashes: int = 0

    def hash(self) -> None:
        """Count one more."""
        self.hashes += 1


@contextmanager
def watched() -> Generator[Work]:
    """Take note of the work that is done inside the block."""
    with watch_statements() as statements:
        work = Work(statements)
        end = observe_hashing(work.hash)
        try:
            yield work
        finally:
            end()


@dataclass(frozen=True, slots=True)
class Addresses:
    """Addresses about which nobody may learn anything, by what they are."""

    by_kind: dict[str, str]


@pytest.fixture
async def addresses(visit: Visit, runtime: Runtime) -> Addresses:
    kinds = ("active", "closed", "without a password", "unconfirmed")
    by_kind = {kind: new_email(kind.partition(" ")[0]) for kind in kinds}
    for email in by_kind.values():
        await sign_up(visit(), email=email)
    async with runtime.database.unit() as unit:
        await unit.run("update users set is_active = false where email = :email", email=by_kind["closed"])
        await unit.run(
            "update users set password_hash = null where email = :email", email=by_kind["without a password"]
        )
        await unit.run("update users set email_verified_at = now() where email = :email", email=by_kind["active"])
    return Addresses({**by_kind, "unknown": new_email("nobody")})


def shape(response: Response) -> tuple[object, ...]:
    """Return what can be told apart about an answer, without what is another one each time."""
    body = response.json()
    passing = {"request_id", "job_id", "stream_url"}
    shown = {name: value for name, value in body.items() if name not in passing}
    headers = {name: value for name, value in response.headers.items() if name != "x-request-id"}
    return response.status_code, shown, body.keys(), headers


@pytest.mark.parametrize("name", TELLS_NOTHING)
async def test_the_answer_and_the_work_are_the_same_for_every_address(
    visit: Visit, addresses: Addresses, name: str
) -> None:
    method, path = name.split(" ")
    answers: dict[str, tuple[object, ...]] = {}
    done: dict[str, Work] = {}
    for kind, email in addresses.by_kind.items():
        client = visit()
        with watched() as work:
            response = await client.request(method, path, json={"email": email, **TELLS_NOTHING[name]})
        answers[kind], done[kind] = shape(response), work
    assert answers["unknown"][0] in {200, 201, 202, 401}
    assert done["unknown"].statements
    for kind in addresses.by_kind:
        assert answers[kind] == answers["unknown"], kind
        assert done[kind].statements == done["unknown"].statements, kind
        assert done[kind].hashes == done["unknown"].hashes, kind
    assert done["unknown"].hashes == ("password" in TELLS_NOTHING[name])


@pytest.mark.parametrize(
    ("path", "more"), [("/api/v1/auth/register", {}), ("/api/v1/auth/signup", {"company_name": "Engines"})]
)
async def test_what_tells_of_an_account_has_hashed_the_password_before(
    visit: Visit, addresses: Addresses, path: str, more: dict[str, str]
) -> None:
    body = {"password": "Loom-and-Card-1843", "full_name": "Ada", **more}
    for kind, email in addresses.by_kind.items():
        with watched() as work:
            response = await visit().post(path, json={"email": email, **body})
        expected = 201 if kind == "unknown" else 409
        assert (response.status_code, work.hashes) == (expected, 1), kind
        if expected == 409:
            # Closed or open, with a password or without: it is said that there is one, and nothing of it.
            assert refusal(response) == (409, "email_taken")
            assert response.json().keys() == {"detail", "code", "request_id"}


async def test_whether_an_account_has_a_second_factor_is_told_to_who_knows_the_password_alone(
    visit: Visit,
) -> None:
    plain, secured = new_email(), new_email()
    await sign_up(visit(), email=plain)
    browser = visit()
    await sign_up(browser, email=secured)
    await enable(browser)
    seen: list[tuple[object, ...]] = []
    for email in (plain, secured):
        with watched() as work:
            response = await visit().post("/api/v1/auth/login", json={"email": email, "password": WRONG})
        seen.append((*shape(response), tuple(work.statements), work.hashes))
    assert seen[0] == seen[1]
    assert seen[0][0] == 401


async def test_a_passkey_is_asked_for_without_a_name(visit: Visit) -> None:
    """Its challenge names nobody, so there is nothing to compare; what does not fit is refused in one way."""
    shown = [(await visit().post("/api/v1/auth/passkeys/begin", json={"email": "ada@example.com"})) for _ in range(2)]
    assert {tuple(sorted(response.json())) for response in shown} == {tuple(sorted(shown[0].json()))}
    assert all("allowCredentials" not in r.json() or r.json()["allowCredentials"] == [] for r in shown)


LINKS: Final = {
    "GET /api/v1/auth/activation/validate": (403, "link_invalid"),
    "POST /api/v1/auth/activation/complete": (403, "link_invalid"),
    "POST /api/v1/auth/impersonate/exchange": (403, "link_invalid"),
    "POST /api/v1/auth/reset-password": (403, "link_invalid"),
    "GET /api/v1/workspaces/invitation-details": (404, "invitation_not_found"),
    "POST /api/v1/workspaces/accept-invitation": (404, "invitation_not_found"),
}
"""What anybody may ask with the token of a link, and how one that is not good is refused, whatever it lacks."""


SIGNED: Final = frozenset({"GET /api/v1/notifications/unsubscribe", "POST /api/v1/notifications/unsubscribe"})
"""What takes a signed token, of which nothing is kept: there is nobody to be found by guessing one."""


@pytest.mark.parametrize("name", LINKS)
async def test_a_link_that_is_not_good_is_refused_in_one_way(
    visit: Visit, runtime: Runtime, cast: Cast, operations: list[Operation], openapi: dict[str, Any], name: str
) -> None:
    """Unknown, malformed, over, used, or for something else: it makes no difference to who has it."""
    operation = next(operation for operation in operations if operation.name == name)
    tokens = {"malformed": "x", "unknown": mint_token("fos_lnk"), **await _spoilt(runtime, cast)}
    answers: dict[str, tuple[object, ...]] = {}
    for kind, token in tokens.items():
        params = {"token": token} if operation.method == "GET" else {}
        body = None if operation.method == "GET" else {**_body(operation, openapi), "token": token}
        response = await visit().request(operation.method, operation.path, params=params, json=body)
        assert refusal(response) == LINKS[name], kind
        answers[kind] = shape(response)
    assert len({repr(answer) for answer in answers.values()}) == 1


def _body(operation: Operation, openapi: dict[str, Any]) -> dict[str, Any]:
    body = dict(example_body(operation, openapi))
    body.pop("workspace_id", None)
    return body


async def _spoilt(runtime: Runtime, cast: Cast) -> dict[str, str]:
    """Return links of somebody's that are not good for anything that is asked here."""
    async with runtime.database.unit() as unit:
        member = cast.member.user_id
        hour = timedelta(hours=1)
        other = await mint_link(unit, purpose="something else", user_id=member, lifetime=hour)
        over = await mint_link(unit, purpose="password_reset", user_id=member, lifetime=-hour)
        used = await mint_link(unit, purpose="activation", user_id=member, lifetime=hour)
        assert await claim_link(unit, used.token, purpose="activation") is not None
    return {"for something else": other.token, "over": over.token, "used": used.token}


def test_every_public_question_about_an_address_is_looked_at_here(
    operations: list[Operation], openapi: dict[str, Any]
) -> None:
    """Whoever adds one says here that it tells nothing, or why it may."""
    asked: set[str] = set()
    linked: set[str] = set()
    for operation in operations:
        if operation.guard != "public" or not operation.path.startswith("/api/"):
            continue
        content = operation.document.get("requestBody", {}).get("content", {})
        body: dict[str, Any] = example_body(operation, openapi) if "application/json" in content else {}
        names = {p["name"] for p in operation.document.get("parameters", [])} | body.keys()
        if "email" in names:
            asked.add(operation.name)
        if "token" in names and "/files/" not in operation.path:
            linked.add(operation.name)
    assert asked == TELLS_NOTHING.keys() | TELLS.keys()
    assert linked - {"POST /api/v1/auth/setup"} - SIGNED == LINKS.keys()


async def test_what_the_front_end_of_the_operator_may_ask_takes_its_secret(visit: Visit, runtime: Runtime) -> None:
    settings = runtime.settings.model_copy(update={"clerk_secret": SecretStr("the front end knows this")})
    app = create_app(settings, runtime=replace(runtime, settings=settings), lazily=True)
    known = new_email()
    await sign_up(visit(), email=known)
    transport = httpx2.ASGITransport(app=app, client=new_host())
    async with httpx2.AsyncClient(transport=transport, base_url=BASE) as inner:
        client = Client(inner, visit().checker, {"X-Clerk-Secret": "the front end knows thus"})
        answers: list[tuple[object, ...]] = []
        for email in (known, new_email("nobody")):
            with watched() as work:
                response = await client.post("/api/v1/auth/clerk/check-user", json={"email": email})
            answers.append((*shape(response), tuple(work.statements)))
    assert answers[0] == answers[1]
    assert answers[0][0] == 401


def _none_like(known: str) -> str:
    """Return an id of nothing that looks like one of something."""
    return str(2**53) if known.isdecimal() else str(new_id())


async def test_ids_of_others_and_ids_of_nothing_are_refused_alike(
    client: Client, cast: Cast, world: World, operations: list[Operation], openapi: dict[str, Any]
) -> None:
    """In a workspace of their own, nobody learns by an id whether something of that id is elsewhere."""
    none_such = {name: _none_like(known) for name, known in world.ids.items() if name.endswith("_id")}
    nothing = World({**world.ids, **none_such}, world.trashed_slug)
    stranger = client.as_(cast.stranger)
    compared = 0
    for operation in operations:
        if operation.guard not in {"workspace", "account"} or not names_an_object(operation):
            continue
        if not any(name.endswith("_id") for name in operation.path_names):
            continue
        theirs = await send(stranger, operation, world, openapi)
        none = await send(stranger, operation, nothing, openapi)
        assert shape(theirs) == shape(none), operation.name
        compared += 1
    assert compared > 60
