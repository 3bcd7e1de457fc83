"""Comments on records."""

from typing import Final

from sqlalchemy import Column, Text, Uuid

from fostr.kernel.db.tables import belongs_to, identifier, index, moment, version, workspace_table

record_comments: Final = workspace_table(
    "record_comments",
    identifier(),
    identifier("record_id"),
    identifier("author_id"),
    Column("text", Text, nullable=False),
    moment("created_at", default_now=True),
    moment("updated_at", default_now=True),
    moment("deleted_at", nullable=True),
    Column("deleted_by", Uuid),
    version(),
    belongs_to("record_id", "records"),
    index("ix_record_comments_record_id", "workspace_id", "record_id", "id", where="deleted_at is null"),
)
