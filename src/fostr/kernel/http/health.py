"""Is it alive, and is it ready: what a balancer and an operator ask."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final, Literal

import httpx2
import psutil
from pydantic import BaseModel, Field

from fostr import __version__

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fostr.kernel.runtime import Runtime

STARTED: Final = time.monotonic()
DATABASE_SECONDS: Final = 5.0
REDIS_SECONDS: Final = 2.0
AI_SECONDS: Final = 2.0


class Liveness(BaseModel):
    """What the process knows of itself without asking anybody."""

    status: Literal["healthy"]
    version: str
    uptime: float = Field(description="Seconds since the process started.")
    memory: float = Field(description="Resident memory in MB.")


class Check(BaseModel):
    """How one dependency answered."""

    name: Literal["database", "redis", "ai"]
    status: Literal["ok", "failed", "not_configured"]
    critical: bool
    latencyMs: float  # noqa: N815 - the API's name


class Readiness(BaseModel):
    """How every dependency answered."""

    status: Literal["ready", "not_ready"]
    checks: list[Check]
    totalLatencyMs: float  # noqa: N815 - the API's name


def measure_liveness() -> Liveness:
    """Return version, uptime and memory; touches nothing outside of the process."""
    memory = psutil.Process().memory_info().rss / 1_048_576
    uptime = time.monotonic() - STARTED
    return Liveness(status="healthy", version=__version__, uptime=round(uptime, 3), memory=round(memory, 1))


async def check_readiness(runtime: Runtime) -> Readiness:
    """Ask every dependency at once; it is ready when no critical one fails."""
    settings = runtime.settings
    started = time.perf_counter()
    checks = await asyncio.gather(
        _check("database", lambda: _ask_database(runtime), seconds=DATABASE_SECONDS, critical=True),
        _check(
            "redis",
            (lambda: _ask_redis(runtime)) if settings.redis_url else None,
            seconds=REDIS_SECONDS,
            critical=settings.redis_url is not None,
        ),
        _check(
            "ai",
            (lambda: _ask_ai(runtime)) if settings.ai_base_url else None,
            seconds=AI_SECONDS,
            critical=False,
        ),
    )
    failed = any(check.critical and check.status == "failed" for check in checks)
    total = round((time.perf_counter() - started) * 1000, 2)
    return Readiness(status="not_ready" if failed else "ready", checks=list(checks), totalLatencyMs=total)


async def _check(
    name: Literal["database", "redis", "ai"],
    ask: Callable[[], Awaitable[None]] | None,
    *,
    seconds: float,
    critical: bool,
) -> Check:
    if ask is None:
        return Check(name=name, status="not_configured", critical=critical, latencyMs=0.0)
    started = time.perf_counter()
    status: Literal["ok", "failed"] = "ok"
    try:
        async with asyncio.timeout(seconds):
            await ask()
    except Exception:  # noqa: BLE001 - whatever goes wrong, the answer is that it failed
        status = "failed"
    return Check(
        name=name,
        status=status,
        critical=critical,
        latencyMs=round((time.perf_counter() - started) * 1000, 2),
    )


async def _ask_database(runtime: Runtime) -> None:
    async with runtime.database.unit() as unit:
        await unit.value("select 1")


async def _ask_redis(runtime: Runtime) -> None:
    from redis.asyncio import Redis

    url = runtime.settings.redis_url
    assert url is not None  # noqa: S101 - checked by the caller
    async with Redis.from_url(url.get_secret_value(), socket_connect_timeout=REDIS_SECONDS) as client:  # pyright: ignore[reportUnknownMemberType]
        await client.ping()  # pyright: ignore[reportUnknownMemberType, reportGeneralTypeIssues]


async def _ask_ai(runtime: Runtime) -> None:
    settings = runtime.settings
    key = settings.ai_api_key
    headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}
    async with httpx2.AsyncClient(timeout=AI_SECONDS, trust_env=False) as client:
        response = await client.get(f"{settings.ai_base_url}/models", headers=headers)
        response.raise_for_status()
