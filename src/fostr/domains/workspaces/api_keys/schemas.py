"""API keys, as they are asked for and answered."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from fostr.kernel.auth.credentials import LONGEST_OVERLAP
from fostr.kernel.auth.principals import ScopeName
from fostr.kernel.http.bodies import Moment, Partial, Prose, Title

Scopes = Annotated[
    list[ScopeName],
    Field(
        min_length=1,
        max_length=3,
        description="What the key may be used for; each includes the ones below: read, write, admin.",
    ),
]


class ApiKey(BaseModel):
    """A key of the workspace, without its secret."""

    id: UUID
    name: str
    description: str
    prefix: str = Field(description="How the key begins, to tell keys apart.")
    scopes: list[ScopeName]
    is_active: bool
    user_id: UUID = Field(description="In whose name the key acts; it can never do more than they may.")
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    replaced_by_id: UUID | None = Field(description="The key that was made from it by rotating.")
    version: int


class NewApiKey(ApiKey):
    """A key with its secret, which is shown this once."""

    key: str = Field(description="The key itself. It is not kept, so this is the only time to copy it.")


class ApiKeyCount(BaseModel):
    """How many keys there are."""

    count: int


@dataclass(frozen=True, slots=True)
class KeyFilter:
    """Which keys are meant; None: both kinds."""

    is_active: bool | None
    is_revoked: bool | None


class ApiKeyCreate(BaseModel):
    """A new key."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "name": "Warehouse sync",
                    "description": "Writes stock levels every hour.",
                    "scopes": ["write"],
                    "expires_at": "2030-01-01T00:00:00Z",
                }
            ]
        },
    )

    name: Title
    description: Prose = ""
    scopes: Scopes = ["read"]
    expires_at: Moment | None = Field(default=None, description="Until when it works; null: until revoked.")


class ApiKeyRotation(BaseModel):
    """How a key gives way to the next."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"overlap_seconds": 3600}]})

    overlap_seconds: int = Field(
        default=0,
        ge=0,
        le=LONGEST_OVERLAP,
        description="For how long the old key goes on working beside the new one, up to seven days; 0: not at all.",
    )


class ApiKeyUpdate(Partial):
    """What changes about a key."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Warehouse sync", "scopes": ["read"]}]})

    name: Title = ""
    description: Prose = ""
    scopes: Scopes = Field(default=["read"])
    is_active: bool = True
