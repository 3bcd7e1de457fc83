"""Shapes of dead letters in the API."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field


class DeadLetter(BaseModel):
    """An event that a consumer failed at for the last time."""

    id: int
    consumer: str
    event_id: UUID
    type: str = Field(description="Of the event.")
    attempts: int
    error: str = Field(description="How it failed the last time. It may hold values of what the event is about.")
    created_at: datetime


class DeadLetterRetry(BaseModel):
    """What came of another attempt."""

    is_delivered: bool = Field(description="Whether the consumer has taken the event; then the letter is gone.")
    error: str | None = Field(description="How it failed this time.")
