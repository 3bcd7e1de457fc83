"""Who acted in whose name, when and why. It outlives the accounts and the sessions that it tells of."""

from typing import Final

from sqlalchemy import Column, Text, Uuid

from fostr.kernel.db.tables import control_table, identifier, index, moment, refers_to

impersonations: Final = control_table(
    "impersonations",
    identifier(),
    identifier("workspace_id"),
    identifier("member_id"),
    Column("user_id", Uuid),
    Column("acting_user_id", Uuid),
    Column("acting_name", Text, nullable=False),
    Column("acting_email", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("session_id", Uuid),
    moment("created_at", default_now=True),
    moment("started_at", nullable=True),
    moment("expires_at"),
    moment("ended_at", nullable=True),
    Column("ended_reason", Text),
    refers_to("workspace_id", "workspaces"),
    refers_to("user_id", "users", on_delete="SET NULL"),
    refers_to("acting_user_id", "users", on_delete="SET NULL"),
    index("ix_impersonations_workspace_id", "workspace_id", "id"),
    index("ix_impersonations_user_id", "user_id"),
    index("ix_impersonations_acting_user_id", "acting_user_id"),
    index("ix_impersonations_session_id", "session_id"),
    index("ix_impersonations_open", "expires_at", where="ended_at is null"),
)
"""`expires_at` is the end of the token until it was exchanged, and then that of the session.

It is no workspace table, because statements ask for it beside sessions and people.
"""
