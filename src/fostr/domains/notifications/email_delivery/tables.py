"""How members get their mail."""

from typing import Final

from sqlalchemy import CheckConstraint, Column, SmallInteger, Text, text

from fostr.kernel.db.tables import belongs_to, identifier, moment, workspace_table

notification_email_delivery: Final = workspace_table(
    "notification_email_delivery",
    identifier("member_id"),
    Column("mode", Text, nullable=False, server_default=text("'instant'")),
    Column("digest_minutes", SmallInteger, nullable=False, server_default=text("30")),
    Column("paused_email", Text),
    moment("paused_at", nullable=True),
    moment("resumed_at", nullable=True),
    moment("updated_at"),
    belongs_to("member_id", "members"),
    CheckConstraint("mode in ('instant', 'digest')", name="mode"),
    CheckConstraint("digest_minutes in (30, 60)", name="digest_minutes"),
    key=("member_id",),
)
"""Who has no row gets mail at once. `paused_email` is an address that a mail server refused again and again."""
