"""Confirmations, as they are asked for and answered."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from fostr.domains.identity.accounts.schemas import GivenPassword
from fostr.domains.identity.factors.schemas import Code
from fostr.domains.identity.passkeys.schemas import SignedCredential


class Confirmation(BaseModel):
    """Proof of who is there."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"password": "Loom-and-Card-1843"}, {"code": "492039"}]},
    )

    password: GivenPassword | None = None
    code: Code | None = None
    credential: SignedCredential | None = Field(default=None, description="A passkey's answer, as for signing in.")

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if sum(proof is not None for proof in (self.password, self.code, self.credential)) != 1:
            raise ValueError("give one of password, code and credential")
        return self


class Confirmed(BaseModel):
    """The session counts as a recent sign-in again."""

    authenticated_at: datetime
    recent_until: datetime = Field(description="Until when things can be done that cannot be undone.")
