"""Operations on workspaces."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from fostr.domains.workspaces.permissions import EDIT_WORKSPACE
from fostr.domains.workspaces.workspaces import service
from fostr.domains.workspaces.workspaces.errors import SessionRequired, WorkspaceNotFound
from fostr.domains.workspaces.workspaces.schemas import (
    Workspace,
    WorkspaceCreate,
    WorkspaceSwitch,
    WorkspaceUpdate,
)
from fostr.kernel.http.concurrency import ExpectedVersion, IfMatchInvalid
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import StaleUpdate, raises
from fostr.kernel.http.guards import SignedIn, in_path_workspace
from fostr.kernel.http.paging import LimitedSlice, Page
from fostr.kernel.http.routing import Router
from fostr.kernel.http.scopes import Impersonating, KeyIsBound, SignedInToWrite

router = Router(prefix="/workspaces", tags=["Workspaces"])


@router.get("")
async def list(context: SignedIn, part: LimitedSlice) -> Page[Workspace]:  # noqa: A001 - endpoints are bare verbs
    """List the workspaces that the caller is a member of.

    They come by name, each with the caller's role. An API key sees the one that it is bound to.
    """
    return await service.list_workspaces(context, part=part)


@router.post("", status_code=201, responses=raises(KeyIsBound, Impersonating))
async def create(
    context: SignedInToWrite,
    data: WorkspaceCreate,
    *,
    skip_seed: Annotated[
        bool, Query(description="A new workspace is empty in any case; taken so that older clients work.")
    ] = False,
) -> Workspace:
    """Make a workspace, with the caller as its owner.

    It is empty and ready to use at once. Its name in addresses is made from its name.
    """
    del skip_seed
    return await service.create_workspace(context, data=data)


@router.post("/switch", responses=raises(SessionRequired, WorkspaceNotFound, KeyIsBound, Impersonating))
async def switch(context: SignedInToWrite, data: WorkspaceSwitch) -> Workspace:
    """Go on in another workspace.

    From now on the session means this one wherever a request names none.
    """
    return await service.switch_workspace(context, workspace_id=data.workspace_id)


@router.get("/{workspace_id}")
async def get(context: Annotated[Context, in_path_workspace(None)], workspace_id: UUID) -> Workspace:
    """Show one workspace, with the caller's role in it."""
    return await service.get_workspace(context, workspace_id=workspace_id)


@router.patch("/{workspace_id}", responses=raises(StaleUpdate, IfMatchInvalid))
async def update(
    context: Annotated[Context, in_path_workspace(EDIT_WORKSPACE)],
    data: WorkspaceUpdate,
    expected_version: ExpectedVersion,
) -> Workspace:
    """Change a workspace's name or logo.

    Owners and administrators may. Its name in addresses stays, so that links keep working.
    """
    return await service.update_workspace(context, data=data, expected_version=expected_version)
