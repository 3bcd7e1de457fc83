"""Pages on which people see to their account: name, picture, password, sessions."""

from io import BytesIO

from fastapi import Response, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse

from fostr.domains.identity.accounts import service as accounts
from fostr.domains.identity.accounts.errors import CurrentPasswordWrong, PasswordChangeThrottled
from fostr.domains.identity.accounts.schemas import PasswordChange, UserUpdate
from fostr.domains.identity.avatars import service as avatars
from fostr.domains.identity.pages.account.errors import PictureMissing
from fostr.domains.identity.pages.account.rooms import (
    PASSWORD,
    PROFILE,
    SESSIONS,
    describe_profile,
    describe_sessions,
)
from fostr.domains.identity.pages.account.schemas import SessionNamed
from fostr.domains.identity.pages.notices import Notice, find_notice
from fostr.domains.identity.passwords import service as passwords
from fostr.domains.identity.passwords.errors import PasswordTooWeak
from fostr.domains.identity.sessions import service as sessions
from fostr.domains.identity.sessions.errors import SessionNotFound
from fostr.kernel.files.images import ImageRefused, ImageTooManyPixels
from fostr.kernel.files.store import FileTooLarge
from fostr.kernel.http.errors import NotFound, ScopeInsufficient, raises
from fostr.kernel.http.forms import LEADS_ON, OwnForm, OwnVisit, describe_form, describe_refusals
from fostr.kernel.http.routing import RootRouter
from fostr.kernel.http.scopes import Impersonating, KeyIsBound, SignedInPerson, SignedInToAdminister, SignedInToWrite

router = RootRouter(prefix="/account", tags=["Authentication"])

WRITING = (ScopeInsufficient, KeyIsBound)
ADMINISTERING = (*WRITING, Impersonating)


@router.get("", response_class=HTMLResponse, responses={**LEADS_ON, **raises(NotFound, KeyIsBound)})
async def show(context: SignedInPerson, visit: OwnVisit, notice: Notice = None) -> Response:
    """Show the caller's account, with forms to change name and picture."""
    said = find_notice(notice, settings=context.settings)
    return PROFILE.show(visit, **await describe_profile(context, notice=said))


@router.post(
    "",
    status_code=303,
    response_class=RedirectResponse,
    responses=describe_refusals(NotFound, *WRITING),
    openapi_extra=describe_form("full_name"),
)
async def update(context: SignedInToWrite, form: OwnForm) -> Response:
    """Change the caller's name, as by `PATCH /api/v1/auth/me`."""
    with PROFILE.refusals(form, **await describe_profile(context)):
        data = form.read(UserUpdate, kept=("full_name",))
        await accounts.update_profile(context, data=data, workspace_id=None, expected_version=None)
    return RedirectResponse("/account?notice=name-saved", status_code=303)


@router.post(
    "/avatar",
    status_code=303,
    response_class=RedirectResponse,
    responses=describe_refusals(NotFound, PictureMissing, ImageRefused, ImageTooManyPixels, FileTooLarge, *WRITING),
    openapi_extra=describe_form(file="file"),
)
async def upload(context: SignedInToWrite, form: OwnForm) -> Response:
    """Give the caller's account a picture, as by `POST /api/v1/auth/me/avatar`."""
    with PROFILE.refusals(form, **await describe_profile(context)):
        if "file" not in form.files:
            raise PictureMissing
        picture = form.files["file"]
        await avatars.set_own_avatar(context, file=UploadFile(BytesIO(picture), size=len(picture)))
    return RedirectResponse("/account?notice=picture-saved", status_code=303)


@router.post(
    "/avatar/delete",
    status_code=303,
    response_class=RedirectResponse,
    responses=describe_refusals(*WRITING),
    openapi_extra=describe_form(),
)
async def delete_avatar(context: SignedInToWrite, form: OwnForm) -> Response:
    """Take the picture away from the caller's account."""
    del form
    await avatars.delete_own_avatar(context)
    return RedirectResponse("/account?notice=picture-deleted", status_code=303)


@router.get("/password", response_class=HTMLResponse, responses={**LEADS_ON, **raises(*ADMINISTERING)})
async def show_password(context: SignedInToAdminister, visit: OwnVisit) -> Response:
    """Show the form to change the password."""
    del context
    return PASSWORD.show(visit, notice=None)


@router.post(
    "/password",
    status_code=303,
    response_class=RedirectResponse,
    responses=describe_refusals(CurrentPasswordWrong, PasswordTooWeak, PasswordChangeThrottled, *ADMINISTERING),
    openapi_extra=describe_form("current_password", "new_password"),
)
async def change_password(context: SignedInToAdminister, form: OwnForm) -> Response:
    """Change the caller's password, as by `POST /api/v1/auth/me/password`."""
    with PASSWORD.refusals(form, notice=None):
        await passwords.change_password(context, data=form.read(PasswordChange))
    return RedirectResponse("/account?notice=password-changed", status_code=303)


@router.get("/sessions", response_class=HTMLResponse, responses={**LEADS_ON, **raises(KeyIsBound)})
async def show_sessions(context: SignedInPerson, visit: OwnVisit, notice: Notice = None) -> Response:
    """Show where the caller is signed in."""
    said = find_notice(notice, settings=context.settings)
    return SESSIONS.show(visit, **await describe_sessions(context, notice=said))


@router.post(
    "/sessions",
    status_code=303,
    response_class=RedirectResponse,
    responses=describe_refusals(*ADMINISTERING),
    openapi_extra=describe_form(),
)
async def end_others(context: SignedInToAdminister, form: OwnForm) -> Response:
    """End every session of the caller but the one that asks."""
    del form
    await sessions.end_other_sessions(context, reason="revoked")
    return RedirectResponse("/account/sessions?notice=sessions-ended", status_code=303)


@router.post(
    "/sessions/end",
    status_code=303,
    response_class=RedirectResponse,
    responses=describe_refusals(SessionNotFound, *ADMINISTERING),
    openapi_extra=describe_form("session_id"),
)
async def end(context: SignedInToAdminister, form: OwnForm) -> Response:
    """End one of the caller's sessions, wherever it is."""
    with SESSIONS.refusals(form, **await describe_sessions(context)):
        await sessions.end_session(context, session_id=form.read(SessionNamed).session_id)
    return RedirectResponse("/account/sessions?notice=session-ended", status_code=303)
