"""Sign-ins by Clerk, as they are asked for and answered."""

from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from fostr.domains.identity.accounts.schemas import User
from fostr.domains.identity.sessions.schemas import OpenedSession, TokenPair
from fostr.kernel.http.bodies import Email


class ClerkUser(BaseModel):
    """Somebody whom Clerk has signed in."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"email": "ada@example.com", "clerk_id": "user_29w83sxmDNGwOuEthce5gg56FcC"}]},
    )

    email: Email = Field(description="The address that Clerk has checked.")
    clerk_id: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)] | None = Field(
        default=None, description="Their id at Clerk; kept with the account the first time."
    )


@dataclass(frozen=True, slots=True)
class ClerkStranger:
    """Nobody with an account here."""

    exists: Literal[False]


@dataclass(frozen=True, slots=True)
class ClerkSession(TokenPair):
    """A session of somebody with an account here."""

    exists: Literal[True]
    user: User

    @classmethod
    def of(cls, opened: OpenedSession) -> Self:
        """Return what is answered of a session."""
        tokens = opened.tokens
        return cls(
            access_token=tokens.access_token,
            refresh_token=tokens.refresh_token,
            token_type=tokens.token_type,
            expires_in=tokens.expires_in,
            exists=True,
            user=opened.user,
        )
