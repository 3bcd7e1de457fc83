"""Statements on the parts of uploads."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    import asyncpg

    from fostr.kernel.db.unit import Unit


async def lock_upload(unit: Unit, file_id: UUID) -> bool:
    """Let nobody add parts to an upload or complete it until the transaction ends; say whether it is still open."""
    found = await unit.value(
        """
        select true from import_files f where f.workspace_id = :workspace and f.id = :id and f.size is null for update
        """,
        id=file_id,
    )
    return found is not None


async def get_created_at(unit: Unit, file_id: UUID) -> datetime:
    """Return when an upload was begun."""
    return await unit.value(
        "select f.created_at from import_files f where f.workspace_id = :workspace and f.id = :id", id=file_id
    )


async def list_parts(unit: Unit, file_id: UUID) -> list[asyncpg.Record]:
    """Return the parts of an upload that have arrived, by number."""
    return await unit.rows(
        """
        select p.number, p.key, p.size, p.sha256 from import_parts p
        where p.workspace_id = :workspace and p.file_id = :file_id order by p.number
        """,
        file_id=file_id,
    )


async def save_part(
    unit: Unit, file_id: UUID, number: int, *, key: str, size: int, sha256: str, now: datetime
) -> str | None:
    """Note a part, and return the key of the one that it replaces."""
    return await unit.value(
        """
        with old as (
            select p.key from import_parts p
            where p.workspace_id = :workspace and p.file_id = :file_id and p.number = :number
        ), saved as (
            insert into import_parts (workspace_id, file_id, number, key, size, sha256, created_at)
            values (:workspace, :file_id, :number, :key, :size, :sha256, :now)
            on conflict (workspace_id, file_id, number) do update
            set key = excluded.key, size = excluded.size, sha256 = excluded.sha256, created_at = excluded.created_at
        )
        select old.key from old
        """,
        file_id=file_id,
        number=number,
        key=key,
        size=size,
        sha256=sha256,
        now=now,
    )


async def delete_parts(unit: Unit, file_id: UUID) -> list[str]:
    """Forget the parts of an upload, and return their keys."""
    rows = await unit.rows(
        "delete from import_parts p where p.workspace_id = :workspace and p.file_id = :file_id returning p.key",
        file_id=file_id,
    )
    return [row["key"] for row in rows]


async def delete_upload(unit: Unit, file_id: UUID) -> None:
    """Forget an upload that was not completed, with its parts."""
    await unit.run("delete from import_files f where f.workspace_id = :workspace and f.id = :id", id=file_id)


async def delete_abandoned(unit: Unit, *, before: datetime) -> list[str]:
    """Forget uploads in parts that nobody has completed, and return their keys and those of their parts."""
    rows = await unit.rows(
        """
        with gone as (
            select f.id, f.key from import_files f
            where f.workspace_id = :workspace and f.size is null and f.created_at < :before and exists (
                select from import_parts p where p.workspace_id = :workspace and p.file_id = f.id
            )
            for update
        ), keys as (
            select p.key from import_parts p join gone g on g.id = p.file_id where p.workspace_id = :workspace
            union all select g.key from gone g
        ), forgotten as (
            delete from import_files f using gone g where f.workspace_id = :workspace and f.id = g.id
        )
        select k.key from keys k
        """,
        before=before,
    )
    return [row["key"] for row in rows]
