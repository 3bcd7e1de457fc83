"""A server of one operation with its guard, and of the same without it, for telling what the guard costs.

The operation is a real one: a team, by its id, in one statement. Without the guard, everything else is as it is: the
middleware, the transaction with its workspace, the service, the answer. Who asks is what the first request has shown.
"""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID

import uvicorn
from fastapi import Depends, FastAPI, Request

from fostr.domains.workspaces.teams import endpoints as teams
from fostr.domains.workspaces.teams import service
from fostr.domains.workspaces.teams.schemas import Team
from fostr.kernel.discovery import import_modules
from fostr.kernel.http.context import Context
from fostr.kernel.http.guards import enter_workspace, open_public, read_workspace_header
from fostr.kernel.http.handlers import install_handlers
from fostr.kernel.http.middleware import RequestMiddleware
from fostr.kernel.http.routing import Router, SegmentRouter, operation_id
from fostr.kernel.log import configure_log
from fostr.kernel.process import spare_collector
from fostr.kernel.runtime import open_runtime
from fostr.settings import load_settings
from fostr.supervisor.listening import LISTENER_VARIABLE

if TYPE_CHECKING:
    from fostr.settings import Settings

router = Router(prefix="/unguarded", tags=["Bench"])

_known: Final[list[Context]] = []


async def remember(request: Request) -> Context:
    """Stand in the place of the guard: look at the first request alone, and let all others in as the same person."""
    if not _known:
        _known.append(await enter_workspace(request, read_workspace_header(request), permission=None))
        return _known[0]
    public, known = open_public(request), _known[0]
    public.unit.enter_workspace(known.workspace_id)
    return Context(
        unit=public.unit,
        runtime=public.runtime,
        facts=public.facts,
        now=public.now,
        principal=known.principal,
        access=known.access,
    )


@router.get("/{team_id}")
async def get(context: Annotated[Context, Depends(remember)], team_id: UUID) -> Team:
    """Show one team, to anybody."""
    return await service.get_team(context, team_id=team_id)


def make_app(settings: Settings, *, database_url: str) -> FastAPI:
    """Put the application together from the operations on teams, and the one without a guard."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        async with open_runtime(settings, database_url=database_url) as runtime:
            app.state.runtime = runtime
            yield

    configure_log(settings)
    for role in ("permissions", "events", "tasks"):
        import_modules(role)
    app = FastAPI(
        openapi_url=None,
        generate_unique_id_function=operation_id,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    operations = [*teams.router.operations, *router.operations]
    app.router = segments = SegmentRouter(operations, redirect_slashes=False, lifespan=lifespan)
    segments.sort_routes()
    segments.build_all()
    install_handlers(app)
    app.add_middleware(
        RequestMiddleware, max_json_bytes=settings.max_json_bytes, max_upload_bytes=settings.max_upload_bytes
    )
    return app


def main() -> None:
    """Serve until a signal comes."""
    settings = load_settings()
    assert settings.app_database_url is not None  # noqa: S101 - the bench says where
    config = uvicorn.Config(
        make_app(settings, database_url=settings.app_database_url.get_secret_value()),
        loop="uvloop",
        http="httptools",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
    )
    spare_collector()
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=int(os.environ[LISTENER_VARIABLE]))])


if __name__ == "__main__":
    main()
