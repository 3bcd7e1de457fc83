"""Passkeys, as they are asked for and answered.

What passes between server and browser is spelt as the Web Authentication standard spells it, so that it goes into
`PublicKeyCredential.parseCreationOptionsFromJSON` and comes from `credential.toJSON()` as it is.
"""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from fostr.kernel.http.bodies import Partial, Title

_BYTES = r"^[A-Za-z0-9_-]+$"
Identifier = Annotated[str, Field(pattern=_BYTES, max_length=1400)]
Bytes = Annotated[str, Field(pattern=_BYTES, max_length=20_000)]


class Passkey(BaseModel):
    """A passkey of the caller's."""

    id: UUID
    name: str
    is_backed_up: bool = Field(description="Whether the device keeps a copy elsewhere.")
    created_at: datetime
    last_used_at: datetime | None


class _Standard(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, serialize_by_alias=True)


class RelyingParty(_Standard):
    """This server."""

    id: str
    name: str


class PasskeyUser(_Standard):
    """Whose passkey it becomes."""

    id: str
    name: str
    display_name: str


class KeyType(_Standard):
    """A kind of key that will do."""

    type: str
    alg: int


class KnownCredential(_Standard):
    """A passkey that is registered."""

    id: str
    type: str
    transports: list[str] = Field(default_factory=list, description="Never null: browsers refuse that.")


class DeviceSelection(_Standard):
    """What the device has to do."""

    resident_key: str
    require_resident_key: bool
    user_verification: str


class RegistrationOptions(_Standard):
    """What the browser is asked to make a passkey from."""

    rp: RelyingParty
    user: PasskeyUser
    challenge: str
    pub_key_cred_params: list[KeyType]
    timeout: int
    exclude_credentials: list[KnownCredential]
    authenticator_selection: DeviceSelection
    attestation: str


class SignInOptions(_Standard):
    """What the browser is asked to sign."""

    challenge: str
    timeout: int
    rp_id: str
    allow_credentials: list[KnownCredential]
    user_verification: str


class _Credential(_Standard):
    id: Identifier
    raw_id: Identifier
    type: Literal["public-key"]


class AttestationAnswer(_Standard):
    """What the device says of a new key."""

    client_data: Bytes = Field(alias="clientDataJSON")
    attestation_object: Bytes
    transports: list[Annotated[str, Field(max_length=20)]] = Field(default_factory=list, max_length=10)


class NewCredential(_Credential):
    """The browser's answer to a registration."""

    response: AttestationAnswer


class AssertionAnswer(_Standard):
    """What the device signed."""

    client_data: Bytes = Field(alias="clientDataJSON")
    authenticator_data: Bytes
    signature: Bytes
    user_handle: Identifier | None = None


class SignedCredential(_Credential):
    """The browser's answer to a sign-in."""

    response: AssertionAnswer


_EXAMPLE = {"id": "c29tZS1pZA", "rawId": "c29tZS1pZA", "type": "public-key"}


class PasskeyCreate(BaseModel):
    """A new passkey."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "name": "Phone",
                    "credential": {
                        **_EXAMPLE,
                        "response": {"clientDataJSON": "e30", "attestationObject": "o2M", "transports": ["internal"]},
                    },
                }
            ]
        },
    )

    name: Title
    credential: NewCredential


class PasskeyUpdate(Partial):
    """What changes about a passkey."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Old phone"}]})

    name: Title = ""


class PasskeySignIn(BaseModel):
    """Who signs in, by the signature of a passkey."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "credential": {
                        **_EXAMPLE,
                        "response": {"clientDataJSON": "e30", "authenticatorData": "SZY", "signature": "MEU"},
                    }
                }
            ]
        },
    )

    credential: SignedCredential
