"""What webhooks are sent, each attempt to send it, and how far each webhook has come."""

from typing import Final

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Integer, Text, UniqueConstraint, Uuid, text

from fostr.kernel.db.tables import (
    belongs_to,
    control_table,
    document,
    identifier,
    index,
    moment,
    refers_to,
    workspace_table,
)

webhook_deliveries: Final = workspace_table(
    "webhook_deliveries",
    identifier(),
    identifier("webhook_id"),
    identifier("message_id"),
    identifier("event_id"),
    Column("type", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("rights_epoch", BigInteger),
    Column("seq", BigInteger, nullable=False),
    Column("status", Text, nullable=False, server_default=text("'pending'")),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    moment("next_attempt_at", nullable=True),
    Column("last_status_code", Integer),
    Column("last_error", Text),
    Column("is_test", Boolean, nullable=False, server_default=text("false")),
    moment("created_at", default_now=True),
    moment("finished_at", nullable=True),
    UniqueConstraint("workspace_id", "webhook_id", "message_id"),
    CheckConstraint("status in ('pending', 'succeeded', 'failed', 'aborted', 'withheld')", name="status"),
    CheckConstraint("(status = 'pending') = (next_attempt_at is not null)", name="next_attempt_at"),
    index("ix_webhook_deliveries_due", "workspace_id", "webhook_id", "next_attempt_at", where="status = 'pending'"),
    index("ix_webhook_deliveries_order", "workspace_id", "webhook_id", "seq", where="status = 'pending'"),
    index("ix_webhook_deliveries_webhook_id", "workspace_id", "webhook_id", "id"),
    index("ix_webhook_deliveries_created_at", "workspace_id", "created_at"),
)
"""A message for one webhook. `message_id` is that of the event, or, where the event stands for many things, of the one
that was made of it for one of these; receivers know the message by it. `seq` is its place in the order of the log.

`body` is what is sent, to the byte, as the webhook's owner might see it at `rights_epoch`; where that is another now,
or empty, it is looked at once more before it is sent. `attempts` counts all, `tries` those of the schedule that is
under way, which a replay begins anew. A test (`is_test`) tells of no event, is never sent again, and has no place in
the order.

It does not refer to its webhook, so that one that is deleted need not take a month of deliveries with it at once: a job
does that, bit by bit.
"""

webhook_attempts: Final = workspace_table(
    "webhook_attempts",
    identifier(),
    identifier("delivery_id"),
    Column("number", Integer, nullable=False),
    Column("url", Text, nullable=False, server_default=text("''")),
    moment("started_at"),
    Column("duration_ms", Integer, nullable=False),
    Column("status_code", Integer),
    Column("error", Text),
    Column("message", Text, nullable=False),
    document("request_headers"),
    document("response_headers"),
    Column("response_body", Text, nullable=False),
    belongs_to("delivery_id", "webhook_deliveries"),
    index("ix_webhook_attempts_delivery_id", "workspace_id", "delivery_id", "number"),
)
"""One request to a receiver and what came of it. No signature is kept, and no value of a header that people set."""

webhook_lanes: Final = control_table(
    "webhook_lanes",
    identifier("workspace_id"),
    identifier("webhook_id"),
    Column("event_id", Uuid),
    Column("message_id", Uuid),
    Column("last_seq", BigInteger, nullable=False, server_default=text("0")),
    Column("job_id", Uuid),
    moment("due_at", nullable=True),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    moment("failed_first_at", nullable=True),
    moment("probe_at", nullable=True),
    moment("paused_until", nullable=True),
    moment("last_success_at", nullable=True),
    moment("last_failure_at", nullable=True),
    refers_to("workspace_id", "workspaces"),
    index("ix_webhook_lanes_due_at", "due_at", where="due_at is not null"),
    index("ix_webhook_lanes_job_id", "job_id", where="job_id is not null"),
    key=("workspace_id", "webhook_id"),
)
"""How far a webhook has read the log of its workspace: to the end of event `event_id`, and, of an event behind it that
stands for many things, to message `message_id`. No event where it is switched off: nothing is read then.

`job_id` is the job that sends for it, if one is open: nobody else does. Without one it is looked at again at `due_at`.
`failures` counts the attempts that failed since the last that did not, the first of them at `failed_first_at`; after
many, a message that was not tried before is tried at `probe_at` only, and none at all until `paused_until`, where its
receiver asked for that. It is a control table so that one look finds what is due in all workspaces.
"""
