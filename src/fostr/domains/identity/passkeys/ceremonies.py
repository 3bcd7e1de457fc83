"""What is said between this server and a device, by the Web Authentication standard.

A passkey is asked to know its owner (by finger, face or PIN) each time, so it is both factors at once.
"""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import UUID

from fostr.domains.identity.passkeys.schemas import (
    NewCredential,
    RegistrationOptions,
    SignedCredential,
    SignInOptions,
)
from fostr.settings import Settings

if TYPE_CHECKING:
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor

TIMEOUT_MS = 300_000


class CeremonyFailed(ValueError):
    """The device's answer is malformed, forged, or meant for something else."""


@dataclass(frozen=True, slots=True)
class Site:
    """This server, as devices know it."""

    id: str
    origin: str

    @classmethod
    def of(cls, settings: Settings) -> "Site":
        """Return what follows from the address by which people reach this server."""
        address = urlsplit(settings.public_url)
        host = (address.hostname or "").lower()
        usual = {"http": 80, "https": 443}[address.scheme]
        port = "" if address.port in {None, usual} else f":{address.port}"
        return cls(id=host, origin=f"{address.scheme}://{f'[{host}]' if ':' in host else host}{port}")


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that a device has made."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    aaguid: UUID
    is_backed_up: bool


def registration_options(
    site: Site, *, user_id: UUID, email: str, full_name: str, known: list[bytes], challenge: bytes
) -> RegistrationOptions:
    """Return what a browser makes a passkey from; keys in `known` are not made twice."""
    # Here and below: the library takes a quarter of a second to load.
    from webauthn import generate_registration_options
    from webauthn.helpers import options_to_json_dict
    from webauthn.helpers.structs import (
        AuthenticatorSelectionCriteria,
        ResidentKeyRequirement,
        UserVerificationRequirement,
    )

    options = generate_registration_options(
        rp_id=site.id,
        rp_name="Fostr",
        user_id=user_id.bytes,
        user_name=email,
        user_display_name=full_name or email,
        challenge=challenge,
        timeout=TIMEOUT_MS,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[_descriptor(credential_id) for credential_id in known],
    )
    return RegistrationOptions.model_validate(options_to_json_dict(options))


def _descriptor(credential_id: bytes) -> "PublicKeyCredentialDescriptor":
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor

    return PublicKeyCredentialDescriptor(id=credential_id)


def sign_in_options(site: Site, *, challenge: bytes) -> SignInOptions:
    """Return what a browser has signed; the device knows whose passkeys it keeps, so nobody is named."""
    from webauthn import generate_authentication_options
    from webauthn.helpers import options_to_json_dict
    from webauthn.helpers.structs import UserVerificationRequirement

    options = generate_authentication_options(
        rp_id=site.id,
        challenge=challenge,
        timeout=TIMEOUT_MS,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return SignInOptions.model_validate(options_to_json_dict(options))


def read_challenge(credential: NewCredential | SignedCredential) -> bytes:
    """Return the challenge that an answer claims to be for; whether it was out, the database knows.

    Raises:
        CeremonyFailed: there is none.
    """
    try:
        client_data = json.loads(decode(credential.response.client_data))
        return decode(client_data["challenge"])
    except (ValueError, TypeError, KeyError) as error:
        raise CeremonyFailed("the client data holds no challenge") from error


def decode(text: str) -> bytes:
    """Return the bytes that stand in an answer as base64url."""
    from webauthn import base64url_to_bytes

    return base64url_to_bytes(text)


def verify_registration(site: Site, credential: NewCredential, *, challenge: bytes) -> NewKey:
    """Return the key of an answer to `registration_options`, or raise CeremonyFailed."""
    from webauthn import verify_registration_response

    try:
        verified = verify_registration_response(
            credential=credential.model_dump(by_alias=True),
            expected_challenge=challenge,
            expected_rp_id=site.id,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except Exception as error:
        # Whatever it is: hostile bytes make the library's parsers raise all that they can.
        raise CeremonyFailed(str(error)) from error
    return NewKey(
        credential_id=verified.credential_id,
        public_key=verified.credential_public_key,
        sign_count=verified.sign_count,
        aaguid=UUID(verified.aaguid),
        is_backed_up=verified.credential_backed_up,
    )


def verify_sign_in(
    site: Site, credential: SignedCredential, *, challenge: bytes, public_key: bytes, sign_count: int
) -> int:
    """Return the device's new count of signatures, or raise CeremonyFailed."""
    from webauthn import verify_authentication_response

    try:
        verified = verify_authentication_response(
            credential=credential.model_dump(by_alias=True),
            expected_challenge=challenge,
            expected_rp_id=site.id,
            expected_origin=site.origin,
            credential_public_key=public_key,
            credential_current_sign_count=sign_count,
            require_user_verification=True,
        )
    except Exception as error:
        raise CeremonyFailed(str(error)) from error
    return verified.new_sign_count
