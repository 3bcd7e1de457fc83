"""Shapes of pipelines in the API."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
Color = Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$")]
Kind = Literal["open", "won", "lost"]
Percent = Annotated[int, Field(ge=0, le=100)]


class Stage(BaseModel):
    """A stage of a pipeline."""

    id: UUID
    name: str
    value: str = Field(description="The choice of the stage field that stands for it.")
    color: str | None
    position: int
    kind: Kind
    probability: int | None = Field(description="In percent, how likely what stands here is to be won.")


class Pipeline(BaseModel):
    """The stages through which the records of a recordset move."""

    id: UUID
    recordset_id: UUID
    name: str
    stage_field: str = Field(description="The key of the field whose value says at which stage a record is.")
    stages: list[Stage] = Field(description="In their order.")
    created_at: datetime
    updated_at: datetime
    version: int


class StageCreate(BaseModel):
    """A stage of a new pipeline."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    value: Name | None = Field(default=None, description="The choice that stands for it; its name unless it is said.")
    color: Color | None = None
    kind: Kind = "open"
    probability: Percent | None = Field(default=None, description="In percent; 100 of what is won, 0 of what is lost.")


class PipelineCreate(BaseModel):
    """A new pipeline."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "name": "Sales",
                    "stages": [
                        {"name": "Contacted", "probability": 20},
                        {"name": "Signed", "kind": "won"},
                        {"name": "Declined", "kind": "lost"},
                    ],
                }
            ]
        },
    )

    name: Name | None = Field(default=None, description="Left out, it is called like the recordset.")
    stage_field: str | None = Field(
        default=None,
        pattern=r"^[a-z][a-z0-9_]{0,62}$",
        description="The key of a field of type `select`, which gets the choices that it lacks; left out, one is made.",
    )
    stages: list[StageCreate] = Field(
        default=[], max_length=50, description="In their order; left out, the choices of the field, or the usual ones."
    )
