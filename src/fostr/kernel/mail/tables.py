"""The outbox of mail."""

from typing import Final

from sqlalchemy import CheckConstraint, Column, Integer, Text, Uuid, text

from fostr.kernel.db.tables import control_table, identifier, index, moment, refers_to

mails: Final = control_table(
    "mails",
    identifier(),
    Column("workspace_id", Uuid),
    Column("template", Text, nullable=False),
    Column("to_email", Text, nullable=False),
    Column("to_name", Text, nullable=False, server_default=text("''")),
    Column("reply_to", Text),
    Column("unsubscribe_url", Text),
    Column("subject", Text, nullable=False),
    Column("body", Text),
    Column("status", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("error", Text),
    moment("created_at", default_now=True),
    moment("sent_at", nullable=True),
    refers_to("workspace_id", "workspaces"),
    CheckConstraint("status in ('queued', 'sent', 'failed', 'kept')", name="status"),
    CheckConstraint("status <> 'sent' or body is null", name="sent_without_body"),
    index("ix_mails_created_at", "created_at"),
    index("ix_mails_workspace_id", "workspace_id"),
)
"""What was written to people. `body` is sealed, because it may hold a link; it goes when the mail is sent, or old.

`kept` is what stays here because no mail server is set.
"""
