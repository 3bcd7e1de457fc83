"""Operations on the server itself."""

from fastapi import Response

from fostr.kernel.http.guards import Public
from fostr.kernel.http.health import Liveness, Readiness, check_readiness, measure_liveness
from fostr.kernel.http.routing import RootRouter, Router

router = Router(prefix="", tags=["Operations"])
root_router = RootRouter(tags=["Operations"])


@root_router.get("/health")
async def health_root() -> Liveness:
    """Say that the process is alive.

    The same answer as `/api/v1/health`, at the address where container platforms look first.
    """
    return measure_liveness()


@router.get("/health")
async def health() -> Liveness:
    """Say that the process is alive.

    Answers version, uptime in seconds and resident memory in MB, and touches neither the database nor anything else.
    """
    return measure_liveness()


@router.get("/ready", responses={503: {"model": Readiness, "description": "A critical dependency failed."}})
async def ready(context: Public, response: Response) -> Readiness:
    """Say whether every dependency answers.

    The database has 5 seconds, Redis and the AI provider 2 seconds each where they are configured. A failing
    dependency that is critical makes the answer a 503.
    """
    readiness = await check_readiness(context.runtime)
    if readiness.status == "not_ready":
        response.status_code = 503
    return readiness
