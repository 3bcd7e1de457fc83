"""Guards: the only way for an endpoint to learn who is calling, where, and with which right.

A guard answers 401 when no valid credential came, 400 when no workspace was named, 404 when the caller is not a
member of it, and 403 when the role or the credential's scope is too small.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError

from fostr.kernel import clock
from fostr.kernel.access.access import scope_allows
from fostr.kernel.access.catalogue import get_permission
from fostr.kernel.auth.credentials import read_credential
from fostr.kernel.auth.lookup import Caller, find_caller
from fostr.kernel.http.context import AccountContext, Context, PublicContext, RequestFacts
from fostr.kernel.http.errors import (
    CrossSiteRequest,
    Forbidden,
    Impersonating,
    ModuleDisabled,
    NotFound,
    ScopeInsufficient,
    Unauthorized,
    WorkspaceRequired,
)
from fostr.kernel.http.idempotency import claim_key
from fostr.kernel.modules import is_enabled

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fostr.kernel.auth.principals import Principal
    from fostr.kernel.db.unit import Unit
    from fostr.kernel.modules import Module
    from fostr.kernel.runtime import Runtime
    from fostr.settings import Settings

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
UNIT_KEY: Final = "fostr.unit"
CALLER_KEY: Final = "fostr.caller"
HEADER_MARK: Final = "fostr_reads_header"
"""The attribute by which a router finds the guards that read the workspace from its header."""

WORKSPACE_HEADER: Final = "X-Workspace-Id"
WORKSPACE_PARAMETER: Final[dict[str, Any]] = {
    "name": WORKSPACE_HEADER,
    "in": "header",
    "required": False,
    "description": "The workspace. An API key is bound to one and needs no header.",
    "schema": {"type": "string", "format": "uuid"},
}
"""The header as OpenAPI describes it. Guards read it themselves: declared to FastAPI, it cost every request 0.1 ms."""


async def begin_public(request: Request) -> PublicContext:
    """Guard of the few operations that anybody may call; it opens the unit of work and nothing else."""
    # A coroutine, although it waits for nothing: FastAPI runs plain functions in a thread, which costs more.
    return open_public(request)


def open_public(request: Request) -> PublicContext:
    """Open the unit of work of a request; of several guards of one request, the first one does."""
    runtime: Runtime = request.app.state.runtime
    unit: Unit | None = request.scope.get(UNIT_KEY)
    if unit is None:
        unit = request.scope[UNIT_KEY] = runtime.database.unit()
    return PublicContext(unit=unit, runtime=runtime, facts=request_facts(request), now=clock.now())


def request_facts(request: Request) -> RequestFacts:
    """Return where a request came from."""
    return RequestFacts(
        request_id=request.scope.get("fostr.request_id", ""),
        address=request.client.host if request.client else "",
        user_agent=request.headers.get("user-agent", "")[:300],
    )


async def begin_signed_in(request: Request) -> AccountContext:
    """Guard of operations on the caller's own account, which belong to no workspace."""
    public = open_public(request)
    caller = await identify(request, public.unit, wanted=None)
    await claim_key(request, public.unit, principal=caller.principal, workspace=None)
    return AccountContext(
        unit=public.unit,
        runtime=public.runtime,
        facts=public.facts,
        now=public.now,
        principal=caller.principal,
    )


async def identify(request: Request, unit: Unit, *, wanted: UUID | None) -> Caller:
    """Return the caller, or refuse.

    Raises:
        Unauthorized: no credential, or one that is malformed, unknown, expired or revoked.
        CrossSiteRequest: a cookie came with an unsafe request from another site.
    """
    runtime: Runtime = request.app.state.runtime
    is_secure = runtime.settings.public_url.startswith("https:")
    credential = read_credential(request, runtime.keys, is_secure=is_secure)
    if credential is None:
        raise Unauthorized
    if credential.source == "cookie":
        await check_same_site(request)
    caller = await find_caller(unit, source=credential.source, key=credential.key, wanted=wanted)
    if caller is None:
        raise Unauthorized
    request.scope[CALLER_KEY] = caller
    return caller


