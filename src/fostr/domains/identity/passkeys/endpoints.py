"""Operations on passkeys."""

from uuid import UUID

from fastapi import Depends, Response

from fostr.domains.identity.passkeys import service
from fostr.domains.identity.passkeys.errors import (
    PasskeyInvalid,
    PasskeyNotFound,
    PasskeyRefused,
    PasskeyTaken,
    PasskeyThrottled,
    TooManyPasskeys,
)
from fostr.domains.identity.passkeys.schemas import (
    Passkey,
    PasskeyCreate,
    PasskeySignIn,
    PasskeyUpdate,
    RegistrationOptions,
    SignInOptions,
)
from fostr.domains.identity.sessions.cookies import set_cookie
from fostr.domains.identity.sessions.schemas import SignedIn
from fostr.kernel.http.errors import CrossSiteRequest, raises
from fostr.kernel.http.guards import Public, check_same_site
from fostr.kernel.http.routing import Router
from fostr.kernel.http.scopes import (
    Impersonating,
    PersonRequired,
    RecentSignInRequired,
    SignedInInPerson,
    SignedInRecently,
)

router = Router(prefix="/auth/me/factors/passkeys", tags=["Authentication"])
sign_in_router = Router(prefix="/auth/passkeys", tags=["Authentication"])

IN_PERSON = (RecentSignInRequired, PersonRequired, Impersonating)


@router.post("/begin", responses=raises(TooManyPasskeys, *IN_PERSON))
async def begin(context: SignedInRecently) -> RegistrationOptions:
    """Begin with a passkey.

    Give the answer to `PublicKeyCredential.parseCreationOptionsFromJSON` and to the browser. Its challenge is good for
    five minutes and one answer, in this session.
    """
    return await service.begin_registration(context)


@router.post("", status_code=201, responses=raises(PasskeyInvalid, PasskeyTaken, *IN_PERSON))
async def register(context: SignedInRecently, data: PasskeyCreate) -> Passkey:
    """Register the passkey that the browser has made.

    `credential` is what its `toJSON()` returns.
    """
    return await service.register(context, data=data)


@router.patch("/{passkey_id}", responses=raises(PasskeyNotFound, PersonRequired, Impersonating))
async def update(context: SignedInInPerson, passkey_id: UUID, data: PasskeyUpdate) -> Passkey:
    """Rename one of the caller's passkeys."""
    name = data.name if "name" in data.model_fields_set else None
    return await service.rename_passkey(context, passkey_id=passkey_id, name=name)


@router.delete("/{passkey_id}", status_code=204, responses=raises(PasskeyNotFound, *IN_PERSON))
async def delete(context: SignedInRecently, passkey_id: UUID) -> None:
    """Delete one of the caller's passkeys; it signs nobody in any more.

    Sessions that it opened go on until they are ended.
    """
    await service.delete_passkey(context, passkey_id=passkey_id)


@sign_in_router.post("/begin", responses=raises(PasskeyThrottled))
async def begin_sign_in(context: Public) -> SignInOptions:
    """Begin a sign-in by passkey, or a confirmation.

    Give the answer to `PublicKeyCredential.parseRequestOptionsFromJSON` and to the browser. Nobody is named: the device
    knows whose passkeys it keeps. The challenge is good for five minutes and one answer.
    """
    return await service.begin_sign_in(context)


@sign_in_router.post(
    "/sign-in",
    dependencies=[Depends(check_same_site)],
    responses=raises(PasskeyRefused, CrossSiteRequest),
)
async def sign_in(context: Public, data: PasskeySignIn, response: Response) -> SignedIn:
    """Sign in by passkey.

    `credential` is what the browser's `toJSON()` returns. A passkey is both factors, so no code is asked for. The
    answer is that of `/auth/login`, session cookie included.
    """
    opened = await service.sign_in(context, credential=data.credential)
    set_cookie(response, opened.cookie, settings=context.settings)
    return SignedIn.of(opened)
