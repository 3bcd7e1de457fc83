"""Members, as they are answered."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody in a workspace."""

    id: UUID
    user_id: Annotated[UUID, Field(description="The person's account.")]
    email: str
    full_name: str
    display_name: Annotated[str, Field(description="What the person is called here; empty: the full name.")]
    avatar_url: str | None
    role: Annotated[str, Field(description="`owner`, `admin`, `member`, `viewer`, or a role of the workspace.")]
    status: Annotated[Literal["active", "invited"], Field(description="`invited` until the person has accepted.")]
    created_at: datetime
    updated_at: datetime
    version: int

    @property
    def name(self) -> str:
        """What the person is called: the display name, the full name, or else the address."""
        return self.display_name or self.full_name or self.email
