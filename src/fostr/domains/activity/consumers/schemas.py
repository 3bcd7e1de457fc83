"""Shapes of consumers in the API."""

from datetime import datetime

from pydantic import BaseModel, Field

from fostr.kernel.events.lag import MOST_COUNTED


class ConsumerLag(BaseModel):
    """A consumer of events, and how far it is behind in the workspace."""

    name: str
    events_behind: int = Field(
        description=f"Events that it has not taken yet. No more than {MOST_COUNTED} are counted."
    )
    oldest_unread_seconds: float | None = Field(description="How long the first of them has waited; null without any.")
    attempts: int = Field(description="How often it has failed at that one.")
    retry_at: datetime | None = Field(description="When it is given it again.")
    error: str | None = Field(description="How it failed the last time.")
    dead_letters: int = Field(description="Events that were put aside, so that others could pass.")


class Consumers(BaseModel):
    """Every consumer of events."""

    items: list[ConsumerLag]


class ServerConsumer(BaseModel):
    """A consumer of events, and how it does on the whole server."""

    name: str
    workspaces_behind: int = Field(description="Workspaces with events that it has not taken yet.")
    workspaces_failing: int = Field(description="Workspaces in which it has failed at the next event and tries again.")
    dead_letters: int


class ServerConsumers(BaseModel):
    """Every consumer of events, on the whole server."""

    items: list[ServerConsumer]
