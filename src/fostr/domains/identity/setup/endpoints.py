"""Operations of the first start."""

from fastapi import Depends, Response
from fastapi.responses import HTMLResponse

from fostr.domains.identity.accounts.errors import EmailTaken
from fostr.domains.identity.passwords.errors import PasswordTooWeak
from fostr.domains.identity.sessions.cookies import set_cookie
from fostr.domains.identity.sessions.schemas import SignedUp
from fostr.domains.identity.setup import service
from fostr.domains.identity.setup.errors import SetupLinkInvalid, SetupThrottled
from fostr.domains.identity.setup.page import render_page
from fostr.domains.identity.setup.schemas import Setup
from fostr.kernel.http.errors import CrossSiteRequest, raises
from fostr.kernel.http.guards import Public, check_same_site
from fostr.kernel.http.routing import RootRouter, Router

router = Router(prefix="/auth", tags=["Authentication"])
page_router = RootRouter(tags=["Authentication"])


@page_router.get("/setup", response_class=HTMLResponse)
async def show(context: Public) -> HTMLResponse:
    """Show the form behind the link that the first start prints.

    The token stands in the link's fragment, which the browser keeps to itself until the form is sent.
    """
    del context
    return render_page()


@router.post(
    "/setup",
    status_code=201,
    dependencies=[Depends(check_same_site)],
    responses=raises(SetupLinkInvalid, SetupThrottled, EmailTaken, PasswordTooWeak, CrossSiteRequest),
)
async def set_up(context: Public, data: Setup, response: Response) -> SignedUp:
    """Make the first administrator, by the link that the first start prints.

    Makes the account and its workspace, and signs in like `/auth/signup`. The link works once, for 24 hours, and only
    while there is no administrator.
    """
    opened, workspace = await service.set_up(context, data=data)
    set_cookie(response, opened.cookie, settings=context.settings)
    return SignedUp.of(opened, workspace=workspace)
