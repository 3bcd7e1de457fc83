"""Shapes of unsubscribing in the API."""

from typing import Literal

from pydantic import BaseModel, Field


class Unsubscribed(BaseModel):
    """What is not mailed any more."""

    notification_types: list[str] = Field(description="Names of types; every one that is not critical for a digest's.")
    channel: Literal["email"]
