"""Pages on which people see to their second factor and their passkeys, and confirm who they are."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from fostr.domains.identity.confirmation import service as confirmation
from fostr.domains.identity.confirmation.errors import ConfirmationThrottled, ConfirmationWrong
from fostr.domains.identity.confirmation.schemas import Confirmation
from fostr.domains.identity.factors import service as factors
from fostr.domains.identity.factors.errors import (
    AuthenticatorExists,
    AuthenticatorMissing,
    CodeWrong,
    SecondFactorThrottled,
)
from fostr.domains.identity.factors.schemas import CodeGiven
from fostr.domains.identity.pages.factors.rooms import (
    APP,
    CODES,
    CONFIRM,
    DISABLE,
    DISABLE_TEXTS,
    FACTORS_AT,
    NEW_PASSKEY,
    OVERVIEW,
    RENEW,
    RENEW_TEXTS,
    get_passkey,
    passkey_page,
)
from fostr.domains.identity.pages.factors.schemas import PasswordGiven
from fostr.domains.identity.pages.notices import Notice, find_notice
from fostr.domains.identity.passkeys import service as passkeys
from fostr.domains.identity.passkeys.errors import PasskeyNotFound
from fostr.kernel.http.errors import raises
from fostr.kernel.http.forms import LEADS_ON, OwnForm, OwnVisit, describe_form, describe_refusals, own_path
from fostr.kernel.http.routing import RootRouter
from fostr.kernel.http.scopes import (
    Impersonating,
    KeyIsBound,
    PersonRequired,
    RecentSignInRequired,
    SignedInInPerson,
    SignedInPerson,
    SignedInRecently,
)

router = RootRouter(prefix="/account/factors", tags=["Authentication"])
confirm_router = RootRouter(prefix="/account/confirm", tags=["Authentication"])

IN_PERSON = (RecentSignInRequired, PersonRequired, Impersonating)
READING = {**LEADS_ON, **raises(*IN_PERSON)}

By = Literal["password", "code"]


@router.get("", response_class=HTMLResponse, responses={**LEADS_ON, **raises(KeyIsBound)})
async def show(context: SignedInPerson, visit: OwnVisit, notice: Notice = None) -> Response:
    """Show how the caller shows who they are, besides the password."""
    said = find_notice(notice, settings=context.settings)
    return OVERVIEW.show(visit, factors=await factors.describe_factors(context), notice=said)


@router.get("/app", response_class=HTMLResponse, responses=READING)
async def show_app(context: SignedInRecently, visit: OwnVisit) -> Response:
    """Show what an authenticator app is for, with the button to begin.

    Whoever signed in a while ago confirms who they are first.
    """
    del context
    return APP.show(visit, enrolment=None, begun=False, notice=None)


@router.post(
    "/app",
    response_class=HTMLResponse,
    responses={**LEADS_ON, **describe_refusals(AuthenticatorExists, *IN_PERSON)},
    openapi_extra=describe_form(),
)
async def enrol(context: SignedInRecently, form: OwnForm) -> Response:
    """Begin with an authenticator app, as by `/api/v1/auth/me/factors/totp`.

    The page shows the picture and the key, this once.
    """
    with APP.refusals(form, enrolment=None, begun=False, notice=None):
        made = await factors.enrol(context)
    key = " ".join(made.secret[at : at + 4] for at in range(0, len(made.secret), 4))
    return APP.show(form.visit, enrolment=made, qr=made.qr_svg, key=key, begun=False, notice=None)


@router.get("/app/confirm", response_class=HTMLResponse, responses=READING)
async def show_confirm_app(context: SignedInRecently, visit: OwnVisit) -> Response:
    """Show the form for the app's first code."""
    del context
    return APP.show(visit, enrolment=None, begun=True, notice=None)


@router.post(
    "/app/confirm",
    response_class=HTMLResponse,
    responses={
        **LEADS_ON,
        **describe_refusals(AuthenticatorExists, AuthenticatorMissing, CodeWrong, *IN_PERSON),
    },
    openapi_extra=describe_form("code"),
)
async def confirm_app(context: SignedInRecently, form: OwnForm) -> Response:
    """Switch the second factor on, as by `/api/v1/auth/me/factors/totp/confirm`.

    The page shows the recovery codes, this once.
    """
    with APP.refusals(form, enrolment=None, begun=True, notice=None):
        made = await factors.confirm(context, code=form.read(CodeGiven).code)
    return CODES.show(form.visit, codes=made.recovery_codes, notice=None)


