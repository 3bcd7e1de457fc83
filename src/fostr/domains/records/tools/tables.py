"""The place of records in tools."""

from typing import Final

from sqlalchemy import Column, Text, UniqueConstraint, Uuid

from fostr.kernel.db.tables import belongs_to, document, identifier, index, moment, version, workspace_table

record_tools: Final = workspace_table(
    "record_tools",
    identifier(),
    identifier("record_id"),
    identifier("recordset_id"),
    Column("tool", Text, nullable=False),
    Column("status", Text),
    Column("recommendation", Text),
    Column("group_id", Text),
    document("data", default="{}"),
    Column("set_by", Uuid),
    moment("created_at", default_now=True),
    moment("updated_at", default_now=True),
    version(),
    belongs_to("record_id", "records"),
    UniqueConstraint("workspace_id", "record_id", "tool"),
    index("ix_record_tools_tool", "workspace_id", "tool", "recordset_id", "record_id", where="status is not null"),
    index(
        "ix_record_tools_group_id",
        "workspace_id",
        "group_id",
        "record_id",
        where="status is not null and group_id is not null",
    ),
)
"""Without a status, a record was dismissed from the tool: the row stays, so that the tool does not propose it again."""
