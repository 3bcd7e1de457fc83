"""Records, their earlier versions, and the text by which they are found."""

from typing import Final

from sqlalchemy import ARRAY, CheckConstraint, Column, DateTime, Double, Integer, Text, Uuid, text
from sqlalchemy.dialects.postgresql import TSVECTOR

from fostr.kernel.db.tables import (
    Box,
    belongs_to,
    document,
    identifier,
    index,
    moment,
    version,
    workspace_table,
)

PROMOTED_TEXT: Final = ("text_1", "text_2", "text_3", "text_4")
PROMOTED_NUMBER: Final = ("number_1", "number_2", "number_3", "number_4")
PROMOTED_TIME: Final = ("time_1", "time_2")
PROMOTED: Final = (*PROMOTED_TEXT, *PROMOTED_NUMBER, *PROMOTED_TIME)

records: Final = workspace_table(
    "records",
    identifier(),
    identifier("recordset_id"),
    Column("title", Text, nullable=False, server_default=text("''")),
    Column("status", Text, nullable=False, server_default=text("'active'")),
    document("field_values", default="{}"),
    Column("tags", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    document("geometry", nullable=True),
    Column("geometry_type", Text),
    Column("bbox", Box),
    *(Column(name, Text) for name in PROMOTED_TEXT),
    *(Column(name, Double) for name in PROMOTED_NUMBER),
    *(Column(name, DateTime(timezone=True)) for name in PROMOTED_TIME),
    Column("owner_id", Uuid),
    Column("import_id", Uuid),
    Column("import_row", Integer),
    Column("created_by", Uuid),
    Column("updated_by", Uuid),
    Column("deleted_by", Uuid),
    moment("created_at", default_now=True),
    moment("updated_at", default_now=True),
    moment("deleted_at", nullable=True),
    version(),
    CheckConstraint("(status = 'deleted') = (deleted_at is not null)", name="deleted"),
    index("ix_records_order", "workspace_id", "recordset_id", "id", where="deleted_at is null"),
    index("ix_records_trash", "workspace_id", "recordset_id", "deleted_at", "id", where="deleted_at is not null"),
    index(
        "ix_records_bbox",
        "workspace_id",
        "recordset_id",
        "bbox",
        using="gist",
        where="bbox is not null and deleted_at is null",
    ),
    *(
        index(
            f"ix_records_{name}",
            "workspace_id",
            "recordset_id",
            name,
            "id",
            where=f"{name} is not null and deleted_at is null",
        )
        for name in PROMOTED
    ),
)
"""The promoted columns hold copies of some fields' values, typed, for filters and sorts. Their indexes leave out the
rows without a value, so that a recordset which promotes nothing pays nothing.

No foreign key leads to the recordset: measured on 200,000 rows, its check doubles the time of an insert. Statements
that insert records lock the recordset's row instead, once for as many records as they bring
(`repository.lock_recordset`)."""

record_search: Final = workspace_table(
    "record_search",
    identifier("record_id"),
    identifier("recordset_id"),
    Column("document", TSVECTOR, nullable=False),
    index("ix_record_search_document", "workspace_id", "document", using="gin"),
    key=("record_id",),
)
"""What a record is found by: the words of the fields that are hidden from nobody.

A table of its own, so that an import can fill it after its rows are in, without writing them twice."""

record_versions: Final = workspace_table(
    "record_versions",
    identifier(),
    identifier("record_id"),
    Column("version", Integer, nullable=False),
    Column("operation", Text, nullable=False),
    document("before", nullable=True),
    document("after", nullable=True),
    document("cause", nullable=True),
    Column("changed_by", Uuid),
    moment("changed_at", default_now=True),
    belongs_to("record_id", "records"),
    index("ix_record_versions_record_id", "workspace_id", "record_id", "version", unique=True),
    CheckConstraint("operation in ('create', 'update', 'delete', 'restore')", name="operation"),
)
"""One row a change: the values that changed, before and after; never rewritten."""
