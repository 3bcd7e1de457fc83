"""The guard of the stream, whose clients cannot always set headers: browsers open it with a cookie and an address."""

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query, Request

from fostr.kernel.auth.credentials import read_credential
from fostr.kernel.auth.lookup import Held
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import Unauthorized
from fostr.kernel.http.guards import HEADER_MARK, enter_workspace, read_workspace_header


@dataclass(frozen=True, slots=True)
class Listening:
    """A caller who stays, and the credential by which they may."""

    context: Context
    held: Held


async def enter_to_listen(
    request: Request,
    workspace_id: Annotated[
        UUID | None,
        Query(description="The workspace, for clients that cannot set the header. Without both, the session's own."),
    ] = None,
) -> Listening:
    """Require a member of the workspace that the header or the address names."""
    context = await enter_workspace(request, read_workspace_header(request) or workspace_id, permission=None)
    settings = context.settings
    credential = read_credential(request, context.runtime.keys, is_secure=settings.public_url.startswith("https:"))
    if credential is None:
        raise Unauthorized
    return Listening(context, Held(credential.source, context.principal.credential_id, credential.until))


def _as_guard() -> Any:
    # By these attributes a router knows a guard that lets people into a workspace, and one that reads its header.
    enter_to_listen.fostr_permission = None  # pyright: ignore[reportFunctionMemberAccess]
    setattr(enter_to_listen, HEADER_MARK, True)
    return Depends(enter_to_listen)


InFollowedWorkspace = Annotated[Listening, _as_guard()]
