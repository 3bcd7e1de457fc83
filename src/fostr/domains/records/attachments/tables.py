"""Files attached to records."""

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Integer, Text, Uuid, text

from fostr.kernel.db.tables import identifier, index, moment, workspace_table

record_attachments: Final = workspace_table(
    "record_attachments",
    identifier(),
    identifier("record_id"),
    identifier("recordset_id"),
    Column("field", Text),
    Column("key", Text, nullable=False),
    Column("filename", Text, nullable=False),
    Column("size", BigInteger),
    Column("content_type", Text),
    Column("sha256", Text),
    Column("width", Integer),
    Column("height", Integer),
    Column("has_thumbnail", Boolean, nullable=False, server_default=text("false")),
    Column("is_ready", Boolean, nullable=False, server_default=text("false")),
    Column("uploaded_by", Uuid),
    moment("created_at", default_now=True),
    moment("deleted_at", nullable=True),
    Column("deleted_by", Uuid),
    index("ix_record_attachments_record_id", "workspace_id", "record_id", "id"),
    index("ix_record_attachments_deleted_at", "workspace_id", "deleted_at", where="deleted_at is not null"),
)
"""A row for each file. `field` is the key of the field that lists it, whose value holds its id; without one, the file
belongs to the record as a whole. A row is not ready while its file is awaited at a signed address.

No foreign key leads to the record: the row has to outlive it until the file behind `key` is removed."""
