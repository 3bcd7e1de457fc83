"""Shapes of notification preferences in the API."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from fostr.domains.notifications.registry import Category
from fostr.kernel.http.bodies import Partial

MOST_AT_ONCE = 200

TypeName = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class Switches(BaseModel):
    """On which ways a member is told of something."""

    inapp_enabled: bool = Field(description="In the product.")
    email_enabled: bool = Field(description="By mail.")
    whatsapp_enabled: bool = Field(description="By WhatsApp.")
    muted: bool = Field(description="On no way, whatever the switches say; only what is critical passes.")


class Preference(Switches):
    """What the caller chose for a type of notification."""

    id: UUID
    notification_type: str
    category: Category
    created_at: datetime
    updated_at: datetime
    version: int


class PreferenceUpdate(Partial):
    """What changes about a preference; the rest stays as it is."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"email_enabled": False}]})

    inapp_enabled: bool = True
    email_enabled: bool = True
    whatsapp_enabled: bool = False
    muted: bool = False


class PreferenceCreate(PreferenceUpdate):
    """A new preference; what is left out is as the type recommends."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"notification_type": "record_assigned", "email_enabled": False}]},
    )

    notification_type: TypeName


class PreferencesUpdate(BaseModel):
    """Preferences to change, and to create where the caller has none for the type."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"preferences": [{"notification_type": "record_assigned", "inapp_enabled": False}]}]
        },
    )

    preferences: list[PreferenceCreate] = Field(max_length=MOST_AT_ONCE)


class TypeSettings(Switches):
    """What holds for a type of notification."""

    is_default: bool = Field(description="Whether the caller left it as it is recommended.")


class RecommendedSettings(Switches):
    """What is recommended for a type of notification."""

    label: str
    description: str = Field(description="When it comes.")
    is_critical: bool = Field(description="Whether it passes through mute, digest and quiet hours.")


class RecommendedCategory(BaseModel):
    """The types of a category."""

    label: str
    types: dict[str, RecommendedSettings] = Field(description="By type.")


Preferences = list[Preference]
SettingsByType = dict[str, TypeSettings]
Recommended = dict[Category, RecommendedCategory]
