"""Statements about the link, and about whether it is needed."""

from datetime import datetime

from fostr.kernel.db.unit import Unit
from fostr.kernel.ids import new_id


async def has_administrator(unit: Unit) -> bool:
    return await unit.value("select exists (select 1 from users where is_superuser and is_active)")


async def replace_link(unit: Unit, *, digest: bytes, now: datetime, expires_at: datetime) -> None:
    await delete_links(unit)
    await unit.run(
        "insert into setup_links (id, digest, created_at, expires_at) values (:id, :digest, :now, :expires_at)",
        id=new_id(),
        digest=digest,
        now=now,
        expires_at=expires_at,
    )


async def delete_links(unit: Unit) -> None:
    await unit.run("delete from setup_links")


async def use_link(unit: Unit, *, digest: bytes, now: datetime) -> bool:
    """Say whether the link was good; of any number at once, one hears so."""
    used = await unit.run(
        "delete from setup_links where digest = :digest and expires_at > :now", digest=digest, now=now
    )
    return used == 1
