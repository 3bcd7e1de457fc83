"""What was undone."""

from typing import Final

from sqlalchemy import Boolean, Column, Integer, SmallInteger, Uuid, text

from fostr.kernel.db.tables import document, identifier, moment, workspace_table

record_undos: Final = workspace_table(
    "record_undos",
    identifier("operation_id"),
    identifier("undo_id"),
    Column("undone_by", Uuid),
    Column("is_forced", Boolean, nullable=False),
    Column("stage", SmallInteger, nullable=False, server_default=text("0")),
    Column("last_id", Uuid),
    Column("place", Integer, nullable=False, server_default=text("0")),
    Column("undone", Integer, nullable=False, server_default=text("0")),
    Column("skipped", Integer, nullable=False, server_default=text("0")),
    Column("refused", Integer, nullable=False, server_default=text("0")),
    document("conflicts", default="[]"),
    document("touched", default="{}"),
    Column("job_id", Uuid),
    Column("event_id", Uuid),
    moment("started_at"),
    moment("finished_at", nullable=True),
    key=("operation_id",),
)
"""One row for each thing that somebody did and that was undone, the last time if more than once.

`operation_id` is the cause's id of a bulk write, and the event's of a single one; `undo_id` the cause's id of what was
written to undo it. `stage` and `last_id` tell how far a job is, `place` how many ids of its series are taken, `touched`
how many records of which recordset were changed."""
