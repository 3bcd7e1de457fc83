"""Recordsets, their fields, and the grants that open them to members and teams."""

from typing import Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Integer,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from fostr.kernel.db.tables import belongs_to, document, identifier, index, moment, version, workspace_table

recordsets: Final = workspace_table(
    "recordsets",
    identifier(),
    Column("slug", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False, server_default=text("''")),
    Column("type", Text, nullable=False, server_default=text("'custom'")),
    Column("mode", Text, nullable=False, server_default=text("'table'")),
    Column("icon", Text),
    Column("color", Text),
    document("settings", default="{}"),
    Column("owner_id", Uuid),
    Column("is_active", Boolean, nullable=False, server_default=text("true")),
    Column("fields_version", Integer, nullable=False, server_default=text("1")),
    Column("synced_version", Integer, nullable=False, server_default=text("1")),
    Column("created_by", Uuid),
    moment("created_at", default_now=True),
    moment("updated_at", default_now=True),
    moment("deleted_at", nullable=True),
    Column("deleted_by", Uuid),
    version(),
    CheckConstraint("mode in ('table', 'map')", name="mode"),
    UniqueConstraint("workspace_id", "slug"),
    index("ix_recordsets_deleted_at", "workspace_id", "deleted_at"),
)
"""`fields_version` counts the changes that touch how records are kept: their fields, titles, search words, promoted
columns and places. `synced_version` is the one that all records are in step with; while it lags, a job is under way."""

recordset_counts: Final = workspace_table(
    "recordset_counts",
    identifier("recordset_id"),
    Column("shard", SmallInteger, nullable=False),
    Column("count", BigInteger, nullable=False),
    belongs_to("recordset_id", "recordsets"),
    key=("recordset_id", "shard"),
)
"""How many records a recordset has: the sum over its shards, some of which may be below zero.

A single number would make everybody who creates a record wait for the commit of whoever did so before."""

recordset_fields: Final = workspace_table(
    "recordset_fields",
    identifier(),
    identifier("recordset_id"),
    Column("key", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("is_required", Boolean, nullable=False, server_default=text("false")),
    document("options", default="{}"),
    Column("hidden_from", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("read_only_for", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("promoted_to", Text),
    Column("is_promotion_filled", Boolean, nullable=False, server_default=text("true")),
    moment("removed_at", nullable=True),
    document("retyping", nullable=True),
    belongs_to("recordset_id", "recordsets"),
    UniqueConstraint("workspace_id", "recordset_id", "key"),
    UniqueConstraint("workspace_id", "recordset_id", "promoted_to"),
)
"""`hidden_from` and `read_only_for` name roles. `promoted_to` names the typed column of `records` that is kept in step
with the field, so that filters and sorts on it use an index; they may once `is_promotion_filled`.

`retyping` is the type that a job is giving the field (`retyping.service`).

A removed field stays, known to nobody, until its values are gone from all records: its key still names them."""

recordset_grants: Final = workspace_table(
    "recordset_grants",
    identifier(),
    identifier("recordset_id"),
    Column("member_id", Uuid),
    Column("team_id", Uuid),
    Column("actions", ARRAY(Text), nullable=False),
    Column("granted_by", Uuid),
    moment("created_at", default_now=True),
    moment("updated_at", default_now=True),
    belongs_to("recordset_id", "recordsets"),
    belongs_to("member_id", "members"),
    belongs_to("team_id", "teams"),
    CheckConstraint("(member_id is null) <> (team_id is null)", name="one_grantee"),
    UniqueConstraint("workspace_id", "recordset_id", "member_id"),
    UniqueConstraint("workspace_id", "recordset_id", "team_id"),
    index("ix_recordset_grants_member_id", "workspace_id", "member_id"),
    index("ix_recordset_grants_team_id", "workspace_id", "team_id"),
)
