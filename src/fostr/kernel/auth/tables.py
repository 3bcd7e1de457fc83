"""Control tables that every request reads: people, credentials, workspaces, memberships."""

from typing import Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from fostr.kernel.db.tables import control_table, document, identifier, index, moment, refers_to, version

users: Final = control_table(
    "users",
    identifier(),
    Column("email", Text, nullable=False),
    Column("password_hash", Text),
    Column("full_name", Text, nullable=False, server_default=text("''")),
    Column("title", Text, nullable=False, server_default=text("''")),
    Column("phone", Text, nullable=False, server_default=text("''")),
    Column("bio", Text, nullable=False, server_default=text("''")),
    Column("avatar_url", Text),
    Column("is_superuser", Boolean, nullable=False, server_default=text("false")),
    Column("is_active", Boolean, nullable=False, server_default=text("true")),
    moment("email_verified_at", nullable=True),
    Column("clerk_id", Text),
    moment("last_sign_in_at", nullable=True),
    moment("created_at", default_now=True),
    moment("updated_at", default_now=True),
    version(),
    UniqueConstraint("email"),
    UniqueConstraint("clerk_id"),
    CheckConstraint("email = lower(email)", name="email_is_lower"),
)

workspaces: Final = control_table(
    "workspaces",
    identifier(),
    Column("slug", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("status", Text, nullable=False, server_default=text("'active'")),
    document("settings", default="{}"),
    Column("logo_url", Text),
    Column("rights_epoch", BigInteger, nullable=False, server_default=text("1")),
    Column("step", Integer, nullable=False, server_default=text("0")),
    Column("switched_modules", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    moment("created_at", default_now=True),
    moment("updated_at", default_now=True),
    moment("deleted_at", nullable=True),
    version(),
    UniqueConstraint("slug"),
)
"""`step` is the number of the last workspace step that was done here. `switched_modules` names the modules that are not
as they are by default: it stands here because every request reads this row anyway.
"""

memberships: Final = control_table(
    "memberships",
    identifier("workspace_id"),
    identifier("user_id"),
    identifier("member_id"),
    Column("role", Text, nullable=False),
    Column("status", Text, nullable=False, server_default=text("'active'")),
    moment("created_at", default_now=True),
    refers_to("workspace_id", "workspaces"),
    refers_to("user_id", "users"),
    UniqueConstraint("member_id"),
    index("ix_memberships_user_id", "user_id"),
    key=("workspace_id", "user_id"),
)

roles: Final = control_table(
    "roles",
    identifier("workspace_id"),
    Column("key", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("base", Text, nullable=False),
    Column("granted", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("revoked", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    version(),
    refers_to("workspace_id", "workspaces"),
    key=("workspace_id", "key"),
)
"""What a workspace changed about a role, and the roles that it added; a role without a row is as in the code."""

sessions: Final = control_table(
    "sessions",
    identifier(),
    identifier("user_id"),
    Column("kind", Text, nullable=False),
    Column("digest", LargeBinary),
    Column("workspace_id", Uuid),
    Column("acting_user_id", Uuid),
    Column("user_agent", Text, nullable=False, server_default=text("''")),
    Column("address", Text, nullable=False, server_default=text("''")),
    moment("created_at", default_now=True),
    moment("authenticated_at", default_now=True),
    moment("last_used_at", default_now=True),
    moment("expires_at"),
    moment("cookie_expires_at", nullable=True),
    moment("revoked_at", nullable=True),
    Column("revoked_reason", Text),
    refers_to("user_id", "users"),
    CheckConstraint("kind in ('cookie', 'token')", name="kind"),
    UniqueConstraint("digest"),
    index("ix_sessions_user_id", "user_id", "created_at"),
)
"""A sign-in, found by the digest of its cookie or by the `sid` of its JWTs.

Of kind `cookie` when a browser was given a cookie, else `token`. `expires_at` moves on with each refresh; the cookie
keeps to its own end.
"""

refresh_tokens: Final = control_table(
    "refresh_tokens",
    identifier(),
    identifier("session_id"),
    Column("digest", LargeBinary, nullable=False),
    moment("created_at", default_now=True),
    moment("expires_at"),
    moment("used_at", nullable=True),
    refers_to("session_id", "sessions"),
    UniqueConstraint("digest"),
    index("ix_refresh_tokens_session_id", "session_id"),
)
"""The family of a token session: each may be used once; a second use ends the session."""

tokens: Final = control_table(
    "tokens",
    identifier(),
    Column("kind", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("hint", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False, server_default=text("''")),
    Column("scope", Text, nullable=False),
    identifier("user_id"),
    Column("workspace_id", Uuid),
    Column("is_active", Boolean, nullable=False, server_default=text("true")),
    moment("created_at", default_now=True),
    moment("expires_at", nullable=True),
    moment("last_used_at", nullable=True),
    moment("revoked_at", nullable=True),
    Column("replaced_by_id", Uuid),
    version(),
    refers_to("user_id", "users"),
    refers_to("workspace_id", "workspaces"),
    refers_to("replaced_by_id", "tokens", on_delete="SET NULL"),
    CheckConstraint("kind in ('pat', 'api_key')", name="kind"),
    CheckConstraint("scope in ('read', 'write', 'admin')", name="scope"),
    CheckConstraint("(kind = 'api_key') = (workspace_id is not null)", name="bound"),
    UniqueConstraint("digest"),
    index("ix_tokens_user_id", "user_id", "created_at"),
    index("ix_tokens_workspace_id", "workspace_id", "created_at"),
    index("ix_tokens_replaced_by_id", "replaced_by_id", where="replaced_by_id is not null"),
)
"""Personal access tokens, and API keys, which are bound to one workspace. Only digests are kept.

One that was rotated names its successor, and works beside it until it is revoked or expires.
"""

links: Final = control_table(
    "links",
    identifier(),
    Column("purpose", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    identifier("user_id"),
    Column("workspace_id", Uuid),
    document("data", default="{}"),
    Column("created_by", Uuid),
    moment("created_at", default_now=True),
    moment("expires_at"),
    moment("used_at", nullable=True),
    refers_to("user_id", "users"),
    refers_to("workspace_id", "workspaces"),
    refers_to("created_by", "users", on_delete="SET NULL"),
    UniqueConstraint("digest"),
    UniqueConstraint("purpose", "user_id", "workspace_id", postgresql_nulls_not_distinct=True),
    index("ix_links_user_id", "user_id"),
    index("ix_links_workspace_id", "workspace_id"),
    index("ix_links_expires_at", "expires_at"),
)
"""What was sent to somebody to prove something once. One row for each purpose, person and workspace: the newest link.

Only digests are kept.
"""
