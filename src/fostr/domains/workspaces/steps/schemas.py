"""The health of a workspace, as it is answered."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field


class PendingStep(BaseModel):
    """Something that is still to be done in the workspace."""

    number: int
    label: str
    is_required: bool


class StepFailure(BaseModel):
    """What went wrong when a step was last tried."""

    number: int
    message: str
    at: datetime


class WorkspaceHealth(BaseModel):
    """What is set up in a workspace, and whether it is up to date."""

    brand: bool = Field(description="Whether there is a brand profile.")
    migration_required: bool = Field(description="Whether a step that the workspace cannot do without is to be done.")
    personal_onboarding_complete: bool
    company_onboarding_complete: bool
    step: int = Field(description="The last step that was done.")
    newest_step: int
    pending: list[PendingStep]
    failure: StepFailure | None = Field(description="Why the next step is not done, when it was tried.")
    job_id: UUID | None = Field(description="The job that does the steps, while one is open.")


class MigrationStarted(BaseModel):
    """Where to follow the steps being done."""

    job_id: UUID
    stream_url: str
    status: Literal["QUEUED", "RUNNING"]
