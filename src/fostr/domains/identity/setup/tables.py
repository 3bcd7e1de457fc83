"""The one-time link that makes the first administrator."""

from typing import Final

from sqlalchemy import Column, LargeBinary, UniqueConstraint

from fostr.kernel.db.tables import control_table, identifier, moment

setup_links: Final = control_table(
    "setup_links",
    identifier(),
    Column("digest", LargeBinary, nullable=False),
    moment("created_at", default_now=True),
    moment("expires_at"),
    UniqueConstraint("digest"),
)
"""The newest link alone; none once there is an administrator."""
