"""Row rules."""

from typing import Final

from sqlalchemy import ARRAY, Boolean, CheckConstraint, Column, Integer, Text, Uuid, text

from fostr.kernel.db.tables import belongs_to, document, identifier, index, moment, version, workspace_table

recordset_rules: Final = workspace_table(
    "recordset_rules",
    identifier(),
    identifier("recordset_id"),
    Column("name", Text, nullable=False),
    Column("actions", ARRAY(Text), nullable=False),
    Column("for_everybody", Boolean, nullable=False, server_default=text("false")),
    Column("roles", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("team_ids", ARRAY(Uuid), nullable=False, server_default=text("'{}'")),
    Column("member_ids", ARRAY(Uuid), nullable=False, server_default=text("'{}'")),
    document("condition"),
    Column("is_active", Boolean, nullable=False, server_default=text("true")),
    Column("position", Integer, nullable=False),
    Column("created_by", Uuid),
    moment("created_at", default_now=True),
    moment("updated_at", default_now=True),
    version(),
    belongs_to("recordset_id", "recordsets"),
    CheckConstraint("actions <@ array['view', 'edit', 'delete'] and cardinality(actions) > 0", name="actions"),
    index("ix_recordset_rules_recordset_id", "workspace_id", "recordset_id", "position", "id"),
)
"""Teams and members are kept as ids without references: a rule takes away, so it must not vanish with those whom it
names, and limits them again when they come back."""
