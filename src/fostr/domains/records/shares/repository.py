"""Statements on share links."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fostr.domains.records.shares.tables import share_tokens, view_share_links
from fostr.kernel.db.gateway import delete_row, insert_row, update_row

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    import asyncpg

    from fostr.kernel.db.unit import Unit

_COLUMNS: Final = """
    l.id, l.recordset_id, l.view_id, l.name, l.hint, l.password_hash, l.allows_download, l.fields, l.expires_at,
    l.view_count, l.last_viewed_at, l.created_by, l.created_at, l.updated_at, l.revoked_at, l.version
"""
_OF_VIEW: Final = "from view_share_links l where l.workspace_id = :workspace and l.view_id = :view_id"


async def list_links(unit: Unit, view_id: UUID, *, limit: int, offset: int) -> list[asyncpg.Record]:
    """Return a part of the links that share a view, the newest first."""
    return await unit.rows(
        f"select {_COLUMNS} {_OF_VIEW} order by l.id desc limit :limit offset :offset",
        view_id=view_id,
        limit=limit,
        offset=offset,
    )


async def count_links(unit: Unit, view_id: UUID) -> int:
    """Return how many links share a view, or did."""
    return await unit.value(f"select count(*) {_OF_VIEW}", view_id=view_id)


async def find_link(unit: Unit, link_id: UUID, *, view_id: UUID) -> asyncpg.Record | None:
    """Return a link of a view as it is now, and let nobody else change it until the transaction ends."""
    return await unit.row(f"select {_COLUMNS} {_OF_VIEW} and l.id = :id for update", view_id=view_id, id=link_id)


async def find_open_link(unit: Unit, link_id: UUID, *, now: datetime) -> asyncpg.Record | None:
    """Return a link that is neither revoked nor over."""
    return await unit.row(
        f"""
        select {_COLUMNS} from view_share_links l
        where l.workspace_id = :workspace and l.id = :id and l.revoked_at is null
          and coalesce(l.expires_at, 'infinity') > :now
        """,
        id=link_id,
        now=now,
    )


async def insert_link(unit: Unit, values: Mapping[str, Any], *, digest: bytes) -> asyncpg.Record:
    """Insert a link, and the digest by which it is found; return it."""
    row = await insert_row(unit, view_share_links, values)
    await unit.run(
        """
        insert into share_tokens (id, digest, workspace_id, created_at)
        values (:id, :digest, :of_workspace, :created_at)
        """,
        id=values["id"],
        digest=digest,
        of_workspace=unit.workspace,
        created_at=values["created_at"],
    )
    return row


async def update_link(unit: Unit, link_id: UUID, changes: Mapping[str, Any]) -> asyncpg.Record:
    """Change a link that is locked, count its version up, and return it."""
    row = await update_row(unit, view_share_links, link_id, changes=changes)
    assert row is not None  # noqa: S101 - it is locked
    return row


async def forget_token(unit: Unit, link_id: UUID) -> None:
    """Forget the digest of a link: from now on, its token is like any other text."""
    await delete_row(unit, share_tokens, link_id)


async def find_token(unit: Unit, digest: bytes) -> asyncpg.Record | None:
    """Return the link of a token and its workspace; the unit's transaction has not begun."""
    return await unit.look_up("select t.id, t.workspace_id from share_tokens t where t.digest = :digest", digest=digest)


async def note_visit(unit: Unit, link_id: UUID, *, now: datetime) -> None:
    """Count a visit. The version stays: nothing that anybody edits has changed."""
    await unit.run(
        """
        update view_share_links l set view_count = l.view_count + 1, last_viewed_at = :now
        where l.workspace_id = :workspace and l.id = :id
        """,
        id=link_id,
        now=now,
    )


async def list_token_workspaces(unit: Unit) -> list[UUID]:
    """Return the workspaces in which links were ever made that may still have a token."""
    rows = await unit.rows("select distinct t.workspace_id from share_tokens t order by t.workspace_id")
    return [row["workspace_id"] for row in rows]


async def list_tokens(unit: Unit, *, workspace: UUID) -> list[UUID]:
    """Return the links of a workspace that have a token."""
    rows = await unit.rows(
        "select t.id from share_tokens t where t.workspace_id = :of_workspace order by t.id", of_workspace=workspace
    )
    return [row["id"] for row in rows]


async def list_known(unit: Unit, link_ids: list[UUID]) -> set[UUID]:
    """Return which of some links there are."""
    rows = await unit.rows(
        "select l.id from view_share_links l where l.workspace_id = :workspace and l.id = any(:ids::uuid[])",
        ids=link_ids,
    )
    return {row["id"] for row in rows}


async def forget_tokens(unit: Unit, link_ids: list[UUID]) -> int:
    """Forget the digests of some links; return how many there were."""
    return await unit.run("delete from share_tokens where id = any(:ids::uuid[])", ids=link_ids)
