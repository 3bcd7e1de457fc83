"""Shapes of type changes in the API."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from fostr.domains.records.fields.types import TypeName
from fostr.domains.records.recordsets.schemas import FieldOptions


class TypeChange(BaseModel):
    """Another type for a field."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"type": "number"}]})

    type: TypeName
    options: FieldOptions | None = Field(
        default=None, description="Left out, the options that the new type knows stay as they are."
    )


class LostValue(BaseModel):
    """A value that the new type does not take."""

    record_id: UUID
    value: JsonValue
    reason: str


class TypeChangePreview(BaseModel):
    """What a field's values would become; those of records in the trash are among them."""

    key: str
    type: TypeName
    options: FieldOptions
    values: int = Field(description="Records that have a value.")
    unchanged: int = Field(description="Those whose value stays as it is.")
    converted: int = Field(description="Those whose value becomes another one.")
    lost: int = Field(description="Those whose value the new type does not take: it becomes empty.")
    examples: list[LostValue] = Field(description="Some that would be lost, of the records that the caller may see.")
