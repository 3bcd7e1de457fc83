"""The web application: routes, guards, errors and streams put together."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import structlog
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from fostr import __version__
from fostr.kernel.discovery import import_modules
from fostr.kernel.http.handlers import install_handlers
from fostr.kernel.http.middleware import RequestMiddleware
from fostr.kernel.http.pages import install_pages
from fostr.kernel.http.routing import Router, SegmentRouter, operation_id
from fostr.kernel.log import configure_log
from fostr.kernel.process import spare_collector
from fostr.kernel.runtime import Runtime, open_runtime

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from fastapi.telemetry import TelemetryConfig
    from starlette.types import Lifespan

    from fostr.settings import Settings

log = structlog.get_logger("fostr.app")

DESCRIPTION: Final = """
One platform on which a company runs its work with AI. Sign in by cookie, or send `Authorization: Bearer` with a JWT, a
personal access token (`fos_pat_…`) or an API key (`fos_live_…`). Name the workspace in `X-Workspace-Id`.

Every refusal has a `code` that stays the same, and a `request_id`. A POST may carry an `Idempotency-Key`; a write to
something that has a `version` may carry `If-Match`.
"""


def create_app(
    settings: Settings, *, runtime: Runtime | None = None, database_url: str = "", lazily: bool = False
) -> FastAPI:
    """Put the application together.

    Args:
        settings: the operator's choices.
        runtime: parts that are open already; without them the application opens and closes its own.
        database_url: address with the application's login, where no runtime is given.
        lazily: whether to answer before all routes are made, and make the others meanwhile.
    """
    configure_log(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        if runtime is not None:
            yield
            return
        async with open_runtime(settings, database_url=database_url) as opened, _completed(segments):
            app.state.runtime = opened
            yield

    app = FastAPI(
        title="Fostr",
        version=__version__,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        generate_unique_id_function=operation_id,
        telemetry=_telemetry(),
    )
    app.state.runtime = runtime
    app.router = segments = _find_routes(lifespan)
    if not lazily:
        segments.build_all()
    install_handlers(app)
    if settings.cors_origins:
        _allow_origins(app, settings)
    app.add_middleware(
        RequestMiddleware,
        max_json_bytes=settings.max_json_bytes,
        max_upload_bytes=settings.max_upload_bytes,
    )
    return app


def _telemetry() -> TelemetryConfig:
    # FastAPI would look for somebody who collects traces with every request. Whoever does says so by OTEL_… variables.
    is_wanted = any(name.startswith("OTEL_") for name in os.environ)
    return {"tracing": is_wanted, "metrics": is_wanted, "logs": is_wanted}


@asynccontextmanager
async def _completed(segments: SegmentRouter) -> AsyncGenerator[None]:
    """Make the routes that are not made yet, beside the requests."""

    async def complete() -> None:
        await segments.build_slowly()
        spare_collector()

    task = asyncio.create_task(complete(), name="fostr routes")
    task.add_done_callback(_tell_failure)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


def _tell_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        log.error("routes could not be made", exc_info=error)


def _find_routes(lifespan: Lifespan[FastAPI]) -> SegmentRouter:
    import_modules("permissions")
    import_modules("events")
    # So that a job which is dispatched here goes to the queue that it is registered with.
    import_modules("tasks")
    routers = [
        router
        for module in import_modules("endpoints")
        for router in vars(module).values()
        if isinstance(router, Router)
    ]
    operations = [operation for router in routers for operation in router.operations]
    segments = SegmentRouter(operations, redirect_slashes=False, lifespan=lifespan)
    install_pages(segments)
    segments.sort_routes()
    return segments


def _allow_origins(app: FastAPI, settings: Settings) -> None:
    app.add_middleware(
        CORSMiddleware,
        allow_origins=list(settings.cors_origins),
        allow_credentials=True,
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=[
            "Authorization",
            "Content-Type",
            "Idempotency-Key",
            "If-Match",
            "Last-Event-ID",
            "X-Api-Key",
            "X-Workspace-Id",
        ],
        expose_headers=["X-Request-Id", "ETag", "Content-Disposition", "Content-Range", "Accept-Ranges", "Retry-After"],
    )
