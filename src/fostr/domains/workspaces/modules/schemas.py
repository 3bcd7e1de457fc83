"""Modules, as they are asked for and answered."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from fostr.kernel.http.bodies import Partial

ModuleName = Annotated[str, Field(min_length=1, max_length=100, description="A module of the product.")]
Settings = Annotated[dict[str, JsonValue], Field(max_length=200, description="By name; what is left out stays.")]


class ModuleSettings(BaseModel):
    """A part of the product, as it is in a workspace."""

    module: str
    label: str
    description: str
    is_enabled: bool = Field(description="Where it is false, the module's operations answer 403 `module_disabled`.")
    is_customised: bool = Field(description="Whether anything differs from how the module comes.")
    settings: dict[str, JsonValue] = Field(description="All of them, also those that are as they come.")
    settings_schema: dict[str, Any] | None = Field(description="What can be set, as JSON schema; null: nothing.")
    updated_at: datetime | None = Field(description="Null where the workspace has said nothing about it yet.")
    version: int = Field(description="0 where the workspace has said nothing about it yet.")


class ModuleSettingsCreate(BaseModel):
    """First settings for a module."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"module": "records", "is_enabled": True}]}
    )

    module: ModuleName
    is_enabled: bool | None = Field(default=None, description="Left out or null: as the module comes.")
    settings: Settings = Field(default_factory=dict[str, JsonValue])


class ModuleSettingsUpdate(Partial):
    """What changes about a module."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"is_enabled": True, "settings": {}}]})

    is_enabled: bool = True
    settings: Settings = Field(default={})
