"""The people of a workspace. Whether they may come in is said by `memberships`, which belongs to the kernel."""

from typing import Final

from sqlalchemy import CheckConstraint, Column, Text, UniqueConstraint, text

from fostr.kernel.db.tables import identifier, moment, version, workspace_table

members: Final = workspace_table(
    "members",
    identifier(),
    identifier("user_id"),
    Column("email", Text, nullable=False),
    Column("full_name", Text, nullable=False, server_default=text("''")),
    Column("display_name", Text, nullable=False, server_default=text("''")),
    Column("avatar_url", Text),
    Column("role", Text, nullable=False),
    Column("status", Text, nullable=False, server_default=text("'active'")),
    moment("created_at", default_now=True),
    moment("updated_at", default_now=True),
    version(),
    CheckConstraint("status in ('active', 'invited')", name="status"),
    UniqueConstraint("workspace_id", "user_id"),
)
"""A copy of what the workspace shows of a person, so that no statement joins it with the people of others.

`role` stands here for lists; what it allows is decided by `memberships.role`, which is written with it.
"""
