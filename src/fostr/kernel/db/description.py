"""The declared tables in words: what the database page shows."""

from __future__ import annotations

import ast
import inspect
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import DefaultClause, ForeignKeyConstraint
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import AddConstraint, CreateIndex

from fostr.kernel.db.tables import metadata
from fostr.kernel.discovery import import_modules

if TYPE_CHECKING:
    from types import ModuleType

    from sqlalchemy import Column, Table

_DIALECT = postgresql.dialect()


@dataclass(frozen=True, slots=True)
class ColumnDescription:
    """A column.

    Attributes:
        type: as PostgreSQL calls it.
        default: what the database puts in when nothing is given, as SQL; an empty string for nothing.
        targets: the tables that it refers to.
    """

    name: str
    type: str
    is_nullable: bool
    default: str
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TableDescription:
    """A table.

    Attributes:
        schema: `data` for tables of workspaces, `control` for the others.
        note: what stands below its declaration.
        rules: keys, checks and indexes, as SQL.
    """

    name: str
    schema: str
    note: str
    columns: tuple[ColumnDescription, ...]
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TableGroup:
    """The tables of one module, and what the module says they are for."""

    purpose: str
    tables: tuple[TableDescription, ...]


def describe_tables() -> list[TableGroup]:
    """Return every declared table, in the order of the modules that declare them."""
    groups = [_describe_module(module) for module in import_modules("tables")]
    return [group for group in groups if group.tables]


def _describe_module(module: ModuleType) -> TableGroup:
    notes = _read_notes(module)
    names = {id(value): name for name, value in vars(module).items()}
    declared = [table for table in metadata.tables.values() if id(table) in names]
    tables = tuple(_describe_table(table, notes.get(names[id(table)], "")) for table in declared)
    purpose = (module.__doc__ or module.__name__).strip().splitlines()[0]
    return TableGroup(purpose=_plain(purpose).rstrip("."), tables=tables)


def _plain(text: str) -> str:
    return " ".join(text.replace("`", "").split())


def _read_notes(module: ModuleType) -> dict[str, str]:
    """Return the text below each assignment of a module, which Python itself throws away."""
    body = ast.parse(inspect.getsource(module)).body
    notes: dict[str, str] = {}
    for assignment, after in pairwise(body):
        if (
            isinstance(assignment, ast.AnnAssign)
            and isinstance(assignment.target, ast.Name)
            and isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant)
        ):
            notes[assignment.target.id] = _plain(str(after.value.value))
    return notes


def _describe_table(table: Table, note: str) -> TableDescription:
    return TableDescription(
        name=table.name,
        schema=table.schema or "",
        note=note,
        columns=tuple(_describe_column(column) for column in table.columns),
        rules=(*_describe_constraints(table), *_describe_indexes(table)),
    )


def _describe_column(column: Column[Any]) -> ColumnDescription:
    default = column.server_default
    # `workspace_id` is part of every reference inside a workspace, and says nothing of where one leads.
    references = () if column.name == "workspace_id" else column.foreign_keys
    return ColumnDescription(
        name=column.name,
        type=column.type.compile(_DIALECT).lower(),
        is_nullable=bool(column.nullable),
        default=str(cast("Any", default.arg)) if isinstance(default, DefaultClause) else "",
        targets=tuple(sorted({reference.column.table.name for reference in references})),
    )


def _describe_constraints(table: Table) -> list[str]:
    shown: list[tuple[int, str]] = []
    for constraint in table.constraints:
        statement = str(AddConstraint(constraint).compile(dialect=_DIALECT))
        rule = " ".join(statement.partition("CONSTRAINT ")[2].split())
        shown.append((isinstance(constraint, ForeignKeyConstraint), rule.partition(" ")[2] or statement))
    return [rule for _, rule in sorted(shown)]


def _describe_indexes(table: Table) -> list[str]:
    statements = (str(CreateIndex(index).compile(dialect=_DIALECT)) for index in table.indexes)
    return sorted(" ".join(statement.split()).removeprefix("CREATE ") for statement in statements)
