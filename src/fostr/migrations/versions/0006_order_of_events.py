"""Events in the order of their changes."""

from uuid import UUID

import sqlalchemy as sa
from alembic import op

import fostr.kernel.db.tables as fostr_tables

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

DRAWING = """
    create sequence control.event_positions;

    create function control.next_event_position() returns bigint language plpgsql volatile as $$
    begin
        if coalesce(current_setting('fostr.event_floor', true), '') = '' then
            perform
                pg_advisory_xact_lock_shared(
                    (17989::bigint << 48) | coalesce(pg_sequence_last_value('control.event_positions'), 0)
                ),
                set_config('fostr.event_floor', 'held', true);
        end if;
        return nextval('control.event_positions');
    end
    $$;

    create function control.settled_event_position() returns bigint language plpgsql volatile as $$
    declare
        newest bigint;
    begin
        newest := coalesce(pg_sequence_last_value('control.event_positions'), 0);
        return least(newest, (
            select min((l.classid::bigint << 32 | l.objid::bigint) & 281474976710655) from pg_locks l
            where l.locktype = 'advisory' and l.objsubid = 1 and l.classid::bigint >> 16 = 17989
              and l.database = (select d.oid from pg_database d where d.datname = current_database())
        ));
    end
    $$;
"""
"""A transaction that writes events holds, until it ends, a lock that is named after the position which was the newest
when it drew its first. The locks tell which positions are still to come: whoever reads up to the smallest of them, and
asked for it before the snapshot was taken, misses nothing."""

NUMBERING = """
    update data.events e set position = n.position
    from (select e.workspace_id, e.id, row_number() over (order by e.xact, e.id) as position from data.events e) n
    where e.workspace_id = n.workspace_id and e.id = n.id;

    select setval('control.event_positions', count(*)) from data.events having count(*) > 0;

    update control.event_cursors c set position = coalesce((
        select max(e.position) from data.events e
        where e.workspace_id = c.workspace_id and (e.xact, e.id) <= (c.xact, c.event_id)
    ), 0);

    update control.event_consumers c
    set since_position = coalesce((select max(e.position) from data.events e where e.xact < c.since), 0);
"""

NUMBERING_BACK = """
    update control.event_cursors c set xact = e.xact, event_id = e.id
    from data.events e
    where e.workspace_id = c.workspace_id and e.position = (
        select max(o.position) from data.events o
        where o.workspace_id = c.workspace_id and o.position <= c.position
    );

    update control.event_consumers c set since = coalesce(
        (select min(e.xact) from data.events e where e.position > c.since_position), pg_current_xact_id()
    );
"""


def _run(statements: str) -> None:
    # One by one: asyncpg prepares what Alembic sends. A blank line ends a statement.
    for statement in statements.split(";\n\n"):
        op.execute(statement)


def upgrade() -> None:
    """Apply the change."""
    _run(DRAWING)
    op.add_column("events", sa.Column("position", sa.BigInteger(), nullable=True), schema="data")
    op.add_column("event_cursors", sa.Column("position", sa.BigInteger(), nullable=True), schema="control")
    op.add_column("event_consumers", sa.Column("since_position", sa.BigInteger(), nullable=True), schema="control")
    _run(NUMBERING)
    op.drop_index("ix_event_cursors_xact", table_name="event_cursors", schema="control")
    op.drop_column("event_cursors", "xact", schema="control")
    op.drop_column("event_cursors", "event_id", schema="control")
    op.drop_column("event_consumers", "since", schema="control")
    op.alter_column("event_consumers", "since_position", new_column_name="since", nullable=False, schema="control")
    op.alter_column("event_cursors", "position", nullable=False, schema="control")
    op.alter_column(
        "events",
        "position",
        nullable=False,
        server_default=sa.text("control.next_event_position()"),
        schema="data",
    )
    op.drop_index("ix_events_order", table_name="events", schema="data")
    op.create_index("ix_events_order", "events", ["workspace_id", "position"], unique=True, schema="data")
    op.create_index("ix_events_xact", "events", ["workspace_id", "xact"], schema="data")


def downgrade() -> None:
    """Take the change back."""
    op.alter_column("event_consumers", "since", new_column_name="since_position", schema="control")
    for table, name in (("event_consumers", "since"), ("event_cursors", "xact")):
        op.add_column(
            table,
            sa.Column(name, fostr_tables.Xid8(), server_default=sa.text("'0'::xid8"), nullable=False),
            schema="control",
        )
    op.add_column(
        "event_cursors",
        sa.Column("event_id", sa.Uuid(), server_default=sa.text(f"'{UUID(int=0)}'"), nullable=False),
        schema="control",
    )
    _run(NUMBERING_BACK)
    op.alter_column("event_consumers", "since", server_default=None, schema="control")
    op.alter_column("event_cursors", "xact", server_default=None, schema="control")
    op.alter_column("event_cursors", "event_id", server_default=None, schema="control")
    op.drop_column("event_consumers", "since_position", schema="control")
    op.drop_column("event_cursors", "position", schema="control")
    op.create_index("ix_event_cursors_xact", "event_cursors", ["xact"], schema="control")
    op.drop_index("ix_events_xact", table_name="events", schema="data")
    op.drop_index("ix_events_order", table_name="events", schema="data")
    op.create_index("ix_events_order", "events", ["workspace_id", "xact", "id"], schema="data")
    op.execute("drop view if exists app.events")
    op.drop_column("events", "position", schema="data")
    op.execute("drop function control.next_event_position(), control.settled_event_position()")
    op.execute("drop sequence control.event_positions")
