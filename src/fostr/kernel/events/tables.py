"""The outbox, and how far each consumer has read it."""

from typing import Final

from sqlalchemy import BigInteger, Column, Integer, Text, Uuid, text

from fostr.kernel.db.tables import (
    Xid8,
    control_table,
    document,
    identifier,
    index,
    moment,
    refers_to,
    workspace_table,
)

events: Final = workspace_table(
    "events",
    identifier(),
    Column("type", Text, nullable=False),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("entity", Text, nullable=False),
    identifier("entity_id"),
    document("actor", nullable=True),
    document("before", nullable=True),
    document("after", nullable=True),
    document("cause", nullable=True),
    Column("position", BigInteger, nullable=False, server_default=text("control.next_event_position()")),
    Column("xact", Xid8, nullable=False, server_default=text("pg_current_xact_id()")),
    moment("created_at", default_now=True),
    index("ix_events_order", "workspace_id", "position", unique=True),
    index("ix_events_xact", "workspace_id", "xact"),
    index("ix_events_entity", "workspace_id", "entity", "entity_id", "id"),
)
"""What happened, one row for each write. `position` is their order, `xact` the transaction that wrote one.

A position is drawn as the event is written, when the rows that the write changes are locked: events about one thing are
in the order of its changes. `log.find_settled` tells how far they can be read."""

event_consumers: Final = control_table(
    "event_consumers",
    Column("name", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    moment("created_at", default_now=True),
    key=("name",),
)
"""Who reads the outbox, and the position behind which each reads workspaces that it has no cursor for."""

event_cursors: Final = control_table(
    "event_cursors",
    Column("consumer", Text, nullable=False),
    identifier("workspace_id"),
    Column("position", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("interruptions", Integer, nullable=False, server_default=text("0")),
    moment("retry_at", nullable=True),
    Column("error", Text),
    moment("updated_at", default_now=True),
    refers_to("workspace_id", "workspaces"),
    key=("consumer", "workspace_id"),
)
"""How far a consumer has read a workspace. What follows `position` is about the event that comes next."""

event_dead_letters: Final = control_table(
    "event_dead_letters",
    Column("id", BigInteger, nullable=False, autoincrement=True),
    Column("consumer", Text, nullable=False),
    Column("workspace_id", Uuid, nullable=False),
    identifier("event_id"),
    Column("type", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("error", Text, nullable=False),
    moment("created_at", default_now=True),
    refers_to("workspace_id", "workspaces"),
    index("ix_event_dead_letters_workspace_id", "workspace_id", "consumer", "id"),
)
"""Events that a consumer failed at for the last time, so that those behind them could pass."""