async def check_same_site(request: Request) -> None:
    """Refuse an unsafe request that a browser made for another site.

    Browsers send `Origin` with every unsafe request across sites, so a request without it, and without
    `Sec-Fetch-Site`, was not made by a browser on behalf of a page.

    Raises:
        CrossSiteRequest: the origin is neither ours nor one that the operator allowed.
    """
    if request.method in SAFE_METHODS:
        return
    origin = request.headers.get("origin")
    if origin is None:
        if request.headers.get("sec-fetch-site") in (None, "same-origin", "none"):
            return
        raise CrossSiteRequest
    settings = _settings(request)
    ours = {request.headers.get("host"), urlsplit(settings.public_url).netloc}
    if urlsplit(origin).netloc in ours or origin in settings.cors_origins:
        return
    raise CrossSiteRequest


def _settings(request: Request) -> Settings:
    runtime: Runtime = request.app.state.runtime
    return runtime.settings


def _enter(public: PublicContext, caller: Caller, permission: str | None) -> Context:
    access = caller.access
    if access is None:
        raise NotFound
    if permission is not None:
        check_scope(caller.principal, permission)
    if permission is not None and permission not in access.permissions:
        raise Forbidden(permission=permission)
    public.unit.enter_workspace(access.workspace_id)
    return Context(
        unit=public.unit,
        runtime=public.runtime,
        facts=public.facts,
        now=public.now,
        principal=caller.principal,
        access=access,
    )


def check_scope(principal: Principal, permission: str) -> None:
    """Refuse a credential that does not carry a permission, whatever the person's role holds.

    Raises:
        Impersonating: somebody acts in the name of the person, and so does not administer.
        ScopeInsufficient: the credential's scope is too small.
    """
    if scope_allows(principal.scope, permission):
        return
    if principal.acting_as is not None:
        raise Impersonating
    raise ScopeInsufficient


async def enter_workspace(request: Request, workspace_id: UUID | None, *, permission: str | None) -> Context:
    """Let a caller into a workspace, for guards that find the workspace elsewhere than in the header."""
    public = open_public(request)
    caller = await identify(request, public.unit, wanted=workspace_id)
    if caller.access is None and workspace_id is None:
        raise WorkspaceRequired
    context = _enter(public, caller, permission)
    _check_module(request, context)
    await claim_key(request, context.unit, principal=caller.principal, workspace=context.workspace_id)
    return context


def _check_module(request: Request, context: Context) -> None:
    module: Module | None = getattr(request.scope.get("route"), "module", None)
    if module is not None and not is_enabled(module, context.access.switched_modules):
        raise ModuleDisabled(module=module.name)


def in_workspace(permission: str | None) -> Any:
    """Return the guard of an operation in the workspace that the header names.

    Args:
        permission: the name in the catalogue that the caller's role must hold; None for operations that every
            member may call and that decide further on their own object.
    """

    async def guard(request: Request) -> Context:
        return await enter_workspace(request, read_workspace_header(request), permission=permission)

    setattr(guard, HEADER_MARK, True)
    return _as_guard(guard, permission)


def read_workspace_header(request: Request) -> UUID | None:
    """Return the workspace that a request names in its header.

    Raises:
        RequestValidationError: it names no UUID.
    """
    given = request.headers.get(WORKSPACE_HEADER)
    if given is None:
        return None
    try:
        return UUID(given)
    except ValueError:
        fault = {"type": "uuid_parsing", "loc": ("header", WORKSPACE_HEADER), "msg": "Input should be a valid UUID"}
        raise RequestValidationError([{**fault, "input": given}]) from None


def in_path_workspace(permission: str | None) -> Any:
    """Return the guard of an operation whose path names the workspace as `workspace_id`."""

    async def guard(request: Request, workspace_id: UUID) -> Context:
        return await enter_workspace(request, workspace_id, permission=permission)

    return _as_guard(guard, permission)


def _as_guard(guard: Callable[..., Awaitable[Context]], permission: str | None) -> Any:
    if permission is not None:
        guard.__doc__ = f"Require `{permission}`."
    guard.fostr_permission = permission  # pyright: ignore[reportFunctionMemberAccess]
    # Of one that ends with the function, FastAPI does not ask at each request whether it is a generator.
    return Depends(guard, scope="function")


def check_permissions_exist(names: set[str]) -> None:
    """Fail at start when a guard names a permission that no domain registered."""
    for name in names:
        get_permission(name)


Public = Annotated[PublicContext, Depends(begin_public)]
"""Anybody."""

SignedIn = Annotated[AccountContext, Depends(begin_signed_in)]
"""Anybody who is signed in."""
