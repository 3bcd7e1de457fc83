"""Provisioning, as it is asked for, kept and answered."""

from dataclasses import dataclass
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from fostr.kernel.http.bodies import Email, Line, Title


@dataclass(frozen=True, slots=True)
class ProvisioningStarted:
    """A job that provisions."""

    job_id: Annotated[str, Field(description="A secret: whoever has it can follow the job. It is shown this once.")]
    stream_url: Annotated[str, Field(description="Where the job is followed.")]
    status: Literal["QUEUED"]


class WorkspaceProvision(BaseModel):
    """A workspace to make for somebody."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"email": "ada@example.com", "full_name": "Ada Lovelace", "workspace_name": "Analytical Engines"}
            ]
        },
    )

    email: Email = Field(description="Of the owner; who has no account is given one, and a mail to activate it.")
    full_name: Line = Field(default="", description="What the owner is called, if an account is made.")
    workspace_name: Title


class ProvisioningRequest(BaseModel):
    """What is to be made; kept sealed until it is."""

    email: str
    full_name: str
    workspace_name: str
    password_hash: str | None
    request_id: str
    acting_user_id: UUID | None
    credential: Literal["session", "jwt", "pat"] | None
