"""The table gateway: the five plain statements on one row or one page of a table, written from its declaration.

What needs a join, a lock or a condition beyond these is SQL in a repository. On workspace tables every statement names
the workspace; columns are always listed.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from fostr.kernel.db.tables import DATA, column_names

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    import asyncpg
    from sqlalchemy import Table

    from fostr.kernel.db.unit import Unit


async def find_row(unit: Unit, table: Table, row_id: UUID, *, lock: bool = False) -> asyncpg.Record | None:
    """Return a row by its id; with `lock`, nobody else changes it until the transaction ends."""
    return await unit.row(_find_text(table, lock=lock), id=row_id)


async def list_rows(
    unit: Unit, table: Table, *, where: Mapping[str, Any], limit: int, offset: int = 0
) -> list[asyncpg.Record]:
    """Return a part of the rows that have these values, in the order of their ids."""
    text = _list_text(table, tuple(where))
    return await unit.rows(text, limit=limit, offset=offset, **where)


async def insert_row(unit: Unit, table: Table, values: Mapping[str, Any]) -> asyncpg.Record:
    """Insert a row and return it as it stands; columns that are left out take their defaults."""
    row = await unit.row(_insert_text(table, tuple(values)), **values)
    assert row is not None  # noqa: S101 - an insert without a conflict clause returns its row or fails
    return row


async def update_row(
    unit: Unit, table: Table, row_id: UUID, *, changes: Mapping[str, Any], expected_version: int | None = None
) -> asyncpg.Record | None:
    """Change a row, count its version up where it has one, and return it as it stands.

    Args:
        unit: the transaction.
        table: where the row is.
        row_id: which row.
        changes: the columns to set.
        expected_version: the version that the row must have.

    Returns:
        None when there is no such row, or none of that version.
    """
    text = _update_text(table, tuple(changes), checks_version=expected_version is not None)
    params = {"id": row_id, **changes}
    if expected_version is not None:
        params["expected_version"] = expected_version
    return await unit.row(text, **params)


async def delete_row(unit: Unit, table: Table, row_id: UUID) -> bool:
    """Delete a row for good; say whether it was there."""
    return await unit.run(_delete_text(table), id=row_id) > 0


@cache
def _find_text(table: Table, *, lock: bool) -> str:
    return f"select {_columns(table)} from {table.name} t where {_condition(table)}{' for update' if lock else ''}"


@cache
def _list_text(table: Table, where: tuple[str, ...]) -> str:
    _check_columns(table, where)
    conditions = [*(["t.workspace_id = :workspace"] if table.schema == DATA else []), *(f"t.{c} = :{c}" for c in where)]
    matching = " and ".join(conditions) or "true"
    return f"select {_columns(table)} from {table.name} t where {matching} order by t.id limit :limit offset :offset"


@cache
def _insert_text(table: Table, columns: tuple[str, ...]) -> str:
    _check_columns(table, columns)
    names = [*(["workspace_id"] if table.schema == DATA else []), *columns]
    values = [*([":workspace"] if table.schema == DATA else []), *(f":{column}" for column in columns)]
    returned = ", ".join(column_names(table))
    return f"insert into {table.name} ({', '.join(names)}) values ({', '.join(values)}) returning {returned}"


@cache
def _update_text(table: Table, columns: tuple[str, ...], *, checks_version: bool) -> str:
    _check_columns(table, columns)
    settings = [f"{column} = :{column}" for column in columns]
    if "version" in table.columns:
        settings.append("version = t.version + 1")
    version = " and t.version = :expected_version" if checks_version else ""
    return (
        f"update {table.name} t set {', '.join(settings)} where {_condition(table)}{version}"
        f" returning {_columns(table)}"
    )


@cache
def _delete_text(table: Table) -> str:
    return f"delete from {table.name} t where {_condition(table)}"


def _columns(table: Table) -> str:
    return ", ".join(f"t.{name}" for name in column_names(table))


def _condition(table: Table) -> str:
    return "t.workspace_id = :workspace and t.id = :id" if table.schema == DATA else "t.id = :id"


def _check_columns(table: Table, columns: tuple[str, ...]) -> None:
    # Column names stand inside the text, so only declared ones may get there.
    unknown = set(columns) - set(column_names(table))
    if unknown or "workspace_id" in columns:
        message = f"not columns of {table.name} to write or compare: {sorted(unknown or {'workspace_id'})}"
        raise ValueError(message)
