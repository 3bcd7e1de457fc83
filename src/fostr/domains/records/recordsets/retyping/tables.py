"""The values that a field is about to get with its new type."""

from typing import Final

from sqlalchemy import Column
from sqlalchemy.dialects.postgresql import JSONB

from fostr.kernel.db.tables import belongs_to, document, identifier, workspace_table

retyped_values: Final = workspace_table(
    "retyped_values",
    identifier("field_id"),
    identifier("record_id"),
    document("before"),
    Column("after", JSONB),
    belongs_to("field_id", "recordset_fields"),
    belongs_to("record_id", "records"),
    key=("field_id", "record_id"),
)
"""Only values that change are in it, and only until all records of the recordset get theirs at once. `after` is null
for a value that the new type does not take."""
