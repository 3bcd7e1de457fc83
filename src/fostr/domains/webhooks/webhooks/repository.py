"""Statements on webhooks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from fostr.domains.webhooks.webhooks.tables import webhooks
from fostr.kernel.belongings import Belonging
from fostr.kernel.db.gateway import delete_row, find_row, insert_row, update_row
from fostr.kernel.db.tables import column_names

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    import asyncpg

    from fostr.domains.webhooks.messages import Payload
    from fostr.domains.webhooks.webhooks.rules import DisabledReason
    from fostr.kernel.db.unit import Unit

_COLUMNS: Final = ", ".join(f"w.{name}" for name in column_names(webhooks))


@dataclass(frozen=True, slots=True)
class StoredWebhook:
    """A webhook as it stands in the table; see there. Secrets and headers are sealed."""

    id: UUID
    name: str
    url: str
    description: str
    event_types: list[str]
    recordset_ids: list[UUID]
    payload: Payload
    is_active: bool
    is_ordered: bool
    secret: str = field(repr=False)
    secret_hint: str
    previous_secret: str | None = field(repr=False)
    previous_secret_until: datetime | None
    headers: str | None = field(repr=False)
    header_names: list[str]
    owner_id: UUID
    created_by: UUID | None
    updated_by: UUID | None
    disabled_reason: DisabledReason | None
    disabled_at: datetime | None
    failing_since: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int


def _webhook(row: asyncpg.Record) -> StoredWebhook:
    values: dict[str, Any] = dict(row)
    del values["workspace_id"]
    return StoredWebhook(**values)


async def list_webhooks(unit: Unit, *, is_active: bool | None, limit: int, offset: int) -> list[StoredWebhook]:
    """Return some of the workspace's webhooks, the newest first."""
    rows = await unit.rows(
        f"""
        select {_COLUMNS} from webhooks w
        where w.workspace_id = :workspace and (:is_active::bool is null or w.is_active = :is_active)
        order by w.created_at desc, w.id desc limit :limit offset :offset
        """,
        is_active=is_active,
        limit=limit,
        offset=offset,
    )
    return [_webhook(row) for row in rows]


async def count_webhooks(unit: Unit, *, is_active: bool | None = None) -> int:
    """Return how many webhooks the workspace has."""
    return await unit.value(
        """
        select count(*) from webhooks w
        where w.workspace_id = :workspace and (:is_active::bool is null or w.is_active = :is_active)
        """,
        is_active=is_active,
    )


async def find_webhook(unit: Unit, webhook_id: UUID, *, lock: bool = False) -> StoredWebhook | None:
    """Return a webhook; with `lock`, nobody else changes it until the transaction ends."""
    row = await find_row(unit, webhooks, webhook_id, lock=lock)
    return None if row is None else _webhook(row)


async def insert_webhook(unit: Unit, values: Mapping[str, Any]) -> StoredWebhook:
    """Insert a webhook."""
    return _webhook(await insert_row(unit, webhooks, values))


async def update_webhook(unit: Unit, webhook_id: UUID, changes: Mapping[str, Any]) -> StoredWebhook:
    """Change a webhook that the caller has locked."""
    row = await update_row(unit, webhooks, webhook_id, changes=changes)
    assert row is not None  # noqa: S101 - locked by the caller
    return _webhook(row)


async def delete_webhook(unit: Unit, webhook_id: UUID) -> None:
    """Delete a webhook."""
    await delete_row(unit, webhooks, webhook_id)


async def note_failing(unit: Unit, webhook_id: UUID, *, since: datetime | None) -> None:
    """Note since when deliveries fail one after the other, or that they do not; no change that people made."""
    await unit.run(
        """
        update webhooks w set failing_since = case when :since::timestamptz is null then null
                                                   else coalesce(w.failing_since, :since) end
        where w.workspace_id = :workspace and w.id = :id
          and (w.failing_since is null) is distinct from (:since::timestamptz is null)
        """,
        id=webhook_id,
        since=since,
    )


async def count_owned(unit: Unit, member_id: UUID) -> int:
    """Return how many webhooks are delivered with a member's rights."""
    return await unit.value(
        "select count(*) from webhooks w where w.workspace_id = :workspace and w.owner_id = :owner", owner=member_id
    )


async def list_owned(unit: Unit, member_id: UUID, *, limit: int, offset: int) -> list[Belonging]:
    """Return some of the webhooks that are delivered with a member's rights, the oldest first."""
    rows = await unit.rows(
        """
        select w.id, w.name, w.created_at from webhooks w
        where w.workspace_id = :workspace and w.owner_id = :owner
        order by w.created_at, w.id limit :limit offset :offset
        """,
        owner=member_id,
        limit=limit,
        offset=offset,
    )
    return [Belonging(**dict(row)) for row in rows]


async def lock_owned(unit: Unit, member_id: UUID) -> list[StoredWebhook]:
    """Return all webhooks that are delivered with a member's rights, and keep others from changing them."""
    rows = await unit.rows(
        f"""
        select {_COLUMNS} from webhooks w
        where w.workspace_id = :workspace and w.owner_id = :owner order by w.id for update
        """,
        owner=member_id,
    )
    return [_webhook(row) for row in rows]
