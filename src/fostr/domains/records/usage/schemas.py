"""Shapes of the advice on promoting fields."""

from datetime import date
from typing import Literal

from pydantic import BaseModel, Field


class FieldUse(BaseModel):
    """How a field is used, and what that says about promoting it."""

    key: str
    name: str
    type: str
    filters: int = Field(description="Lists that were filtered by it.")
    sorts: int = Field(description="Lists that were sorted by it.")
    is_promoted: bool
    advice: Literal["promote", "exchange", "release", "keep", "none"] = Field(
        description="`exchange` is to promote it in place of `instead_of`, `release` to take its column from it."
    )
    instead_of: str | None = Field(description="The key of the field that would give up its column.")
    records_spared: int | None = Field(
        description="Records that lists would not have had to look at, had there been an index; null for who may not "
        "know how many there are."
    )
    reason: str


class PromotionSuggestions(BaseModel):
    """Which fields should have an index, by how lists were asked for."""

    since: date = Field(description="The first day that was counted.")
    fields: list[FieldUse] = Field(description="Those of which there is something to say, the most worthwhile first.")
