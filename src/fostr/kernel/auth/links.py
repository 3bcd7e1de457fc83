"""Links that prove something once: sent by mail, good for one use and for a while, kept as digests.

For one purpose, one person and one workspace there is one link. Minting replaces it, in one statement, so that of any
number of links that were sent the newest alone works, also when two are minted at the same moment.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from fostr.kernel import clock
from fostr.kernel.crypto.tokens import check_token, digest_token, mint_token
from fostr.kernel.ids import new_id

if TYPE_CHECKING:
    import asyncpg

    from fostr.kernel.db.unit import Unit

LINK_PREFIX: Final = "fos_lnk"
KEPT_FOR: Final = timedelta(days=7)
"""How long a link that is used or over stays in the table, for whoever looks into what happened."""

_COLUMNS: Final = "id, purpose, user_id, workspace_id, data, created_by, created_at, expires_at"
_VALID: Final = "digest = :digest and purpose = :purpose and used_at is null and expires_at > :now"


@dataclass(frozen=True, slots=True)
class MintedLink:
    """A new link's secret, which is kept nowhere else, and its end."""

    token: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Link:
    """What a link stands for.

    Attributes:
        id: the link, for logs and events.
        purpose: what it is for, as the domain calls it: `activation`, `password_reset`.
        user_id: whose it is.
        workspace_id: the workspace that it is about, when it is about one.
        data: what the domain put into it.
        created_by: the person who had it made, when somebody did.
        created_at: when it was made.
        expires_at: when it ends.
    """

    id: UUID
    purpose: str
    user_id: UUID
    workspace_id: UUID | None
    data: dict[str, Any]
    created_by: UUID | None
    created_at: datetime
    expires_at: datetime


async def mint_link(
    unit: Unit,
    *,
    purpose: str,
    user_id: UUID,
    workspace_id: UUID | None = None,
    lifetime: timedelta,
    data: dict[str, Any] | None = None,
    created_by: UUID | None = None,
) -> MintedLink:
    """Make a link, in place of the one with the same purpose, person and workspace.

    Args:
        unit: the transaction that it is part of.
        purpose: what it is for; a link is found under its own purpose only.
        user_id: an account.
        workspace_id: the workspace that it is about.
        lifetime: how long it is good for.
        data: what whoever claims it needs to know; nothing secret.
        created_by: the person who has it made.
    """
    token, now = mint_token(LINK_PREFIX), clock.now()
    expires_at = now + lifetime
    await unit.run(
        """
        insert into links (id, purpose, digest, user_id, workspace_id, data, created_by, created_at, expires_at)
        values (:id, :purpose, :digest, :user_id, :about, :data, :created_by, :now, :expires_at)
        on conflict (purpose, user_id, workspace_id) do update set
            id = excluded.id, digest = excluded.digest, data = excluded.data, created_by = excluded.created_by,
            created_at = excluded.created_at, expires_at = excluded.expires_at, used_at = null
        """,
        id=new_id(),
        purpose=purpose,
        digest=digest_token(token),
        user_id=user_id,
        about=workspace_id,
        data=data or {},
        created_by=created_by,
        now=now,
        expires_at=expires_at,
    )
    return MintedLink(token=token, expires_at=expires_at)


async def find_link(unit: Unit, token: str, *, purpose: str) -> Link | None:
    """Return a link that can still be used, and leave it as it is."""
    if not check_token(token, prefix=LINK_PREFIX):
        return None
    return _link(
        await unit.row(
            f"select {_COLUMNS} from links where {_VALID}",
            digest=digest_token(token),
            purpose=purpose,
            now=clock.now(),
        )
    )


async def claim_link(unit: Unit, token: str, *, purpose: str) -> Link | None:
    """Use a link up, and return it; of any number of claims at once, one gets it.

    The claim is part of the transaction: when that is undone, the link can be used again.
    """
    if not check_token(token, prefix=LINK_PREFIX):
        return None
    return _link(
        await unit.row(
            f"update links set used_at = :now where {_VALID} returning {_COLUMNS}",
            digest=digest_token(token),
            purpose=purpose,
            now=clock.now(),
        )
    )


async def void_links(unit: Unit, *, purpose: str, user_id: UUID, workspace_id: UUID | None = None) -> int:
    """Take a person's unused links of one purpose away, and return how many there were.

    Args:
        unit: the transaction that it is part of.
        purpose: which ones.
        user_id: whose.
        workspace_id: those about one workspace only; without it, all of them.
    """
    return await unit.run(
        """
        delete from links
        where purpose = :purpose and user_id = :user_id and used_at is null
          and (:about::uuid is null or workspace_id = :about)
        """,
        purpose=purpose,
        user_id=user_id,
        about=workspace_id,
    )


async def delete_ended_links(unit: Unit) -> int:
    """Delete the links that were used, or were over, a while ago; return how many."""
    return await unit.run(
        "delete from links where expires_at < :before or used_at < :before", before=clock.now() - KEPT_FOR
    )


def _link(row: asyncpg.Record | None) -> Link | None:
    return None if row is None else Link(**dict(row))
