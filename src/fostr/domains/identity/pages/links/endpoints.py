"""Pages behind the links of mails, and those on which links are asked for."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import Query, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from fostr.domains.identity.activation import service as activation
from fostr.domains.identity.activation.errors import ActivationThrottled, PasswordRequired
from fostr.domains.identity.activation.schemas import ActivationCompletion, ActivationRequest
from fostr.domains.identity.links.errors import LinkInvalid, LinkThrottled
from fostr.domains.identity.pages.entering import enter
from fostr.domains.identity.pages.links.schemas import ActivationLink
from fostr.domains.identity.passwords.errors import PasswordTooWeak
from fostr.domains.identity.recovery import service as recovery
from fostr.domains.identity.recovery.errors import PasswordResetThrottled
from fostr.domains.identity.recovery.schemas import PasswordReset, PasswordResetRequest
from fostr.kernel.http.errors import raises
from fostr.kernel.http.forms import (
    HOME,
    Form,
    FormPage,
    Visitor,
    VisitorForm,
    describe_form,
    describe_refusals,
)
from fostr.kernel.http.guards import Public
from fostr.kernel.http.pages import ACCOUNT_AT, SIGN_IN_AT
from fostr.kernel.http.routing import RootRouter

router = RootRouter(tags=["Authentication"])

FORGOTTEN: Final = FormPage("forgot_password.html", here="/forgot-password")
RESET: Final = FormPage("reset_password.html", here="/reset-password", places={"password_too_weak": "new_password"})
ACTIVATE: Final = FormPage(
    "activate.html", here="/activate", places={"password_too_weak": "password", "password_required": "password"}
)
AGAIN: Final = FormPage("activate_again.html", here="/activate/again")

Token = Annotated[str, Query(max_length=200, description="As it stands in the link.")]
InLink = Annotated[UUID | None, Query(description="The workspace that stands in the link; none where none is.")]


@router.get("/forgot-password", response_class=HTMLResponse)
async def show_forgotten(context: Public, visit: Visitor) -> Response:
    """Show the form to ask for a link by which a new password is set."""
    del context
    return FORGOTTEN.show(visit)


@router.post(
    "/forgot-password",
    status_code=303,
    response_class=RedirectResponse,
    responses=describe_refusals(PasswordResetThrottled),
    openapi_extra=describe_form("email"),
)
async def ask(context: Public, form: VisitorForm) -> Response:
    """Ask for such a link, as by `/api/v1/auth/request-password-reset`."""
    with FORGOTTEN.refusals(form):
        await recovery.request_password_reset(context, data=form.read(PasswordResetRequest))
    return _say("reset-asked", form)


@router.get("/reset-password", response_class=HTMLResponse)
async def show_reset(context: Public, visit: Visitor, token: Token = "") -> Response:
    """Show the form to set a new password, behind the link of a mail."""
    del context
    return RESET.show(visit, link=token)


@router.post(
    "/reset-password",
    status_code=303,
    response_class=RedirectResponse,
    responses=describe_refusals(LinkInvalid, LinkThrottled, PasswordTooWeak),
    openapi_extra=describe_form("token", "new_password"),
)
async def reset(context: Public, form: VisitorForm) -> Response:
    """Set a new password, as by `/api/v1/auth/reset-password`."""
    with RESET.refusals(form, link=form.values.get("token", "")):
        await recovery.reset_password(context, data=form.read(PasswordReset, kept=("token",)))
    return RedirectResponse(f"{SIGN_IN_AT}?notice=password-set", status_code=303)


@router.get("/activate", response_class=HTMLResponse, responses=raises(LinkInvalid, LinkThrottled))
async def show_activation(context: Public, visit: Visitor, token: Token = "", workspace_id: InLink = None) -> Response:
    """Show what an activation link activates, with the form to do it; or, if it is over, the way to a new one."""
    try:
        found = await activation.show_activation(context, token=token, workspace_id=workspace_id)
    except LinkInvalid as invalid:
        return AGAIN.show(visit, status=invalid.status, is_over=True)
    return ACTIVATE.show(visit, found=found, link=token, workspace_id=workspace_id)


@router.post(
    "/activate",
    status_code=303,
    response_class=RedirectResponse,
    responses=describe_refusals(LinkInvalid, LinkThrottled, PasswordRequired, PasswordTooWeak),
    openapi_extra=describe_form("token", optional=("workspace_id", "full_name", "password")),
)
async def activate(context: Public, form: VisitorForm) -> Response:
    """Activate an account and go in, as by `/api/v1/auth/activation/complete`."""
    with AGAIN.refusals(form, is_over=False):
        link = form.read(ActivationLink, kept=("token",))
        found = await activation.show_activation(context, token=link.token, workspace_id=link.workspace_id)
    with ACTIVATE.refusals(form, found=found, link=link.token, workspace_id=link.workspace_id):
        opened = await activation.complete_activation(context, data=form.read(ActivationCompletion, kept=("token",)))
    return enter(context, opened, back=HOME)


@router.get("/activate/again", response_class=HTMLResponse)
async def show_again(context: Public, visit: Visitor) -> Response:
    """Show the form to ask for a new activation link."""
    del context
    return AGAIN.show(visit, is_over=False)


@router.post(
    "/activate/again",
    status_code=303,
    response_class=RedirectResponse,
    responses=describe_refusals(ActivationThrottled),
    openapi_extra=describe_form("email"),
)
async def resend(context: Public, form: VisitorForm) -> Response:
    """Ask for a new activation link, as by `/api/v1/auth/activation/resend`."""
    with AGAIN.refusals(form, is_over=False):
        await activation.resend(context, data=form.read(ActivationRequest))
    return _say("activation-asked", form)


def _say(notice: str, form: Form) -> Response:
    place = SIGN_IN_AT if form.visit.person is None else ACCOUNT_AT
    return RedirectResponse(f"{place}?notice={notice}", status_code=303)
