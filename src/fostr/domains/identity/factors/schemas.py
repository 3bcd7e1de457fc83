"""The second factor, as it is asked for and answered."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from fostr.domains.identity.passkeys.schemas import Passkey

Code = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=6, max_length=40),
    Field(description="Six digits of the authenticator app, or a recovery code."),
]


class Factors(BaseModel):
    """How the caller shows who they are, besides the password."""

    second_factor: bool = Field(description="Whether signing in by password asks for a code as well.")
    authenticator_since: datetime | None = Field(description="Since when there is an authenticator app.")
    recovery_codes_left: int = Field(description="Recovery codes that were not used yet.")
    passkeys: list[Passkey]


class Enrolment(BaseModel):
    """What an authenticator app needs. It is shown this once."""

    secret: str = Field(description="For apps that take no picture: the secret in base32.")
    provisioning_uri: str = Field(description="The same as an `otpauth:` address.")
    qr_svg: str = Field(description="That address as a QR code, an SVG document.")


class RecoveryCodes(BaseModel):
    """Codes that stand in for the app. They are not kept, so this is the only time to copy them."""

    recovery_codes: list[str]


class FactorReset(BaseModel):
    """What came of switching off somebody's second factor."""

    user_id: UUID
    sessions_ended: int


class CodeGiven(BaseModel):
    """A code as proof."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"code": "492039"}]})

    code: Code


class SecondFactor(CodeGiven):
    """The second step of a sign-in."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"mfa_token": "fos_mfa_1nUuv0Lq8WcYj5VtZ3eXk7mRb2sHd9aGp4fTyQiOwNzCxM0vEr", "code": "492039"},
            ]
        }
    )

    mfa_token: Annotated[str, Field(max_length=200, description="As `/auth/login` answered it.")]


@dataclass(frozen=True, slots=True)
class SecondFactorNeeded:
    """The password was right; a code completes the sign-in. There is no session yet, and no cookie."""

    mfa_required: Literal[True]
    mfa_token: Annotated[str, Field(description="Send it with a code to `/auth/login/second-factor`; good for one.")]
    methods: Annotated[list[Literal["totp", "recovery_code"]], Field(description="What will do as the code.")]
    expires_in: Annotated[int, Field(description="Seconds that the token is good for.")]
