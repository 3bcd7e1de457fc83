"""Links that share views with the world."""

from typing import Final

from sqlalchemy import ARRAY, BigInteger, Boolean, Column, LargeBinary, Text, UniqueConstraint, Uuid, text

from fostr.kernel.db.tables import (
    belongs_to,
    control_table,
    identifier,
    index,
    moment,
    refers_to,
    version,
    workspace_table,
)

view_share_links: Final = workspace_table(
    "view_share_links",
    identifier(),
    identifier("recordset_id"),
    identifier("view_id"),
    Column("name", Text, nullable=False, server_default=text("''")),
    Column("hint", Text, nullable=False),
    Column("password_hash", Text),
    Column("allows_download", Boolean, nullable=False, server_default=text("false")),
    Column("fields", ARRAY(Text), nullable=False),
    moment("expires_at", nullable=True),
    Column("view_count", BigInteger, nullable=False, server_default=text("0")),
    moment("last_viewed_at", nullable=True),
    Column("created_by", Uuid, nullable=False),
    moment("created_at", default_now=True),
    moment("updated_at", default_now=True),
    moment("revoked_at", nullable=True),
    Column("revoked_by", Uuid),
    version(),
    belongs_to("recordset_id", "recordsets"),
    belongs_to("view_id", "recordset_views"),
    index("ix_view_share_links_view_id", "workspace_id", "view_id", "id"),
    index("ix_view_share_links_recordset_id", "workspace_id", "recordset_id"),
)
"""A link shows what its maker, `created_by`, may see at the moment when somebody opens it, and no more fields than
`fields`: what is added to the recordset later is not shown to the world by itself."""

share_tokens: Final = control_table(
    "share_tokens",
    identifier(),
    Column("digest", LargeBinary, nullable=False),
    identifier("workspace_id"),
    moment("created_at", default_now=True),
    refers_to("workspace_id", "workspaces"),
    UniqueConstraint("digest"),
    index("ix_share_tokens_workspace_id", "workspace_id"),
)
"""In which workspace the link of a token is found, under the same id. Only digests are kept."""
