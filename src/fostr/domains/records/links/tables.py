"""Links that fields hold, from the other side; and relationships that people name between any two records."""

from typing import Final

from sqlalchemy import Column, Text, UniqueConstraint, Uuid, text

from fostr.kernel.db.tables import belongs_to, document, identifier, index, moment, workspace_table

record_links: Final = workspace_table(
    "record_links",
    identifier("field_id"),
    identifier("source_id"),
    identifier("target_id"),
    belongs_to("field_id", "recordset_fields"),
    belongs_to("source_id", "records"),
    belongs_to("target_id", "records"),
    index("ix_record_links_source_id", "workspace_id", "source_id"),
    index("ix_record_links_target_id", "workspace_id", "target_id", "field_id"),
    key=("field_id", "source_id", "target_id"),
)
"""What the values of link fields name, written with them. The values are what counts; this is how a record finds those
that name it."""

record_relationships: Final = workspace_table(
    "record_relationships",
    identifier(),
    identifier("source_id"),
    identifier("target_id"),
    Column("type", Text, nullable=False),
    Column("note", Text, nullable=False, server_default=text("''")),
    document("metadata", default="{}"),
    Column("created_by", Uuid),
    moment("created_at", default_now=True),
    belongs_to("source_id", "records"),
    belongs_to("target_id", "records"),
    UniqueConstraint("workspace_id", "source_id", "target_id", "type"),
    index("ix_record_relationships_target_id", "workspace_id", "target_id", "id"),
)
