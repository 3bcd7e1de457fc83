"""Shapes of recordsets that are written as a whole."""

from pydantic import BaseModel, ConfigDict, Field

from fostr.domains.records.recordsets.schemas import (
    EXAMPLE_FIELDS,
    Description,
    FieldUpdate,
    Mark,
    Mode,
    Name,
    RecordsetSettings,
    Word,
)


class RecordsetReplace(BaseModel):
    """A recordset as it is to be: what is left out goes back to what new recordsets have."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"name": "Airports", "fields": EXAMPLE_FIELDS}]}
    )

    name: Name
    description: Description = ""
    type: Word = "custom"
    mode: Mode = "table"
    icon: Mark | None = None
    color: Mark | None = None
    is_active: bool = True
    settings: RecordsetSettings = RecordsetSettings()
    fields: list[FieldUpdate] = Field(
        description="All fields in their order, those that are there by their keys. Fields that are left out are "
        "removed with all their values, unless the caller may not see or not change them."
    )
    expected_version: int | None = Field(default=None, ge=1, description="The version that the caller saw.")


class CountsSynced(BaseModel):
    """What counting anew has changed."""

    recordsets: int = Field(description="Recordsets that were looked at.")
    corrected: int = Field(description="Those whose number was wrong.")
