"""All that is kept about people, rights and workspaces, as digests, so that a test can see whether anything changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import asyncpg

from fostr.kernel.db.migrate import import_tables
from fostr.kernel.db.tables import metadata

if TYPE_CHECKING:
    from collections.abc import Iterable

PASSING: Final = frozenset({"limit_counters", "idempotency_keys", "passkey_challenges", "pending_sign_ins"})
"""Tables that a refused request may write: counts, kept answers, and what waits for a second step."""

UNCOUNTED: Final = "to_jsonb(t) - 'last_used_at'"
"""When a credential was used last is not what it may do."""


async def everything(admin_url: str, *, tables: Iterable[str] = ()) -> dict[str, str]:
    """Return a digest for each table, or for some of them.

    Args:
        admin_url: the database by the login that owns it.
        tables: with their schemas; by default all that hold more than what passes.
    """
    import_tables()
    known = [f"{table.schema}.{table.name}" for table in metadata.tables.values() if table.name not in PASSING]
    wanted = list(tables) or known
    connection = await asyncpg.connect(admin_url)
    try:
        return {
            name: await connection.fetchval(
                f"select count(*) || ' ' || coalesce(sum(hashtextextended(({UNCOUNTED})::text, 0)), 0) from {name} t"
            )
            for name in wanted
        }
    finally:
        await connection.close()


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    """Return the tables that are not as they were."""
    return {name for name in before if before[name] != after[name]}
