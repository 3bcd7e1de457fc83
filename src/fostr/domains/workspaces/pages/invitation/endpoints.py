"""The page behind the link of an invitation."""

from typing import Annotated, Final

from fastapi import Query, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from fostr.domains.identity.public import LinkThrottled, PasswordRequired, PasswordTooWeak
from fostr.domains.workspaces.invitations import accepting
from fostr.domains.workspaces.invitations.errors import ActivationRequired, InvitationNotFound, InvitationUsed
from fostr.domains.workspaces.invitations.schemas import Acceptance
from fostr.kernel.http.errors import raises
from fostr.kernel.http.forms import HOME, FormPage, Visitor, VisitorForm, describe_form, describe_refusals
from fostr.kernel.http.guards import Public
from fostr.kernel.http.pages import SIGN_IN_AT
from fostr.kernel.http.routing import RootRouter

router = RootRouter(prefix="/accept-invitation", tags=["Workspaces"])

PAGE: Final = FormPage(
    "accept_invitation.html",
    here="/accept-invitation",
    places={"password_too_weak": "password", "password_required": "password"},
)

Token = Annotated[str, Query(max_length=200, description="As it stands in the link.")]


@router.get("", response_class=HTMLResponse, responses=raises(InvitationNotFound, LinkThrottled))
async def show(context: Public, visit: Visitor, token: Token = "") -> Response:
    """Show what an invitation is to, with the form to accept it."""
    try:
        found = await accepting.show_invitation(context, token=token)
    except InvitationNotFound as missing:
        return PAGE.show(visit, status=missing.status, invitation=None, link="")
    return PAGE.show(visit, invitation=found, link=token)


@router.post(
    "",
    status_code=303,
    response_class=RedirectResponse,
    responses=describe_refusals(
        InvitationNotFound, InvitationUsed, ActivationRequired, PasswordRequired, PasswordTooWeak, LinkThrottled
    ),
    openapi_extra=describe_form("token", optional=("password", "full_name")),
)
async def accept(context: Public, form: VisitorForm) -> Response:
    """Accept an invitation, as by `/api/v1/workspaces/accept-invitation`.

    Signing in comes next, for whoever is not signed in as the person who was invited.
    """
    link = form.values.get("token", "")
    with PAGE.refusals(form, invitation=None, link=""):
        found = await accepting.show_invitation(context, token=link)
    with PAGE.refusals(form, invitation=found, link=link):
        accepted = await accepting.accept(context, data=form.read(Acceptance, kept=("token",)))
    person = form.visit.person
    is_in = person is not None and person.email == accepted.email
    return RedirectResponse(HOME if is_in else f"{SIGN_IN_AT}?notice=joined", status_code=303)
