"""What is to be sent, and what became of it."""

from typing import Final

from sqlalchemy import Boolean, CheckConstraint, Column, Integer, Text, UniqueConstraint, Uuid, text

from fostr.kernel.db.tables import belongs_to, identifier, index, moment, workspace_table

notification_deliveries: Final = workspace_table(
    "notification_deliveries",
    identifier(),
    identifier("notification_id"),
    identifier("member_id"),
    Column("channel", Text, nullable=False),
    Column("thread", Text, nullable=False),
    Column("is_critical", Boolean, nullable=False),
    Column("is_gathered", Boolean, nullable=False),
    moment("due_at"),
    Column("status", Text, nullable=False, server_default=text("'pending'")),
    Column("reason", Text),
    Column("mail_id", Uuid),
    Column("message_id", Text),
    moment("created_at"),
    moment("ended_at", nullable=True),
    belongs_to("notification_id", "notifications"),
    belongs_to("member_id", "members"),
    UniqueConstraint("workspace_id", "notification_id", "channel"),
    CheckConstraint("channel in ('email', 'whatsapp')", name="channel"),
    CheckConstraint("status in ('pending', 'sending', 'sent', 'skipped', 'failed')", name="status"),
    index("ix_notification_deliveries_due", "workspace_id", "due_at", where="status = 'pending'"),
    index("ix_notification_deliveries_member_id", "workspace_id", "member_id", "channel", "due_at"),
)
"""One row for each notification and each way on which it leaves.

`is_gathered` ones of a member go out together, as a digest; the others one by one, or by thread. A mail is `sent` once
it stands in the outbox of mail as `mail_id`, which tells what became of it there; a WhatsApp message once WhatsApp took
it as `message_id`; until then it is `sending`, and `ended_at` tells since when. `reason` is the code of why it was
skipped, or failed.
"""

notification_moments: Final = workspace_table(
    "notification_moments",
    moment("due_at"),
    Column("plans", Integer, nullable=False, server_default=text("1")),
    key=("due_at",),
)
"""Moments to come for which a job is dispatched already: whoever plans for one that is here need not dispatch.

Planning holds the row until it commits, and the job takes it away before it looks for what is due. So the job sees what
was planned in time, and what is planned later dispatches anew.
"""
