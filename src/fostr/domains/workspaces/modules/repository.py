"""Statements about what a workspace set about modules."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from fostr.kernel.db.unit import Unit

_COLUMNS: Final = "s.module, s.is_enabled, s.settings, s.updated_at, s.version"


@dataclass(frozen=True, slots=True)
class StoredSettings:
    """What differs from how a module comes; `is_enabled` is None where that does not."""

    module: str
    is_enabled: bool | None
    settings: dict[str, Any]
    updated_at: datetime
    version: int


def _stored(row: asyncpg.Record) -> StoredSettings:
    return StoredSettings(**dict(row))


async def list_settings(unit: Unit) -> dict[str, StoredSettings]:
    rows = await unit.rows(f"select {_COLUMNS} from module_settings s where s.workspace_id = :workspace")
    return {row["module"]: _stored(row) for row in rows}


async def find_settings(unit: Unit, *, module: str, lock: bool = False) -> StoredSettings | None:
    row = await unit.row(
        f"""
        select {_COLUMNS} from module_settings s where s.workspace_id = :workspace and s.module = :module
        {"for update" if lock else ""}
        """,
        module=module,
    )
    return None if row is None else _stored(row)


async def insert_settings(unit: Unit, *, module: str, now: datetime) -> bool:
    """Insert settings that say nothing; say whether there were none."""
    inserted = await unit.run(
        """
        insert into module_settings (workspace_id, module, created_at, updated_at, version)
        values (:workspace, :module, :now, :now, 0)
        on conflict (workspace_id, module) do nothing
        """,
        module=module,
        now=now,
    )
    return inserted == 1


async def update_settings(
    unit: Unit, *, module: str, is_enabled: bool | None, settings: dict[str, Any], member_id: UUID, now: datetime
) -> StoredSettings:
    row = await unit.row(
        f"""
        update module_settings s
        set is_enabled = :is_enabled, settings = :settings, updated_by = :member_id, updated_at = :now,
            version = s.version + 1
        where s.workspace_id = :workspace and s.module = :module
        returning {_COLUMNS}
        """,
        module=module,
        is_enabled=is_enabled,
        settings=settings,
        member_id=member_id,
        now=now,
    )
    assert row is not None  # noqa: S101 - locked by the caller
    return _stored(row)


async def set_switched(unit: Unit, *, module: str, is_switched: bool) -> None:
    """Tell the guards whether a module is switched the other way than it comes."""
    await unit.run(
        """
        update workspaces
        set switched_modules = array_remove(switched_modules, :module)
                || case when :is_switched then array[:module] else '{}'::text[] end,
            rights_epoch = rights_epoch + 1
        where id = :workspace
        """,
        module=module,
        is_switched=is_switched,
    )
