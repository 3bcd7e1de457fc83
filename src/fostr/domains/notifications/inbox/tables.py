"""Notifications."""

from typing import Final

from sqlalchemy import Boolean, Column, Text, UniqueConstraint, Uuid, text

from fostr.kernel.db.tables import belongs_to, identifier, index, moment, workspace_table

_LISTED: Final = "in_app and deleted_at is null"

notifications: Final = workspace_table(
    "notifications",
    identifier(),
    identifier("member_id"),
    identifier("event_id"),
    Column("event_type", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False, server_default=text("''")),
    Column("link", Text),
    Column("thread", Text, nullable=False),
    Column("is_critical", Boolean, nullable=False, server_default=text("false")),
    Column("in_app", Boolean, nullable=False, server_default=text("true")),
    Column("actor_id", Uuid),
    Column("entity", Text, nullable=False),
    identifier("entity_id"),
    Column("scope_id", Uuid),
    Column("record_id", Uuid),
    moment("created_at"),
    moment("read_at", nullable=True),
    moment("deleted_at", nullable=True),
    belongs_to("member_id", "members"),
    UniqueConstraint("workspace_id", "event_id", "type", "member_id"),
    index("ix_notifications_listed", "workspace_id", "member_id", "created_at", "id", where=_LISTED),
    index("ix_notifications_thread", "workspace_id", "member_id", "thread", "created_at", where=_LISTED),
    index("ix_notifications_unread", "workspace_id", "member_id", "created_at", where=f"{_LISTED} and read_at is null"),
    index("ix_notifications_created_at", "workspace_id", "created_at"),
)
"""One row for each member who is told of an event, with the words as they were when it was told.

`event_id` is the event that it tells of; the event may be pruned before it. Without `in_app` the member is told on
other ways only, which refer to the row. What a member deletes stays until it is pruned, so that an event which is
handed over again does not bring it back. `thread` is its own id where it belongs to no thread.
"""
