"""What can be done with passkeys."""

import hashlib
import secrets
from typing import Literal
from uuid import UUID

import structlog

from fostr.domains.identity.factors.telling import tell_person
from fostr.domains.identity.passkeys import ceremonies, repository
from fostr.domains.identity.passkeys.ceremonies import CeremonyFailed, Site
from fostr.domains.identity.passkeys.errors import (
    PasskeyInvalid,
    PasskeyNotFound,
    PasskeyRefused,
    PasskeyTaken,
    TooManyPasskeys,
)
from fostr.domains.identity.passkeys.rules import BEGUN, CHALLENGE_FOR, MOST_PASSKEYS
from fostr.domains.identity.passkeys.schemas import (
    NewCredential,
    Passkey,
    PasskeyCreate,
    RegistrationOptions,
    SignedCredential,
    SignInOptions,
)
from fostr.domains.identity.sessions import repository as session_rows
from fostr.domains.identity.sessions import service as sessions
from fostr.domains.identity.sessions.schemas import OpenedSession
from fostr.kernel.http.context import AccountContext, PublicContext
from fostr.kernel.ids import new_id
from fostr.kernel.limits.limit import check_limit, network_of

log = structlog.get_logger(__name__)

_CHALLENGE_BYTES = 32


async def begin_registration(context: AccountContext) -> RegistrationOptions:
    principal = context.principal
    known = await repository.list_credential_ids(context.unit, user_id=principal.user_id)
    if len(known) >= MOST_PASSKEYS:
        raise TooManyPasskeys(most=MOST_PASSKEYS)
    challenge = await _make_challenge(context, purpose="register", session_id=principal.credential_id)
    return ceremonies.registration_options(
        Site.of(context.settings),
        user_id=principal.user_id,
        email=principal.email,
        full_name=principal.full_name,
        known=known,
        challenge=challenge,
    )


async def register(context: AccountContext, *, data: PasskeyCreate) -> Passkey:
    principal, credential = context.principal, data.credential
    try:
        challenge = await _use_challenge(context, credential, purpose="register", session_id=principal.credential_id)
        key = ceremonies.verify_registration(Site.of(context.settings), credential, challenge=challenge)
    except CeremonyFailed as error:
        log.info("passkey_invalid", user_id=str(principal.user_id), reason=str(error))
        raise PasskeyInvalid from error
    made = await repository.insert_passkey(
        context.unit,
        values={
            "id": new_id(),
            "user_id": principal.user_id,
            "credential_id": key.credential_id,
            "public_key": key.public_key,
            "sign_count": key.sign_count,
            "transports": credential.response.transports,
            "name": data.name,
            "aaguid": key.aaguid,
            "is_backed_up": key.is_backed_up,
            "now": context.now,
        },
    )
    if made is None:
        raise PasskeyTaken
    await tell_person(context, email=principal.email, full_name=principal.full_name, change="passkey_added")
    log.info("passkey_registered", user_id=str(principal.user_id), passkey_id=str(made.id))
    return made


async def rename_passkey(context: AccountContext, *, passkey_id: UUID, name: str | None) -> Passkey:
    renamed = await repository.rename_passkey(
        context.unit, passkey_id=passkey_id, user_id=context.principal.user_id, name=name
    )
    if renamed is None:
        raise PasskeyNotFound
    return renamed


async def delete_passkey(context: AccountContext, *, passkey_id: UUID) -> None:
    principal = context.principal
    if not await repository.delete_passkey(context.unit, passkey_id=passkey_id, user_id=principal.user_id):
        raise PasskeyNotFound
    await tell_person(context, email=principal.email, full_name=principal.full_name, change="passkey_removed")
    log.info("passkey_deleted", user_id=str(principal.user_id), passkey_id=str(passkey_id))


async def begin_sign_in(context: PublicContext) -> SignInOptions:
    await check_limit(context.runtime.database, BEGUN, subject=network_of(context.facts.address))
    challenge = await _make_challenge(context, purpose="sign_in", session_id=None)
    return ceremonies.sign_in_options(Site.of(context.settings), challenge=challenge)


async def sign_in(context: PublicContext, *, credential: SignedCredential) -> OpenedSession:
    user_id = await identify(context, credential=credential)
    if user_id is None:
        raise PasskeyRefused
    workspace_id = await session_rows.find_last_workspace_id(context.unit, user_id=user_id)
    return await sessions.open_session(context, user_id=user_id, workspace_id=workspace_id)


async def identify(context: PublicContext, *, credential: SignedCredential) -> UUID | None:
    """Return whose passkey signed a challenge of `begin_sign_in`, and use the challenge up."""
    try:
        return await _identify(context, credential)
    except CeremonyFailed as error:
        log.info("passkey_refused", reason=str(error))
        return None


async def _identify(context: PublicContext, credential: SignedCredential) -> UUID:
    challenge = await _use_challenge(context, credential, purpose="sign_in", session_id=None)
    found = await repository.find_by_credential(context.unit, credential_id=_decode(credential.raw_id))
    if found is None:
        raise CeremonyFailed("the passkey is unknown, or its account is closed")
    handle = credential.response.user_handle
    if handle is not None and _decode(handle) != found["user_id"].bytes:
        raise CeremonyFailed("the passkey is another person's")
    sign_count = ceremonies.verify_sign_in(
        Site.of(context.settings),
        credential,
        challenge=challenge,
        public_key=found["public_key"],
        sign_count=found["sign_count"],
    )
    if not await repository.note_use(context.unit, passkey_id=found["id"], sign_count=sign_count, now=context.now):
        raise CeremonyFailed("the passkey was used by two at once")
    return found["user_id"]


def _decode(text: str) -> bytes:
    try:
        return ceremonies.decode(text)
    except ValueError as error:
        raise CeremonyFailed("not base64url") from error


async def _make_challenge(
    context: PublicContext, *, purpose: Literal["register", "sign_in"], session_id: UUID | None
) -> bytes:
    challenge = secrets.token_bytes(_CHALLENGE_BYTES)
    await repository.insert_challenge(
        context.unit,
        values={
            "id": new_id(),
            "purpose": purpose,
            "digest": _digest(challenge),
            "session_id": session_id,
            "now": context.now,
            "expires_at": context.now + CHALLENGE_FOR,
        },
    )
    return challenge


async def _use_challenge(
    context: PublicContext,
    credential: NewCredential | SignedCredential,
    *,
    purpose: Literal["register", "sign_in"],
    session_id: UUID | None,
) -> bytes:
    challenge = ceremonies.read_challenge(credential)
    # In a unit of its own, because the challenge is used up although the request is refused.
    async with context.runtime.database.unit() as unit:
        used = await repository.use_challenge(
            unit, purpose=purpose, digest=_digest(challenge), session_id=session_id, now=context.now
        )
    if not used:
        raise CeremonyFailed("the challenge is not out for this, or over")
    return challenge


def _digest(challenge: bytes) -> bytes:
    return hashlib.sha256(challenge).digest()
