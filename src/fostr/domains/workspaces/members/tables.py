"""The people of a workspace. Whether they may come in is said by `memberships`, which belongs to the kernel."""

from typing import Final

from sqlalchemy import Boolean, CheckConstraint, Column, Text, UniqueConstraint, text

from fostr.kernel.db.tables import belongs_to, identifier, moment, version, workspace_table

members: Final = workspace_table(
    "members",
    identifier(),
    identifier("user_id"),
    Column("email", Text, nullable=False),
    Column("full_name", Text, nullable=False, server_default=text("''")),
    Column("display_name", Text, nullable=False, server_default=text("''")),
    Column("title", Text, nullable=False, server_default=text("''")),
    Column("avatar_url", Text),
    Column("has_own_avatar", Boolean, nullable=False, server_default=text("false")),
    Column("role", Text, nullable=False),
    Column("status", Text, nullable=False, server_default=text("'active'")),
    moment("created_at", default_now=True),
    moment("updated_at", default_now=True),
    version(),
    CheckConstraint("status in ('active', 'invited', 'inactive', 'removed')", name="status"),
    UniqueConstraint("workspace_id", "user_id"),
)
"""A copy of what the workspace shows of a person, so that no statement joins it with the people of others.

`role` stands here for lists; what it allows is decided by `memberships.role`, which is written with it. Who leaves
keeps their row, as `removed`, and what they made keeps their name; coming back, they are the same member again. Only
when their account is deleted for good is the name taken out. With `has_own_avatar` the picture is the workspace's, and
does not follow the account's.
"""

member_tours: Final = workspace_table(
    "member_tours",
    identifier("member_id"),
    Column("tour_id", Text, nullable=False),
    Column("is_completed", Boolean, nullable=False),
    moment("updated_at", default_now=True),
    belongs_to("member_id", "members"),
    key=("member_id", "tour_id"),
)
"""Which tours of the product a member has seen to their end, or passed over."""
