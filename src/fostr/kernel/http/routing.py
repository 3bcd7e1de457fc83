"""Routers whose operations commit at the edge, and dispatch by the first distinguishing path segment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from fastapi.dependencies.utils import get_dependant
from fastapi.routing import APIRoute, APIRouter

from fostr.kernel.http.errors import (
    CrossSiteRequest,
    DatabaseUnavailable,
    Forbidden,
    FostrError,
    Impersonating,
    InvalidInput,
    MalformedBody,
    ModuleDisabled,
    NotFound,
    ScopeInsufficient,
    TooLarge,
    Unauthorized,
    WorkspaceRequired,
    merge_responses,
    raises,
)
from fostr.kernel.http.guards import (
    HEADER_MARK,
    UNIT_KEY,
    WORKSPACE_PARAMETER,
    begin_public,
    begin_signed_in,
    check_permissions_exist,
)
from fostr.kernel.http.idempotency import AlreadyAnswered, keep_answer
from fostr.kernel.http.queries import MARK as QUERY_MARK
from fostr.kernel.http.queries import describe_queries

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable, Iterator, Sequence

    from fastapi.dependencies.models import Dependant
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute
    from starlette.types import Receive, Scope, Send

    from fostr.kernel.db.unit import Unit
    from fostr.kernel.modules import Module

API: Final = "/api/v1"
BREATH_SECONDS: Final = 0.005
"""How long requests have to themselves after each route that is made beside them."""
REFUSALS_BY_GUARD: Final[dict[str, tuple[type[FostrError], ...]]] = {
    "workspace": (
        Unauthorized,
        Forbidden,
        ScopeInsufficient,
        Impersonating,
        CrossSiteRequest,
        NotFound,
        WorkspaceRequired,
        DatabaseUnavailable,
    ),
    "account": (Unauthorized, Forbidden, CrossSiteRequest, DatabaseUnavailable),
    "public": (DatabaseUnavailable,),
}
SECURITY: Final[list[dict[str, list[str]]]] = [{"cookie": []}, {"bearer": []}, {"apiKey": []}]


class EdgeRoute(APIRoute):
    """A route that ends the request's unit of work before the answer leaves.

    What was answered is committed: a process that dies a moment later has lost nothing that it confirmed.
    """

    module: Module | None = None
    """The part of the product that the operation belongs to, when a workspace may switch that off."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return FastAPI's handler, with the unit of work around it."""
        handle = super().get_route_handler()

        async def edge(request: Request) -> Response:
            try:
                response = await handle(request)
                unit: Unit | None = request.scope.get(UNIT_KEY)
                if unit is not None:
                    await keep_answer(request, unit, response)
                    await unit.commit()
            except AlreadyAnswered as answered:
                await _roll_back(request)
                return answered.response
            except BaseException:
                await _roll_back(request)
                raise
            return response

        return edge


async def _roll_back(request: Request) -> None:
    unit: Unit | None = request.scope.get(UNIT_KEY)
    if unit is not None:
        await unit.rollback()


