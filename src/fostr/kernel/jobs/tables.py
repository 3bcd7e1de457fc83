"""Jobs as people see them, and their logs; the queue's own tables belong to pgqueuer."""

from typing import Final

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    SmallInteger,
    Text,
    Uuid,
    text,
)

from fostr.kernel.db.tables import CONTROL, control_table, document, identifier, index, moment, refers_to

jobs: Final = control_table(
    "jobs",
    identifier(),
    Column("workspace_id", Uuid),
    Column("name", Text, nullable=False),
    Column("queue", Text, nullable=False),
    Column("workflow_id", Text),
    Column("priority", Integer, nullable=False, server_default=text("0")),
    document("input", default="{}"),
    Column("status", Text, nullable=False, server_default=text("'queued'")),
    Column("progress", SmallInteger, nullable=False, server_default=text("0")),
    Column("current_step", Text),
    Column("message", Text),
    document("result", nullable=True),
    document("error", nullable=True),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    Column("losses", Integer, nullable=False, server_default=text("0")),
    Column("max_attempts", Integer, nullable=False, server_default=text("1")),
    Column("last_seq", Integer, nullable=False, server_default=text("0")),
    Column("created_by", Uuid),
    Column("acting_as", Uuid),
    moment("run_after", nullable=True),
    moment("cancel_requested_at", nullable=True),
    moment("created_at", default_now=True),
    moment("started_at", nullable=True),
    moment("finished_at", nullable=True),
    refers_to("workspace_id", "workspaces"),
    CheckConstraint("status in ('queued', 'running', 'completed', 'failed', 'cancelled')", name="status"),
    CheckConstraint("progress between 0 and 100", name="progress"),
    Index(
        "uq_jobs_open_workflow",
        "workspace_id",
        "workflow_id",
        unique=True,
        postgresql_where=text("workflow_id is not null and status in ('queued', 'running')"),
        postgresql_nulls_not_distinct=True,
    ),
    index("ix_jobs_workspace_id", "workspace_id", "id"),
    index("ix_jobs_finished_at", "finished_at", where="finished_at is not null"),
)
"""One row for each dispatched job. `workflow_id` is unique among the open jobs of its workspace.

`acting_as` is the administrator who asked for it in the name of `created_by`, when somebody did.
`attempts` counts runs; of those, `failures` ended by an error, and `losses` by the end of their worker.
"""

job_events: Final = control_table(
    "job_events",
    identifier("job_id"),
    Column("seq", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    document("data", default="{}"),
    moment("created_at", default_now=True),
    ForeignKeyConstraint(["job_id"], [f"{CONTROL}.jobs.id"], ondelete="CASCADE"),
    key=("job_id", "seq"),
)
"""What a job reported, in order: what streams send, and where they resume."""
