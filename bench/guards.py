"""What a guard costs a request, and what a look-up of a credential costs the guard."""

from __future__ import annotations

import statistics
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from starlette.requests import Request

from bench.load import AnswerRefused, alternate, fetch, make_target, median_rate, median_time
from bench.report import compare_rates, round_figure
from fostr.kernel import clock
from fostr.kernel.auth.credentials import (
    ACCESS_AUDIENCE,
    ACCESS_PURPOSE,
    API_KEY_PREFIX,
    COOKIE,
    SESSION_PREFIX,
    read_credential,
)
from fostr.kernel.auth.lookup import find_caller
from fostr.kernel.crypto.jwt import sign_jwt
from fostr.kernel.crypto.keys import KeyRing, open_key_ring
from fostr.kernel.crypto.tokens import digest_token, mint_token
from fostr.kernel.db.database import Database, open_database
from fostr.kernel.ids import new_id

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from bench.report import Row
    from bench.world import World

LEAST: Final = 0.5
LEAST_LOOK_UP: Final = 0.25
"""Five tables in the place of one, a digest or a signature before them, and an answer made of twenty columns."""
ROUNDS: Final = 5
ROUND_SECONDS: Final = 1.0


async def measure_guard(world: World) -> list[Row]:
    """Compare an operation with itself without its guard, both in one process."""
    team = await world.call(world.owner, "POST", "/api/v1/teams", json={"name": f"Bench {new_id().hex}"})
    process = await world.guarded()
    headers = world.headers(world.member)
    guarded, bare = (
        make_target(process.port, "GET", f"/api/v1/{kind}/{team['id']}", headers=headers)
        for kind in ("teams", "unguarded")
    )
    if (await fetch(guarded)).body != (await fetch(bare)).body:
        raise AnswerRefused("with the guard and without it, the answers differ")
    single = await alternate([guarded, bare], connections=1)
    with_guard, without = (1e6 * median_time(rounds) for rounds in single)
    value, baseline = (median_rate(rounds) for rounds in await alternate([guarded, bare], connections=8))
    return [
        compare_rates(
            "guard",
            value=value,
            baseline=baseline,
            unit="requests/s",
            least=LEAST,
            detail=f"a team by its id, by personal access token, with who is calling, membership, role, overrides and "
            f"permission, against the same handler without them in the same process, 8 connections; alone "
            f"{with_guard:.0f} against {without:.0f} µs, so that the guard takes {with_guard - without:.0f} µs",
        )
    ]


@dataclass(frozen=True, slots=True)
class _Credentials:
    """One of each kind, as headers."""

    headers: dict[str, tuple[bytes, bytes]]
    keys: KeyRing
    workspace: UUID
    user_id: UUID


@asynccontextmanager
async def _database(world: World) -> AsyncGenerator[Database]:
    database = await open_database(world.application_url, min_size=1, max_size=1)
    try:
        yield database
    finally:
        await database.close()


async def _make_credentials(world: World, database: Database) -> _Credentials:
    keys = open_key_ring(world.settings.secrets)
    key, cookie, session_id = mint_token(API_KEY_PREFIX), mint_token(SESSION_PREFIX), new_id()
    ends, user_id = clock.now() + timedelta(days=1), world.owner.user_id
    async with database.unit() as unit:
        await unit.run(
            """
            insert into tokens (id, kind, digest, hint, name, scope, user_id, workspace_id)
            values (:id, 'api_key', :digest, '', 'bench', 'read', :user_id, :about)
            """,
            id=new_id(),
            digest=digest_token(key),
            user_id=user_id,
            about=world.workspace,
        )
        await unit.run(
            """
            insert into sessions (id, user_id, kind, digest, workspace_id, expires_at)
            values (:id, :user_id, 'cookie', :digest, :about, :ends)
            """,
            id=session_id,
            user_id=user_id,
            digest=digest_token(cookie),
            about=world.workspace,
            ends=ends,
        )
    claims = {"sub": str(user_id), "sid": str(session_id), "aud": ACCESS_AUDIENCE, "exp": int(ends.timestamp())}
    signed = sign_jwt({**claims, "iat": int(clock.now().timestamp())}, key=keys.current(ACCESS_PURPOSE))
    headers = {
        "key": (b"authorization", f"Bearer {key}".encode()),
        "token": (b"authorization", f"Bearer {world.owner.token}".encode()),
        "jwt": (b"authorization", f"Bearer {signed}".encode()),
        "cookie": (b"cookie", f"{COOKIE}={cookie}".encode()),
    }
    return _Credentials(headers, keys, world.workspace, user_id)


async def measure_verify(world: World) -> list[Row]:
    """Compare look-ups of each kind of credential with a select of one row by its primary key."""
    async with _database(world) as database:
        made = await _make_credentials(world, database)

        async def select() -> None:
            async with database.unit() as unit:
                row = await unit.look_up("select id, email from users where id = :id", id=made.user_id)
            assert row is not None  # noqa: S101 - the owner of the bench

        rows: list[Row] = []
        for kind, header in made.headers.items():
            value, baseline = await _rates([_verifier(database, made, header), select])
            rows.append(
                compare_rates(
                    f"verify_{kind}",
                    value=value,
                    baseline=baseline,
                    unit="look-ups/s",
                    least=LEAST_LOOK_UP,
                    detail=f"one after the other, in one process: read from the header, checked, found with person, "
                    f"membership, role and overrides in one statement, {_micros(value)} µs; the baseline is a select "
                    f"of one row by its primary key, {_micros(baseline)} µs",
                )
            )
        return rows


def _micros(rate: float) -> float:
    return round_figure(1e6 / rate)


def _verifier(database: Database, made: _Credentials, header: tuple[bytes, bytes]) -> Callable[[], Awaitable[None]]:
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [header]}

    async def verify() -> None:
        credential = read_credential(Request(scope), made.keys)
        assert credential is not None  # noqa: S101 - it was made a moment ago
        async with database.unit() as unit:
            caller = await find_caller(unit, source=credential.source, key=credential.key, wanted=made.workspace)
        if caller is None or caller.access is None:
            raise AnswerRefused("the credential is not known")

    return verify


async def _rates(actions: list[Callable[[], Awaitable[None]]]) -> list[float]:
    """Return how often a second each can be done, taking turns; the middle round counts."""
    rates: list[list[float]] = [[] for _ in actions]
    for _ in range(ROUNDS):
        for action, found in zip(actions, rates, strict=True):
            started, done = time.perf_counter(), 0
            while time.perf_counter() < started + ROUND_SECONDS:
                await action()
                done += 1
            found.append(done / (time.perf_counter() - started))
    return [statistics.median(found) for found in rates]
