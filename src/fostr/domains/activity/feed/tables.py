"""What the feed is found by."""

from typing import Final

from sqlalchemy import Column, Text, Uuid

from fostr.kernel.db.tables import identifier, index, moment, workspace_table

activities: Final = workspace_table(
    "activities",
    identifier(),
    Column("category", Text, nullable=False),
    Column("actor_id", Uuid),
    moment("happened_at"),
    index("ix_activities_happened_at", "workspace_id", "happened_at", "id", "category", "actor_id"),
    index("ix_activities_category", "workspace_id", "category", "happened_at", "id"),
    index("ix_activities_actor_id", "workspace_id", "actor_id", "happened_at", "id"),
)
"""One row for each event that belongs into the feed, under the event's id: what filters and figures ask for.

What happened, and to what, is not in it: that is read from the event, by the rights of whoever reads. So nothing has to
be changed here when somebody's rights do. The first index holds all that the figures count.
"""
