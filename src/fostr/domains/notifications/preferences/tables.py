"""Notification preferences."""

from typing import Final

from sqlalchemy import Boolean, Column, Text, UniqueConstraint, text

from fostr.kernel.db.tables import belongs_to, identifier, moment, version, workspace_table

notification_preferences: Final = workspace_table(
    "notification_preferences",
    identifier(),
    identifier("member_id"),
    Column("type", Text, nullable=False),
    Column("in_app", Boolean, nullable=False),
    Column("email", Boolean, nullable=False),
    Column("whatsapp", Boolean, nullable=False),
    Column("muted", Boolean, nullable=False, server_default=text("false")),
    moment("created_at"),
    moment("updated_at"),
    version(),
    belongs_to("member_id", "members"),
    UniqueConstraint("workspace_id", "member_id", "type"),
)
"""What a member chose for a type of notification. Where there is no row, the type's defaults hold.

Both families of operations read and write it, and there is nothing beside it.
"""
