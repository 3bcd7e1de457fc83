"""What is being provisioned."""

from typing import Final

from sqlalchemy import CheckConstraint, Column, LargeBinary, Text, UniqueConstraint, Uuid

from fostr.kernel.db.tables import control_table, identifier, index, moment, refers_to

provisionings: Final = control_table(
    "provisionings",
    identifier(),
    Column("digest", LargeBinary, nullable=False),
    Column("kind", Text, nullable=False),
    identifier("job_id"),
    Column("request", Text),
    Column("user_id", Uuid),
    Column("workspace_id", Uuid),
    moment("created_at", default_now=True),
    moment("done_at", nullable=True),
    moment("tokens_taken_at", nullable=True),
    refers_to("job_id", "jobs"),
    refers_to("user_id", "users", on_delete="SET NULL"),
    refers_to("workspace_id", "workspaces", on_delete="SET NULL"),
    CheckConstraint("kind in ('signup', 'workspace')", name="kind"),
    UniqueConstraint("digest"),
    index("ix_provisionings_job_id", "job_id"),
    index("ix_provisionings_user_id", "user_id"),
    index("ix_provisionings_workspace_id", "workspace_id"),
)
"""`digest` is that of the secret by which the client follows the job. `request` is sealed, and goes when it is done.

Tokens are kept nowhere: whoever first reads that a sign-up is done has the session opened by that, soon or not at all.
"""
