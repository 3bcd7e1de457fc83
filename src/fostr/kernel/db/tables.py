"""How tables are declared: the one source for migrations, views, the gateway and the database page.

A *workspace table* lives in schema `data`, and its primary key, its indexes and its foreign keys begin with
`workspace_id`: a row cannot refer to another workspace's row, and the tables can be distributed by that column.
A *control table* lives in schema `control` and belongs to no workspace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import UserDefinedType

if TYPE_CHECKING:
    from sqlalchemy.sql.schema import SchemaItem

DATA: Final = "data"
CONTROL: Final = "control"

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    },
)


class Box(UserDefinedType[str]):
    """PostgreSQL's `box`: two corners in degrees, (east, north), (west, south)."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Return the type's name in SQL."""
        return "box"


class Xid8(UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction id."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Return the type's name in SQL."""
        return "xid8"


def workspace_table(name: str, *items: SchemaItem, key: tuple[str, ...] = ("id",)) -> Table:
    """Declare a table whose rows belong to a workspace.

    Args:
        name: its name, without a schema; unique over both schemas.
        items: columns, constraints and indexes, without `workspace_id` and without a primary key.
        key: the columns that identify a row inside its workspace.
    """
    return Table(
        name,
        metadata,
        Column("workspace_id", Uuid, nullable=False),
        *items,
        PrimaryKeyConstraint("workspace_id", *key),
        schema=DATA,
    )


def control_table(name: str, *items: SchemaItem, key: tuple[str, ...] = ("id",), **options: Any) -> Table:
    """Declare a table that belongs to no workspace."""
    return Table(name, metadata, *items, PrimaryKeyConstraint(*key), schema=CONTROL, **options)


def identifier(name: str = "id") -> Column[Any]:
    """Declare a required UUID column."""
    return Column(name, Uuid, nullable=False)


def version() -> Column[Any]:
    """Declare the counter that guards rows which people edit against lost updates."""
    return Column("version", Integer, nullable=False, server_default=text("1"))


def moment(name: str, *, nullable: bool = False, default_now: bool = False) -> Column[Any]:
    """Declare a point in time, kept with its zone."""
    default = text("now()") if default_now else None
    return Column(name, DateTime(timezone=True), nullable=nullable, server_default=default)


def document(name: str, *, nullable: bool = False, default: str | None = None) -> Column[Any]:
    """Declare a jsonb column; `default` is JSON text."""
    server_default = text(f"'{default}'::jsonb") if default is not None else None
    return Column(name, JSONB, nullable=nullable, server_default=server_default)


def belongs_to(column: str, table: str, *, on_delete: str = "CASCADE") -> ForeignKeyConstraint:
    """Declare a reference to a row of the same workspace.

    Args:
        column: the referring column.
        table: the workspace table that it refers to by `id`.
        on_delete: `CASCADE`, `RESTRICT`, or `SET NULL`, which clears the column and not the workspace.
    """
    action = f"SET NULL ({column})" if on_delete == "SET NULL" else on_delete
    return ForeignKeyConstraint(
        ["workspace_id", column],
        [f"{DATA}.{table}.workspace_id", f"{DATA}.{table}.id"],
        ondelete=action,
    )


def refers_to(column: str, table: str, *, on_delete: str = "CASCADE") -> ForeignKeyConstraint:
    """Declare a reference between control tables by `id`."""
    return ForeignKeyConstraint([column], [f"{CONTROL}.{table}.id"], ondelete=on_delete)


def index(name: str, *columns: Any, unique: bool = False, where: str | None = None, using: str = "btree") -> Index:
    """Declare an index; on a workspace table its first column is `workspace_id`."""
    condition = text(where) if where else None
    return Index(name, *columns, unique=unique, postgresql_where=condition, postgresql_using=using)


def workspace_tables() -> dict[str, Table]:
    """Return every declared workspace table by name."""
    return {table.name: table for table in metadata.tables.values() if table.schema == DATA}


def column_names(table: Table) -> tuple[str, ...]:
    """Return a table's column names in their declared order."""
    return tuple(column.name for column in table.columns)


installation: Final = Table(
    "installation",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
    schema=CONTROL,
)
"""Facts about this database as a whole, such as the state that it was last prepared for."""
