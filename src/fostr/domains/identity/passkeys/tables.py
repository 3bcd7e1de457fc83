"""Passkeys, and the challenges that are out."""

from typing import Final

from sqlalchemy import ARRAY, BigInteger, Boolean, CheckConstraint, Column, LargeBinary, Text, UniqueConstraint, Uuid

from fostr.kernel.db.tables import control_table, identifier, index, moment, refers_to

passkeys: Final = control_table(
    "passkeys",
    identifier(),
    identifier("user_id"),
    Column("credential_id", LargeBinary, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("transports", ARRAY(Text), nullable=False),
    Column("name", Text, nullable=False),
    Column("aaguid", Uuid),
    Column("is_backed_up", Boolean, nullable=False),
    moment("created_at", default_now=True),
    moment("last_used_at", nullable=True),
    refers_to("user_id", "users"),
    UniqueConstraint("credential_id"),
    index("ix_passkeys_user_id", "user_id", "created_at"),
)

passkey_challenges: Final = control_table(
    "passkey_challenges",
    identifier(),
    Column("purpose", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("session_id", Uuid),
    moment("created_at", default_now=True),
    moment("expires_at"),
    refers_to("session_id", "sessions"),
    CheckConstraint("purpose in ('register', 'sign_in')", name="purpose"),
    CheckConstraint("(purpose = 'register') = (session_id is not null)", name="bound"),
    UniqueConstraint("digest"),
    index("ix_passkey_challenges_expires_at", "expires_at"),
    index("ix_passkey_challenges_session_id", "session_id"),
)
"""Random bytes that a device is asked to sign, each good for one answer; one to register is bound to its session."""
