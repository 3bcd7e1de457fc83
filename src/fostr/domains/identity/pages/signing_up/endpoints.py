"""Pages for making an account."""

from typing import Final

from fastapi import Response
from fastapi.responses import HTMLResponse, RedirectResponse

from fostr.domains.identity.accounts.errors import RegistrationThrottled
from fostr.domains.identity.accounts.schemas import SignUp
from fostr.domains.identity.pages.signing_up import service
from fostr.domains.identity.passwords.errors import PasswordTooWeak
from fostr.kernel.http.forms import (
    HOME,
    LEADS_ON,
    FormPage,
    Visitor,
    VisitorForm,
    describe_form,
    describe_refusals,
)
from fostr.kernel.http.guards import Public
from fostr.kernel.http.pages import SIGN_IN_AT
from fostr.kernel.http.routing import RootRouter

router = RootRouter(prefix="/sign-up", tags=["Authentication"])

PAGE: Final = FormPage("sign_up.html", here="/sign-up", places={"password_too_weak": "password"})


@router.get("", response_class=HTMLResponse, responses=LEADS_ON)
async def show(context: Public, visit: Visitor) -> Response:
    """Show the form to make an account.

    Whoever is signed in goes to their workspaces.
    """
    del context
    if visit.person is not None:
        return RedirectResponse(HOME, status_code=303)
    return PAGE.show(visit)


@router.post(
    "",
    status_code=303,
    response_class=RedirectResponse,
    responses=describe_refusals(PasswordTooWeak, RegistrationThrottled),
    openapi_extra=describe_form("email", "password", "company_name", optional=("full_name",)),
)
async def sign_up(context: Public, form: VisitorForm) -> Response:
    """Make an account with a workspace, by the form.

    The answer is the same whether or not the address has an account: signing in comes next. If it has one, nothing is
    made, and a mail says so to its owner.
    """
    with PAGE.refusals(form):
        await service.ask_for_account(context, data=form.read(SignUp))
    return RedirectResponse(f"{SIGN_IN_AT}?notice=signed-up", status_code=303)
