"""Links, as forms hold them."""

from uuid import UUID

from pydantic import BaseModel, Field


class ActivationLink(BaseModel):
    """A link of an activation mail."""

    token: str = Field(max_length=200)
    workspace_id: UUID | None = None
