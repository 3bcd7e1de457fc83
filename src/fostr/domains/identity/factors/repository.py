"""Statements about the second factor."""

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from fostr.kernel.db.unit import Unit
from fostr.kernel.ids import new_id


async def enrol(unit: Unit, *, user_id: UUID, secret: str, now: datetime) -> bool:
    """Keep a secret that is to be confirmed, in place of one that never was; False when one is."""
    written = await unit.run(
        """
        insert into authenticators as a (id, user_id, secret, created_at) values (:id, :user_id, :secret, :now)
        on conflict (user_id) do update set secret = excluded.secret, created_at = excluded.created_at
            where a.confirmed_at is null
        """,
        id=new_id(),
        user_id=user_id,
        secret=secret,
        now=now,
    )
    return written == 1


async def find_authenticator(unit: Unit, *, user_id: UUID) -> asyncpg.Record | None:
    return await unit.row(
        "select id, secret, confirmed_at from authenticators where user_id = :user_id", user_id=user_id
    )


async def confirm(unit: Unit, *, authenticator_id: UUID, secret: str, step: int, now: datetime) -> bool:
    """Say whether it was this secret that still waited to be confirmed."""
    confirmed = await unit.run(
        """
        update authenticators set confirmed_at = :now, last_step = :step
        where id = :id and secret = :secret and confirmed_at is null
        """,
        id=authenticator_id,
        secret=secret,
        step=step,
        now=now,
    )
    return confirmed == 1


async def use_step(unit: Unit, *, authenticator_id: UUID, step: int) -> bool:
    """Say whether the step's code was not used yet; of any number at once, one uses it."""
    used = await unit.run(
        "update authenticators set last_step = :step where id = :id and confirmed_at is not null and last_step < :step",
        id=authenticator_id,
        step=step,
    )
    return used == 1


async def delete_factor(unit: Unit, *, user_id: UUID) -> bool:
    """Say whether there was one that was switched on; what waited to be confirmed goes as well."""
    deleted = await unit.value(
        "delete from authenticators where user_id = :user_id returning confirmed_at is not null", user_id=user_id
    )
    await unit.run("delete from recovery_codes where user_id = :user_id", user_id=user_id)
    return bool(deleted)


async def replace_recovery_codes(unit: Unit, *, user_id: UUID, digests: list[bytes], now: datetime) -> None:
    await unit.run("delete from recovery_codes where user_id = :user_id", user_id=user_id)
    await unit.run_many(
        "insert into recovery_codes (user_id, digest, created_at) values (:user_id, :digest, :now)",
        [{"user_id": user_id, "digest": digest, "now": now} for digest in digests],
    )


async def use_recovery_code(unit: Unit, *, user_id: UUID, digest: bytes, now: datetime) -> bool:
    """Say whether the code was good; of any number at once, one uses it."""
    used = await unit.run(
        """
        update recovery_codes set used_at = :now
        where user_id = :user_id and digest = :digest and used_at is null
        """,
        user_id=user_id,
        digest=digest,
        now=now,
    )
    return used == 1


async def count_recovery_codes(unit: Unit, *, user_id: UUID) -> int:
    return await unit.value(
        "select count(*) from recovery_codes where user_id = :user_id and used_at is null", user_id=user_id
    )


async def has_second_factor(unit: Unit, *, user_id: UUID) -> bool:
    return await unit.value(
        "select exists (select 1 from authenticators where user_id = :user_id and confirmed_at is not null)",
        user_id=user_id,
    )


async def insert_pending(unit: Unit, *, values: dict[str, Any]) -> None:
    await unit.run(
        """
        insert into pending_sign_ins (id, user_id, digest, created_at, expires_at)
        values (:id, :user_id, :digest, :now, :expires_at)
        """,
        **values,
    )


async def count_attempt(unit: Unit, *, digest: bytes, most: int, now: datetime) -> asyncpg.Record | None:
    """Count one more code for a sign-in, or return nothing when it is over."""
    return await unit.row(
        """
        update pending_sign_ins p set attempts = p.attempts + 1
        from users u
        where p.digest = :digest and p.expires_at > :now and p.attempts < :most and u.id = p.user_id and u.is_active
        returning p.id, p.user_id
        """,
        digest=digest,
        most=most,
        now=now,
    )


async def delete_pending(unit: Unit, *, pending_id: UUID) -> bool:
    """Say whether the sign-in still waited; of any number at once, one completes it."""
    return await unit.run("delete from pending_sign_ins where id = :id", id=pending_id) == 1


async def delete_pending_of(unit: Unit, *, user_id: UUID) -> None:
    await unit.run("delete from pending_sign_ins where user_id = :user_id", user_id=user_id)


async def delete_expired(unit: Unit, *, now: datetime) -> int:
    return await unit.run("delete from pending_sign_ins where expires_at < :now", now=now)
