"""What a merge moved from one record to another."""

from typing import Final

from sqlalchemy import Column, Text

from fostr.kernel.db.tables import identifier, workspace_table

record_moves: Final = workspace_table(
    "record_moves",
    identifier("cause_id"),
    Column("kind", Text, nullable=False),
    identifier("item_id"),
    identifier("from_record"),
    identifier("to_record"),
    key=("cause_id", "kind", "item_id"),
)
"""One row for each thing that hung on a record and hangs on another since: a comment, an attachment. By them a merge is
undone, and done again."""
