"""Shapes of mail delivery in the API."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Mode = Literal["instant", "digest"]
Frequency = Literal["30", "60"]


class PausedEmail(BaseModel):
    """An address to which nothing is sent, because a mail server refused it again and again."""

    email: str
    since: datetime


class EmailDelivery(BaseModel):
    """How the caller gets their mail."""

    email_delivery_mode: Mode = Field(
        description="`instant`: a mail for each notification, at once. `digest`: one mail for all since the last."
    )
    digest_frequency_minutes: Frequency = Field(description="Minutes between two digests.")
    paused: PausedEmail | None = Field(description="Set while mail to the caller's address is paused.")


class EmailDeliveryUpdate(BaseModel):
    """How mail is to come from now on."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"email_delivery_mode": "digest", "digest_frequency_minutes": "60"}]},
    )

    email_delivery_mode: Mode
    digest_frequency_minutes: Frequency | None = Field(
        default=None, description="Counts for digests; without it, what was chosen before stays."
    )
