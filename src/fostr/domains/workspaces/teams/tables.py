"""Teams and who is in them."""

from typing import Final

from sqlalchemy import Boolean, CheckConstraint, Column, Text, Uuid, text

from fostr.kernel.db.tables import belongs_to, identifier, index, moment, version, workspace_table

teams: Final = workspace_table(
    "teams",
    identifier(),
    Column("parent_team_id", Uuid),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False, server_default=text("''")),
    Column("is_active", Boolean, nullable=False, server_default=text("true")),
    Column("created_by", Uuid),
    moment("created_at", default_now=True),
    moment("updated_at", default_now=True),
    version(),
    belongs_to("parent_team_id", "teams", on_delete="SET NULL"),
    belongs_to("created_by", "members", on_delete="SET NULL"),
    index("ix_teams_parent_team_id", "workspace_id", "parent_team_id"),
    index("uq_teams_name", "workspace_id", text("lower(name)"), unique=True),
)
"""A team that is not active keeps its people and what was granted to it, and meanwhile gives them no rights."""

team_members: Final = workspace_table(
    "team_members",
    identifier("team_id"),
    identifier("member_id"),
    Column("role", Text, nullable=False, server_default=text("'member'")),
    moment("created_at", default_now=True),
    belongs_to("team_id", "teams"),
    belongs_to("member_id", "members"),
    CheckConstraint("role in ('lead', 'member')", name="role"),
    index("ix_team_members_member_id", "workspace_id", "member_id"),
    key=("team_id", "member_id"),
)
