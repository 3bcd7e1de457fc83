"""The last number that each field of type `autonumber` has given."""

from typing import Final

from sqlalchemy import BigInteger, Column

from fostr.kernel.db.tables import belongs_to, identifier, workspace_table

field_numbers: Final = workspace_table(
    "field_numbers",
    identifier("field_id"),
    Column("last", BigInteger, nullable=False),
    belongs_to("field_id", "recordset_fields"),
    key=("field_id",),
)
