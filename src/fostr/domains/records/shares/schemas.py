"""Shapes of share links in the API."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from fostr.domains.records.views.schemas import Keys
from fostr.kernel.http.bodies import Moment

Label = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
Password = Annotated[SecretStr, Field(min_length=6, max_length=200)]
FIELDS = "Keys of the fields that the link may show, of those that the view shows; none that are added later."


class ShareLink(BaseModel):
    """A link that shares a view; its token is shown once, when it is made."""

    id: UUID
    recordset_id: UUID
    view_id: UUID
    name: str = Field(description="What it is for, to those who made it; nobody else sees it.")
    hint: str = Field(description="How its token begins.")
    is_open: bool = Field(description="Whether it is neither revoked nor over.")
    has_password: bool
    allows_download: bool
    fields: list[str] = Field(description=FIELDS)
    expires_at: datetime | None
    view_count: int = Field(description="Visits; looking again within half an hour is the same visit.")
    last_viewed_at: datetime | None
    created_by: UUID = Field(description="By whose rights it shows what it shows.")
    created_at: datetime
    updated_at: datetime
    revoked_at: datetime | None
    version: int


class ShareLinkCreated(ShareLink):
    """A new link, with what opens it."""

    token: str
    url: str = Field(description="Where the shared table is read.")


class ShareLinkCreate(BaseModel):
    """A new link."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "For the newsletter", "expires_at": "2100-01-01T00:00:00Z"}]},
    )

    name: Label = ""
    expires_at: Moment | None = Field(default=None, description="When it ends; null for never.")
    password: Password | None = Field(default=None, description="What visitors have to know besides the address.")
    allows_download: bool = Field(default=False, description="Whether visitors may take the rows along as a CSV file.")
    fields: Keys | None = Field(default=None, description=f"{FIELDS} Left out: all that the view shows now.")


class ShareLinkUpdate(BaseModel):
    """A changed link: what is left out stays."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"allows_download": True, "password": None, "expected_version": 1}]},
    )

    name: Label | None = None
    expires_at: Moment | None = Field(default=None, description="Null for never.")
    password: Password | None = Field(default=None, description="A new one; null for none.")
    allows_download: bool | None = None
    fields: Keys | None = Field(default=None, description=f"{FIELDS} Null for all that the view shows now.")
    expected_version: int | None = Field(default=None, ge=1, description="The version that the caller saw.")
