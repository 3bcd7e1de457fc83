"""How often fields are filtered and sorted by."""

from typing import Final

from sqlalchemy import BigInteger, Column, Date, text

from fostr.kernel.db.tables import belongs_to, identifier, workspace_table

field_uses: Final = workspace_table(
    "field_uses",
    identifier("recordset_id"),
    identifier("field_id"),
    Column("day", Date, nullable=False),
    Column("filters", BigInteger, nullable=False, server_default=text("0")),
    Column("sorts", BigInteger, nullable=False, server_default=text("0")),
    belongs_to("recordset_id", "recordsets"),
    key=("recordset_id", "field_id", "day"),
)
"""One row a field and day. Requests are counted in memory and written from time to time, so a process that ends may
take a minute's counts with it."""