@router.get("/disable", response_class=HTMLResponse, responses=READING)
async def show_disable(context: SignedInRecently, visit: OwnVisit) -> Response:
    """Show the form to switch the second factor off."""
    del context
    return DISABLE.show(visit, **DISABLE_TEXTS)


@router.post(
    "/disable",
    status_code=303,
    response_class=RedirectResponse,
    responses=describe_refusals(AuthenticatorMissing, CodeWrong, SecondFactorThrottled, *IN_PERSON),
    openapi_extra=describe_form("code"),
)
async def disable(context: SignedInRecently, form: OwnForm) -> Response:
    """Switch the second factor off, as by `/api/v1/auth/me/factors/totp/disable`."""
    with DISABLE.refusals(form, **DISABLE_TEXTS):
        await factors.disable(context, code=form.read(CodeGiven).code)
    return RedirectResponse(f"{FACTORS_AT}?notice=factor-off", status_code=303)


@router.get("/recovery-codes", response_class=HTMLResponse, responses=READING)
async def show_renew(context: SignedInRecently, visit: OwnVisit) -> Response:
    """Show the form to make new recovery codes."""
    del context
    return RENEW.show(visit, **RENEW_TEXTS)


@router.post(
    "/recovery-codes",
    response_class=HTMLResponse,
    responses={
        **LEADS_ON,
        **describe_refusals(AuthenticatorMissing, CodeWrong, SecondFactorThrottled, *IN_PERSON),
    },
    openapi_extra=describe_form("code"),
)
async def renew(context: SignedInRecently, form: OwnForm) -> Response:
    """Make new recovery codes, which void the old ones; the page shows them, this once."""
    with RENEW.refusals(form, **RENEW_TEXTS):
        made = await factors.renew_recovery_codes(context, code=form.read(CodeGiven).code)
    return CODES.show(form.visit, codes=made.recovery_codes, notice=None)


@router.get("/passkeys/new", response_class=HTMLResponse, responses=READING)
async def show_new_passkey(context: SignedInRecently, visit: OwnVisit) -> Response:
    """Show the form to add a passkey.

    Its script speaks to the device, and to `/api/v1/auth/me/factors/passkeys`.
    """
    del context
    return NEW_PASSKEY.show(visit, notice=None)


@router.get(
    "/passkeys/{passkey_id}/delete",
    response_class=HTMLResponse,
    responses={**LEADS_ON, **raises(PasskeyNotFound, *IN_PERSON)},
)
async def show_delete_passkey(context: SignedInRecently, visit: OwnVisit, passkey_id: UUID) -> Response:
    """Ask whether a passkey is to be deleted."""
    passkey = await get_passkey(context, passkey_id=passkey_id)
    return passkey_page(passkey_id).show(visit, passkey=passkey, notice=None)


@router.post(
    "/passkeys/{passkey_id}/delete",
    status_code=303,
    response_class=RedirectResponse,
    responses=describe_refusals(PasskeyNotFound, *IN_PERSON),
    openapi_extra=describe_form(),
)
async def delete_passkey(context: SignedInRecently, form: OwnForm, passkey_id: UUID) -> Response:
    """Delete one of the caller's passkeys."""
    del form
    await passkeys.delete_passkey(context, passkey_id=passkey_id)
    return RedirectResponse(f"{FACTORS_AT}?notice=passkey-deleted", status_code=303)


@confirm_router.get("", response_class=HTMLResponse, responses={**LEADS_ON, **raises(PersonRequired, Impersonating)})
async def show_confirm(
    context: SignedInInPerson,
    visit: OwnVisit,
    next: Annotated[str | None, Query(max_length=2000, description="Where to go on.")] = None,  # noqa: A002
    by: Annotated[By, Query(description="What to confirm with.")] = "password",
) -> Response:
    """Show the form to confirm who one is, before what could be misused."""
    del context
    return CONFIRM.show(visit, next=own_path(next), by=by)


@confirm_router.post(
    "",
    status_code=303,
    response_class=RedirectResponse,
    responses=describe_refusals(
        ConfirmationWrong, ConfirmationThrottled, SecondFactorThrottled, PersonRequired, Impersonating
    ),
    openapi_extra=describe_form("by", optional=("password", "code", "next")),
)
async def confirm(context: SignedInInPerson, form: OwnForm) -> Response:
    """Confirm who one is, as by `/api/v1/auth/confirm`, and go on."""
    back, by = own_path(form.values.get("next")), "code" if form.values.get("by") == "code" else "password"
    with CONFIRM.refusals(form, next=back, by=by):
        proof = form.read(CodeGiven if by == "code" else PasswordGiven)
        await confirmation.confirm(context, data=Confirmation(**proof.model_dump()))
    return RedirectResponse(back, status_code=303)
