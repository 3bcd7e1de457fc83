"""Quiet hours."""

from typing import Final

from sqlalchemy import Boolean, Column, SmallInteger, Text, Time
from sqlalchemy.dialects.postgresql import ARRAY

from fostr.kernel.db.tables import belongs_to, identifier, moment, workspace_table

notification_quiet_hours: Final = workspace_table(
    "notification_quiet_hours",
    identifier("member_id"),
    Column("is_enabled", Boolean, nullable=False),
    Column("start_time", Time, nullable=False),
    Column("end_time", Time, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("days", ARRAY(SmallInteger), nullable=False),
    moment("updated_at"),
    belongs_to("member_id", "members"),
    key=("member_id",),
)
"""Who has no row has none. `days` are those on which quiet hours begin: 1 is Monday, 7 is Sunday."""
