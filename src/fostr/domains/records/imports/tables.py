"""Uploaded files, the imports made of them, and the rows that could not be imported."""

from typing import Final

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Integer, SmallInteger, Text, Uuid, text

from fostr.kernel.db.tables import belongs_to, document, identifier, index, moment, workspace_table

import_files: Final = workspace_table(
    "import_files",
    identifier(),
    Column("key", Text, nullable=False),
    Column("filename", Text, nullable=False),
    Column("size", BigInteger),
    document("options", nullable=True),
    document("analysis", nullable=True),
    Column("uploaded_by", Uuid, nullable=False),
    moment("created_at", default_now=True),
)
"""Files that were uploaded, or are expected at a signed address. `analysis` is what was found by reading the file with
`options`."""

import_parts: Final = workspace_table(
    "import_parts",
    identifier("file_id"),
    Column("number", Integer, nullable=False),
    Column("key", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    moment("created_at", default_now=True),
    belongs_to("file_id", "import_files"),
    CheckConstraint("number > 0", name="number"),
    key=("file_id", "number"),
)
"""Parts of a file that is uploaded in parts, each a file of its own until all of them are joined."""

imports: Final = workspace_table(
    "imports",
    identifier(),
    Column("job_id", Uuid, nullable=False),
    Column("recordset_id", Uuid),
    Column("file_id", Uuid),
    Column("file_key", Text, nullable=False),
    Column("filename", Text, nullable=False),
    Column("stage", Text, nullable=False, server_default=text("'waiting'")),
    document("source"),
    document("names"),
    document("mappings"),
    document("merging", nullable=True),
    document("draft", nullable=True),
    document("preview", nullable=True),
    document("actor"),
    Column("created_by", Uuid, nullable=False),
    Column("makes_recordset", Boolean, nullable=False),
    Column("is_dry_run", Boolean, nullable=False, server_default=text("false")),
    Column("total_rows", BigInteger, nullable=False),
    Column("file_offset", BigInteger, nullable=False, server_default=text("0")),
    Column("file_row", BigInteger, nullable=False, server_default=text("0")),
    Column("imported_rows", BigInteger, nullable=False, server_default=text("0")),
    Column("updated_rows", BigInteger, nullable=False, server_default=text("0")),
    Column("skipped_rows", BigInteger, nullable=False, server_default=text("0")),
    Column("failed_rows", BigInteger, nullable=False, server_default=text("0")),
    Column("indexed_rows", BigInteger, nullable=False, server_default=text("0")),
    Column("reported_faults", Integer, nullable=False, server_default=text("0")),
    Column("first_id", Uuid),
    Column("last_id", Uuid),
    Column("indexed_id", Uuid),
    moment("created_at", default_now=True),
    moment("settled_at", nullable=True),
    belongs_to("recordset_id", "recordsets", on_delete="SET NULL"),
    belongs_to("file_id", "import_files", on_delete="SET NULL"),
    CheckConstraint("stage in ('waiting', 'loading', 'indexing', 'finished', 'stopped')", name="stage"),
    index("ix_imports_job_id", "workspace_id", "job_id", unique=True),
    index("ix_imports_recordset_id", "workspace_id", "recordset_id"),
    index("ix_imports_file_id", "workspace_id", "file_id"),
)
"""One row for each import. Its counters and places move in the transactions that insert the records, so they always
tell exactly what is in: `file_offset` and `file_row` where the rows that are in end, `first_id` and `last_id` between
which the records' ids lie, `indexed_id` up to which they can be found by their words.

`merging` says how rows meet the records that are there; null where all of them become new ones. A dry run writes no
record: it leaves its counters and, in `preview`, examples. Where the recordset would be made for it, `draft` says
which."""

import_faults: Final = workspace_table(
    "import_faults",
    identifier("import_id"),
    Column("row", BigInteger, nullable=False),
    Column("position", SmallInteger, nullable=False),
    Column("column_name", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("reason", Text, nullable=False),
    belongs_to("import_id", "imports"),
    key=("import_id", "row", "position"),
)
"""Why rows were left out: one row for each value that its field does not take."""
