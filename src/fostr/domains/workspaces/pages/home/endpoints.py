"""The first page of a workspace."""

from typing import Final

from fastapi import Response
from fastapi.responses import HTMLResponse

from fostr.domains.workspaces.pages.home.entering import InNamedWorkspace
from fostr.domains.workspaces.pages.home.service import describe_home
from fostr.kernel.http.forms import LEADS_ON, FormPage, OwnVisit
from fostr.kernel.http.routing import RootRouter

router = RootRouter(prefix="/w", tags=["Workspaces"])

PAGE: Final = FormPage("workspace_home.html", here="/w")


@router.get("/{slug}", response_class=HTMLResponse, responses=LEADS_ON)
async def show(context: InNamedWorkspace, visit: OwnVisit, slug: str) -> Response:
    """Show a workspace's first page: who and what is in it, as far as the caller may know.

    `slug` is the workspace's name in addresses.
    """
    del slug
    return PAGE.show(visit, home=await describe_home(context))
