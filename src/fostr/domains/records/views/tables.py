"""Saved views of recordsets."""

from typing import Final

from sqlalchemy import Boolean, CheckConstraint, Column, Integer, Text, Uuid, text

from fostr.kernel.db.tables import belongs_to, document, identifier, index, moment, version, workspace_table

recordset_views: Final = workspace_table(
    "recordset_views",
    identifier(),
    identifier("recordset_id"),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False, server_default=text("''")),
    Column("type", Text, nullable=False),
    Column("visibility", Text, nullable=False),
    Column("owner_id", Uuid),
    document("config", default="{}"),
    Column("position", Integer, nullable=False),
    Column("is_default", Boolean, nullable=False, server_default=text("false")),
    moment("locked_at", nullable=True),
    Column("locked_by", Uuid),
    Column("created_by", Uuid),
    moment("created_at", default_now=True),
    Column("updated_by", Uuid),
    moment("updated_at", default_now=True),
    version(),
    belongs_to("recordset_id", "recordsets"),
    CheckConstraint("visibility in ('personal', 'shared')", name="visibility"),
    CheckConstraint("not is_default or visibility = 'shared'", name="default_is_shared"),
    index("ix_recordset_views_order", "workspace_id", "recordset_id", "position", "id"),
    index("ux_recordset_views_default", "workspace_id", "recordset_id", unique=True, where="is_default"),
    index("ix_recordset_views_owner_id", "workspace_id", "owner_id"),
)
"""`config` is kept as its maker wrote it. What of it names a field that is gone, or that the reader may not see, falls
out when it is read, so that no change of fields has to rewrite views."""
