"""Shapes of comments in the API."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

CommentText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000),
    Field(description="Whoever is named in it, as `@[Ada Example](<the member's id>)`, is told."),
]


class Author(BaseModel):
    """Who wrote a comment."""

    id: UUID
    full_name: str
    avatar_url: str | None


class Comment(BaseModel):
    """A comment on a record."""

    id: UUID
    record_id: UUID
    text: str
    author: Author
    created_at: datetime
    updated_at: datetime
    version: int


class CommentCreate(BaseModel):
    """A new comment."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"text": "The runway was resurfaced."}]})

    text: CommentText


class CommentUpdate(BaseModel):
    """A changed comment."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"text": "The runway is new."}]})

    text: CommentText
    expected_version: int | None = Field(default=None, ge=1, description="The version that the caller saw.")
