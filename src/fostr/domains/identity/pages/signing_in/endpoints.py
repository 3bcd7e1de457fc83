"""Pages for signing in and out."""

from typing import Annotated, Final

from fastapi import Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from fostr.domains.identity.factors import service as factors
from fostr.domains.identity.factors.errors import SecondFactorThrottled, SecondFactorWrong, SignInNotPending
from fostr.domains.identity.factors.schemas import CodeGiven, SecondFactor
from fostr.domains.identity.pages.entering import CODE_AT, enter, read_pending
from fostr.domains.identity.pages.notices import Notice, find_notice
from fostr.domains.identity.sessions import service as sessions
from fostr.domains.identity.sessions.cookies import clear_cookie
from fostr.domains.identity.sessions.errors import InvalidCredentials, NotASession, SignInThrottled
from fostr.domains.identity.sessions.schemas import Login
from fostr.kernel.http.forms import (
    HOME,
    LEADS_ON,
    SCRIPTED,
    FormPage,
    OwnForm,
    Visitor,
    VisitorForm,
    describe_form,
    describe_refusals,
    find_person,
    own_path,
)
from fostr.kernel.http.guards import Public, SignedIn
from fostr.kernel.http.pages import PLAIN, SIGN_IN_AT, show_fixed
from fostr.kernel.http.routing import RootRouter

router = RootRouter(tags=["Authentication"])

PASSWORD_PAGE: Final = FormPage("sign_in.html", here=SIGN_IN_AT, policy=SCRIPTED)
CODE_PAGE: Final = FormPage("sign_in_code.html", here=CODE_AT, places={"second_factor_wrong": "code"})

Next = Annotated[str | None, Query(max_length=2000, description="Where to go on: a path on this server.")]


@router.get("/", response_class=HTMLResponse, responses={**LEADS_ON, 304: {"description": "The browser has it."}})
async def welcome(context: Public, request: Request) -> Response:
    """Show the first page, or lead to the workspaces.

    Whoever is signed in with a browser goes on to `/workspace-selector`.
    """
    if await find_person(request, context) is not None:
        return RedirectResponse(HOME, status_code=303, headers={"Cache-Control": "no-store"})
    response = await show_fixed(request, "landing.html", policy=PLAIN)
    response.headers["Vary"] = "Cookie"
    return response


@router.head("/", response_class=HTMLResponse, responses={**LEADS_ON, 304: {"description": "The browser has it."}})
async def check_welcome(context: Public, request: Request) -> Response:
    """Answer with the headers of the first page, as what watches servers asks for them."""
    return await welcome(context, request)


@router.get("/sign-in", response_class=HTMLResponse, responses=LEADS_ON)
async def show(context: Public, visit: Visitor, next: Next = None, notice: Notice = None) -> Response:  # noqa: A002 - the word in addresses
    """Show the form to sign in.

    Whoever is signed in goes on at once.
    """
    if visit.person is not None:
        return RedirectResponse(own_path(next), status_code=303)
    return PASSWORD_PAGE.show(visit, next=own_path(next), notice=find_notice(notice, settings=context.settings))


@router.post(
    "/sign-in",
    status_code=303,
    response_class=RedirectResponse,
    responses=describe_refusals(InvalidCredentials, SignInThrottled),
    openapi_extra=describe_form("email", "password", optional=("next",)),
)
async def sign_in(context: Public, form: VisitorForm) -> Response:
    """Sign in by the form.

    Does what `/api/v1/auth/login` does. With a second factor, the page for its code comes next.
    """
    back = own_path(form.values.get("next"))
    with PASSWORD_PAGE.refusals(form, next=back, notice=None):
        opened = await sessions.sign_in(context, data=form.read(Login))
    return enter(context, opened, back=back)


@router.get("/sign-in/code", response_class=HTMLResponse, responses=LEADS_ON)
async def show_code(context: Public, visit: Visitor, request: Request, next: Next = None) -> Response:  # noqa: A002
    """Show the form for the second step of signing in.

    Whoever has not been through the first goes there.
    """
    if not read_pending(request, settings=context.settings):
        return RedirectResponse(SIGN_IN_AT, status_code=303)
    return CODE_PAGE.show(visit, next=own_path(next))


@router.post(
    "/sign-in/code",
    status_code=303,
    response_class=RedirectResponse,
    responses=describe_refusals(SecondFactorWrong, SignInNotPending, SecondFactorThrottled),
    openapi_extra=describe_form("code", optional=("next",)),
)
async def complete(context: Public, form: VisitorForm, request: Request) -> Response:
    """Complete a sign-in by its second factor.

    Does what `/api/v1/auth/login/second-factor` does, with the token that the first step left in a cookie.
    """
    back = own_path(form.values.get("next"))
    with CODE_PAGE.refusals(form, next=back):
        given = form.read(CodeGiven)
        pending = read_pending(request, settings=context.settings)
        opened = await factors.complete_sign_in(context, data=SecondFactor(mfa_token=pending, code=given.code))
    return enter(context, opened, back=back)


@router.post(
    "/sign-out",
    status_code=303,
    response_class=RedirectResponse,
    responses=describe_refusals(NotASession),
    openapi_extra=describe_form(),
)
async def sign_out(context: SignedIn, form: OwnForm) -> Response:
    """End the session, on the server as well as in the browser."""
    del form
    await sessions.sign_out(context)
    response = RedirectResponse(f"{SIGN_IN_AT}?notice=signed-out", status_code=303)
    clear_cookie(response, settings=context.settings)
    return response
