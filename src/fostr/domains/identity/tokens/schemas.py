"""Personal access tokens, as they are asked for and answered."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from fostr.kernel.auth.credentials import LONGEST_OVERLAP
from fostr.kernel.auth.principals import ScopeName
from fostr.kernel.http.bodies import Moment, Title


class PersonalAccessToken(BaseModel):
    """A token of the caller's, without its secret."""

    id: UUID
    name: str
    prefix: str = Field(description="How the token begins, to tell tokens apart.")
    scope: ScopeName
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    replaced_by_id: UUID | None = Field(description="The token that was made from it by rotating.")


class NewPersonalAccessToken(PersonalAccessToken):
    """A token with its secret, which is shown this once."""

    token: str = Field(description="The token itself. It is not kept, so this is the only time to copy it.")


class PersonalAccessTokenCreate(BaseModel):
    """A new token."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"name": "Nightly export", "scope": "read", "expires_at": "2030-01-01T00:00:00Z"}]
        },
    )

    name: Title
    scope: ScopeName = "read"
    expires_at: Moment | None = Field(default=None, description="Until when it works; null: until revoked.")


class PersonalAccessTokenRotation(BaseModel):
    """How a token gives way to the next."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"overlap_seconds": 3600}]})

    overlap_seconds: int = Field(
        default=0,
        ge=0,
        le=LONGEST_OVERLAP,
        description="For how long the old token goes on working beside the new one, up to seven days; 0: not at all.",
    )
