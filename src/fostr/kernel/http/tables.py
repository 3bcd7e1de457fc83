"""Answers that are kept for requests which may be repeated."""

from typing import Final

from sqlalchemy import Column, Integer, LargeBinary, Text, UniqueConstraint

from fostr.kernel.db.tables import control_table, identifier, index, moment

idempotency_keys: Final = control_table(
    "idempotency_keys",
    identifier(),
    Column("scope", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("status", Integer),
    Column("content_type", Text),
    Column("body", LargeBinary),
    moment("created_at", default_now=True),
    UniqueConstraint("scope", "key"),
    index("ix_idempotency_keys_created_at", "created_at"),
)
