"""The guard of pages whose address names a workspace as people read it."""

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Depends, Request

from fostr.domains.workspaces.pages.home.repository import find_workspace_id
from fostr.kernel.http.context import Context
from fostr.kernel.http.guards import SignedIn, enter_workspace

_NOWHERE: Final = UUID(int=0)
"""A workspace that nobody is a member of, so that a name that is not given and one of others' look alike."""


async def enter_by_slug(request: Request, account: SignedIn, slug: str) -> Context:
    """Require a member of the workspace that the path names as `slug`.

    Raises:
        NotFound: there is no such workspace, or the caller is no member of it.
    """
    workspace_id = await find_workspace_id(account.unit, slug=slug)
    return await enter_workspace(request, workspace_id or _NOWHERE, permission=None)


def _as_guard() -> Any:
    # By this attribute a router knows a guard that lets people into a workspace.
    enter_by_slug.fostr_permission = None  # pyright: ignore[reportFunctionMemberAccess]
    return Depends(enter_by_slug)


InNamedWorkspace = Annotated[Context, _as_guard()]
