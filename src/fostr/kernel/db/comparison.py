"""What Alembic compares: schemas `data` and `control`, without the job queue's own tables."""

from __future__ import annotations

from typing import Any, Final, cast

from sqlalchemy.dialects.postgresql.base import ischema_names

from fostr.kernel.db.tables import CONTROL, DATA, Box, Xid8

# SQLAlchemy asks this table which type a column of the database has; it does not know these two by itself.
cast("dict[str, Any]", ischema_names).update({"box": Box, "xid8": Xid8})

VERSION_TABLE: Final = "alembic_version"


def include_name(name: str | None, kind: str, _: Any) -> bool:
    """Say whether Alembic looks at a thing of the database."""
    if kind == "schema":
        return name in {DATA, CONTROL}
    if kind == "table":
        return name is not None and name != VERSION_TABLE and not name.startswith("pgqueuer")
    return True


COMPARISON: Final[dict[str, Any]] = {
    "include_schemas": True,
    "include_name": include_name,
    "version_table": VERSION_TABLE,
    "version_table_schema": CONTROL,
    "compare_type": True,
    "compare_server_default": False,
    "user_module_prefix": "fostr_tables.",
}
"""Options of Alembic's context, for running, generating and checking migrations alike."""