class Router(APIRouter):
    """A resource's operations. Every one has a guard, and declares the guard's refusals by itself."""

    root = API

    def __init__(self, *, prefix: str = "", tags: Sequence[str], module: Module | None = None) -> None:
        """Make a router.

        Args:
            prefix: what all paths begin with, after `/api/v1`.
            tags: headings under which the API page lists the operations.
            module: the part of the product that the operations belong to, when a workspace may switch that off.
        """
        self._module = module
        self._declared: list[Operation] = []
        super().__init__(
            prefix=self.root + prefix,
            tags=list(tags),
            route_class=EdgeRoute,
            generate_unique_id_function=operation_id,
        )

    @property
    def operations(self) -> Sequence[Operation]:
        """What the router declares."""
        return self._declared

    def add_api_route(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        """Declare an operation. It becomes a route when it is built; see `SegmentRouter`."""
        self._declared.append(Operation(self, path, endpoint, options))

    def build(self, path: str, endpoint: Callable[..., Any], options: dict[str, Any]) -> EdgeRoute:
        """Make a route, with a summary from its endpoint's docstring and the refusals of its guard."""
        # FastAPI asks the response class for its default, which classes of streams do not have.
        options["status_code"] = options.get("status_code") or 200
        lines = (endpoint.__doc__ or "").strip().splitlines()
        options["summary"] = options.get("summary") or (lines[0].rstrip(".") if lines else None)
        dependant = get_dependant(path=self.prefix + path, call=endpoint)
        kind = guard_kind(dependant)
        refusals = _refusals(dependant, kind)
        if self._module is not None and kind == "workspace":
            refusals.append(ModuleDisabled)
        options["responses"] = merge_responses(raises(*refusals), options.get("responses") or {})
        extra: dict[str, Any] = {}
        if kind in ("workspace", "account"):
            extra["security"] = SECURITY
        if parameters := describe_parameters(dependant):
            extra["parameters"] = parameters
        if extra:
            options["openapi_extra"] = {**extra, **(options.get("openapi_extra") or {})}
        super().add_api_route(path, endpoint, **options)
        route = self.routes[-1]
        assert isinstance(route, EdgeRoute)  # noqa: S101 - the router's own route class
        route.module = self._module
        check_permissions_exist(guard_permissions(route))
        return route


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation as its router declares it.

    Attributes:
        router: where it is declared.
        path: its path below the router's prefix.
        endpoint: what answers it.
        options: whatever else FastAPI is told.
    """

    router: Router
    path: str
    endpoint: Callable[..., Any]
    options: dict[str, Any]

    @property
    def segment(self) -> str:
        """The path segment by which it is found."""
        return first_segment(self.router.prefix + self.path)

    def build(self) -> EdgeRoute:
        """Make the route."""
        return self.router.build(self.path, self.endpoint, dict(self.options))


class RootRouter(Router):
    """A router for the few paths outside of `/api/v1`."""

    root = ""


def _refusals(dependant: Dependant, kind: str | None) -> list[type[FostrError]]:
    refusals: list[type[FostrError]] = [*REFUSALS_BY_GUARD.get(kind or "", ())]
    if dependant.body_params:
        refusals += [MalformedBody, TooLarge]
    if dependant.body_params or _has_parameters(dependant):
        refusals.append(InvalidInput)
    return refusals


def _has_parameters(dependant: Dependant) -> bool:
    own = bool(dependant.path_params or dependant.query_params or dependant.header_params)
    own = own or hasattr(dependant.call, QUERY_MARK) or hasattr(dependant.call, HEADER_MARK)
    return own or any(_has_parameters(inner) for inner in dependant.dependencies)


def walk_calls(dependant: Dependant) -> Iterator[Any]:
    """Yield every function that FastAPI calls for an operation, the guards among them."""
    for inner in dependant.dependencies:
        yield inner.call
        yield from walk_calls(inner)


def describe_parameters(dependant: Dependant) -> list[dict[str, Any]]:
    """Return the parameters of an operation that are read without FastAPI's help, as OpenAPI describes them."""
    calls = list(walk_calls(dependant))
    header = [WORKSPACE_PARAMETER] if any(hasattr(call, HEADER_MARK) for call in calls) else []
    return [*describe_queries(calls), *header]


def guard_kind(dependant: Dependant) -> str | None:
    """Return `workspace`, `account` or `public` by the operation's guard, or nothing when it has none."""
    calls = list(walk_calls(dependant))
    if any(hasattr(call, "fostr_permission") for call in calls):
        return "workspace"
    if begin_signed_in in calls:
        return "account"
    return "public" if begin_public in calls else None


def guard_permissions(route: APIRoute) -> set[str]:
    """Return the permissions that an operation's guards require."""
    found = {getattr(call, "fostr_permission", None) for call in walk_calls(route.dependant)}
    return {name for name in found if name is not None}


def operation_id(route: APIRoute) -> str:
    """Return `<domain>_<resource>_<verb>` from the module and the name of the endpoint."""
    parts = route.endpoint.__module__.split(".")
    place = [part for part in parts if part not in {"fostr", "domains", "kernel", "endpoints"}]
    words = [*place, route.endpoint.__name__]
    # `records/records/list` is `records_list`: a resource that is named like its domain is named once.
    return "_".join(word for position, word in enumerate(words) if position == 0 or word != words[position - 1])


class SegmentRouter(APIRouter):
    """Dispatches by the first path segment after the prefix, because FastAPI tries its routes one by one.

    With 700 routes the last one costs 2.9 to 4.0 ms a request to find; by segment, 0.5 ms.

    A route takes FastAPI some 10 ms to make, so a server that made all of them before its first answer would start
    later with every operation that is added. It makes those of a segment when the first request for it comes, and the
    others meanwhile (`build_slowly`).
    """

    def __init__(self, operations: Iterable[Operation], **options: Any) -> None:
        """Make a router.

        Args:
            operations: what it finds, besides the routes that are added to it.
            options: as FastAPI's routers take them.
        """
        super().__init__(**options)
        self._waiting: dict[str, list[Operation]] = {}
        self._by_segment: dict[str, APIRouter] = {}
        for operation in operations:
            self._waiting.setdefault(operation.segment, []).append(operation)

    def sort_routes(self) -> None:
        """Sort the routes that were added by hand by segment; to be called once, when all are there."""
        self.routes.sort(key=_literal_first)
        for route in self.routes:
            segment = first_segment(getattr(route, "path", ""))
            self._by_segment.setdefault(segment, APIRouter(redirect_slashes=False)).routes.append(route)

    def build_all(self) -> None:
        """Make all routes that are not made yet."""
        for segment in list(self._waiting):
            self._build(segment)
        self.routes.sort(key=_literal_first)

    async def build_slowly(self) -> None:
        """Make the routes that are not made yet, one at a time, letting requests pass in between."""
        for segment in list(self._waiting):
            made: list[EdgeRoute] = []
            for operation in self._waiting.get(segment, []):
                made.append(operation.build())
                await asyncio.sleep(BREATH_SECONDS)
            # A request may have been faster, and has made them all.
            if self._waiting.pop(segment, None) is not None:
                self._add(segment, made)

    def _find(self, segment: str) -> APIRouter | None:
        if segment in self._waiting:
            self._build(segment)
        return self._by_segment.get(segment)

    def _build(self, segment: str) -> None:
        self._add(segment, [operation.build() for operation in self._waiting.pop(segment, [])])

    def _add(self, segment: str, made: list[EdgeRoute]) -> None:
        inner = self._by_segment.setdefault(segment, APIRouter(redirect_slashes=False))
        inner.routes.extend(made)
        inner.routes.sort(key=_literal_first)
        self.routes.extend(made)

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request to the routes that share its segment."""
        inner = self._find(first_segment(scope["path"])) if scope["type"] == "http" else None
        if inner is None:
            await super().app(scope, receive, send)
            return
        scope.setdefault("router", self)
        await inner.app(scope, receive, send)


def first_segment(path: str) -> str:
    """Return the first segment that distinguishes a path: the one after `/api/v1`, or the very first."""
    rest = path.removeprefix(API)
    return rest.lstrip("/").partition("/")[0]


def _literal_first(route: BaseRoute) -> tuple[str, ...]:
    # A parameter sorts after every literal, so that /trash is found before /{recordset_slug}.
    path: str = getattr(route, "path", "")
    return tuple("\uffff" if part.startswith("{") else part for part in path.split("/"))
