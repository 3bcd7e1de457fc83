"""Addresses of other programs that are told what happens in a workspace."""

from typing import Final

from sqlalchemy import ARRAY, Boolean, CheckConstraint, Column, Text, Uuid, text

from fostr.kernel.db.tables import belongs_to, identifier, index, moment, version, workspace_table

webhooks: Final = workspace_table(
    "webhooks",
    identifier(),
    Column("name", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("description", Text, nullable=False, server_default=text("''")),
    Column("event_types", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("recordset_ids", ARRAY(Uuid), nullable=False, server_default=text("'{}'")),
    Column("payload", Text, nullable=False, server_default=text("'full'")),
    Column("is_active", Boolean, nullable=False, server_default=text("true")),
    Column("is_ordered", Boolean, nullable=False, server_default=text("false")),
    Column("secret", Text, nullable=False),
    Column("secret_hint", Text, nullable=False),
    Column("previous_secret", Text),
    moment("previous_secret_until", nullable=True),
    Column("headers", Text),
    Column("header_names", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    identifier("owner_id"),
    Column("created_by", Uuid),
    Column("updated_by", Uuid),
    Column("disabled_reason", Text),
    moment("disabled_at", nullable=True),
    moment("failing_since", nullable=True),
    moment("created_at", default_now=True),
    moment("updated_at", default_now=True),
    version(),
    belongs_to("owner_id", "members"),
    CheckConstraint("payload in ('full', 'thin')", name="payload"),
    CheckConstraint(
        "disabled_reason in ('failing', 'gone', 'owner_left', 'owner_may_not', 'handed_over', 'secret_lost')",
        name="disabled_reason",
    ),
    index("ix_webhooks_owner_id", "workspace_id", "owner_id"),
)
"""`owner_id` is the member with whose rights it is delivered: what they may not see is not sent. It is who made it,
until they hand it over or somebody takes it over. No types of events mean all, no recordsets all. Secrets and headers
are sealed; `headers` is a JSON object. `disabled_reason` says why the system switched it off, and is empty where a
person did; `failing_since` is when deliveries began to fail one after the other."""
