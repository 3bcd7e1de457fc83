"""Authenticator apps, recovery codes, and sign-ins that wait for one of them."""

from typing import Final

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Text, UniqueConstraint, text

from fostr.kernel.db.tables import control_table, identifier, index, moment, refers_to

authenticators: Final = control_table(
    "authenticators",
    identifier(),
    identifier("user_id"),
    Column("secret", Text, nullable=False),
    Column("last_step", BigInteger, nullable=False, server_default=text("0")),
    moment("created_at", default_now=True),
    moment("confirmed_at", nullable=True),
    refers_to("user_id", "users"),
    UniqueConstraint("user_id"),
)
"""A person's authenticator app; it counts once it was confirmed.

`secret` is sealed. `last_step` is the span of 30 seconds whose code was used last: no code is taken twice, nor one from
before it.
"""

recovery_codes: Final = control_table(
    "recovery_codes",
    identifier("user_id"),
    Column("digest", LargeBinary, nullable=False),
    moment("created_at", default_now=True),
    moment("used_at", nullable=True),
    refers_to("user_id", "users"),
    key=("user_id", "digest"),
)
"""Codes that stand in for the app, each once. Only digests are kept."""

pending_sign_ins: Final = control_table(
    "pending_sign_ins",
    identifier(),
    identifier("user_id"),
    Column("digest", LargeBinary, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    moment("created_at", default_now=True),
    moment("expires_at"),
    refers_to("user_id", "users"),
    UniqueConstraint("digest"),
    index("ix_pending_sign_ins_expires_at", "expires_at"),
)
"""Sign-ins whose password was right and whose second factor is awaited, by the digest of their token."""
