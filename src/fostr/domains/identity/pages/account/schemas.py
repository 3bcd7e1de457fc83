"""What forms about an account hold."""

from uuid import UUID

from pydantic import BaseModel


class SessionNamed(BaseModel):
    """A session that is to end."""

    session_id: UUID
