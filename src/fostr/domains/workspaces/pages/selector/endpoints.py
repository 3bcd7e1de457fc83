"""Pages for choosing a workspace, and for making one."""

from typing import Any, Final

from fastapi import Response
from fastapi.responses import HTMLResponse, RedirectResponse

from fostr.domains.workspaces.workspaces import service
from fostr.domains.workspaces.workspaces.errors import SessionRequired, WorkspaceNotFound
from fostr.domains.workspaces.workspaces.schemas import WorkspaceCreate, WorkspaceSwitch
from fostr.kernel.files.pictures import own_picture
from fostr.kernel.http.context import AccountContext
from fostr.kernel.http.errors import ScopeInsufficient
from fostr.kernel.http.forms import HOME, LEADS_ON, FormPage, OwnForm, OwnVisit, describe_form, describe_refusals
from fostr.kernel.http.guards import SignedIn
from fostr.kernel.http.paging import Slice
from fostr.kernel.http.routing import RootRouter
from fostr.kernel.http.scopes import KeyIsBound, SignedInToWrite

router = RootRouter(prefix=HOME, tags=["Workspaces"])

SELECTOR: Final = FormPage("workspace_selector.html", here=HOME)
NEW: Final = FormPage("workspace_new.html", here=f"{HOME}/new")
MOST_SHOWN: Final = 200

WRITING = (SessionRequired, ScopeInsufficient, KeyIsBound)


async def _describe(context: AccountContext) -> dict[str, Any]:
    listed = await service.list_workspaces(context, part=Slice(limit=MOST_SHOWN, offset=0))
    shown = [(workspace, own_picture(context.settings.public_url, workspace.logo_url)) for workspace in listed.items]
    return {"workspaces": shown, "more": listed.total - len(shown)}


@router.get("", response_class=HTMLResponse, responses=LEADS_ON)
async def show(context: SignedIn, visit: OwnVisit) -> Response:
    """Show the caller's workspaces, each with their role in it.

    A page for browsers; whoever is not signed in is led to where they can be.
    """
    return SELECTOR.show(visit, **await _describe(context))


@router.post(
    "",
    status_code=303,
    response_class=RedirectResponse,
    responses=describe_refusals(WorkspaceNotFound, *WRITING),
    openapi_extra=describe_form("workspace_id"),
)
async def switch(context: SignedInToWrite, form: OwnForm) -> Response:
    """Go on in a workspace, as by `/api/v1/workspaces/switch`."""
    with SELECTOR.refusals(form, **await _describe(context)):
        wanted = form.read(WorkspaceSwitch).workspace_id
        workspace = await service.switch_workspace(context, workspace_id=wanted)
    return RedirectResponse(f"/w/{workspace.slug}", status_code=303)


@router.get("/new", response_class=HTMLResponse, responses=LEADS_ON)
async def show_new(context: SignedIn, visit: OwnVisit) -> Response:
    """Show the form to make a workspace."""
    del context
    return NEW.show(visit)


@router.post(
    "/new",
    status_code=303,
    response_class=RedirectResponse,
    responses=describe_refusals(WorkspaceNotFound, *WRITING),
    openapi_extra=describe_form("name"),
)
async def create(context: SignedInToWrite, form: OwnForm) -> Response:
    """Make a workspace with the caller as its owner, and go there."""
    with NEW.refusals(form):
        workspace = await service.create_workspace(context, data=form.read(WorkspaceCreate))
        await service.switch_workspace(context, workspace_id=workspace.id)
    return RedirectResponse(f"/w/{workspace.slug}", status_code=303)
