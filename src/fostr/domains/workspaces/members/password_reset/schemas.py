"""Reset links, as they are answered."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field


@dataclass(frozen=True, slots=True)
class ResetSent:
    """A link that was mailed."""

    user_id: UUID
    email: Annotated[str, Field(description="Where it was mailed to.")]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ResetLink:
    """A link for handing on."""

    user_id: UUID
    email: str
    url: Annotated[str, Field(description="The link; it is shown this once.")]
    expires_at: datetime
