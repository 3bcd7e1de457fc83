"""One indexed look-up from a credential to the person, and to their membership of the wanted workspace."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from fostr.kernel import clock
from fostr.kernel.access.access import Access
from fostr.kernel.access.catalogue import role_permissions
from fostr.kernel.auth.principals import CredentialKind, Principal, Scope

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    import asyncpg

    from fostr.kernel.db.unit import Unit

USE_IS_NOTED_EVERY: Final = timedelta(minutes=5)
"""`last_used_at` is written at most this often, so that a read does not become a write."""

Source: TypeAlias = Literal["cookie", "jwt", "token"]

_PERSON: Final = "u.id as user_id, u.email, u.full_name, u.is_superuser"
_MEMBERSHIP: Final = """
    m.member_id, m.role, w.id as workspace_id, w.slug, w.rights_epoch, w.switched_modules,
    coalesce(r.base, m.role) as base,
    coalesce(r.granted, '{}') as granted, coalesce(r.revoked, '{}') as revoked
"""
_MEMBERSHIP_JOINS: Final = """
    left join memberships m on m.user_id = u.id and m.workspace_id = wanted.id and m.status = 'active'
    left join workspaces w on w.id = m.workspace_id and w.deleted_at is null
    left join roles r on r.workspace_id = m.workspace_id and r.key = m.role
"""

_SESSION: Final = f"""
    select s.id as credential_id, s.kind, s.acting_user_id,
           case when s.acting_user_id is null then 'admin' else 'write' end as scope,
           s.last_used_at, s.authenticated_at, least(s.expires_at, s.cookie_expires_at) as until,
           {_PERSON}, {_MEMBERSHIP}
    from sessions s
    join users u on u.id = s.user_id and u.is_active
    cross join lateral (
        select case when s.acting_user_id is null then coalesce(:wanted::uuid, s.workspace_id)
                    when :wanted::uuid is null or :wanted::uuid = s.workspace_id then s.workspace_id end as id
    ) wanted
    {_MEMBERSHIP_JOINS}
    where %s and s.revoked_at is null and s.expires_at > :now and (
        s.acting_user_id is null or exists (select 1 from users a where a.id = s.acting_user_id and a.is_active)
    )
"""
"""Whoever acts in the name of somebody stays in the one workspace that knows of it, and does not administer there."""
_TOKEN: Final = f"""
    select t.id as credential_id, t.kind, t.scope, null::uuid as acting_user_id, t.last_used_at,
           null::timestamptz as authenticated_at, t.expires_at as until, {_PERSON}, {_MEMBERSHIP}
    from tokens t
    join users u on u.id = t.user_id and u.is_active
    cross join lateral (
        select case when t.workspace_id is null then :wanted::uuid
                    when :wanted::uuid is null or :wanted::uuid = t.workspace_id then t.workspace_id end as id
    ) wanted
    {_MEMBERSHIP_JOINS}
    where %s and t.is_active and t.revoked_at is null and (t.expires_at is null or t.expires_at > :now)
"""
_COOKIE_LASTS: Final = "coalesce(s.cookie_expires_at, s.expires_at) > :now"
_STATEMENTS: Final[dict[Source, str]] = {
    "cookie": _SESSION % f"s.digest = :key and {_COOKIE_LASTS}",
    "jwt": _SESSION % "s.id = :key",
    "token": _TOKEN % "t.digest = :key",
}
_STILL_HELD: Final[dict[Source, str]] = {
    "cookie": _SESSION % f"s.id = any(:keys::uuid[]) and {_COOKIE_LASTS}",
    "jwt": _SESSION % "s.id = any(:keys::uuid[])",
    "token": _TOKEN % "t.id = any(:keys::uuid[])",
}
_NOTE_USE: Final[dict[Source, str]] = {
    "cookie": "update sessions set last_used_at = :now where id = :id returning id",
    "jwt": "update sessions set last_used_at = :now where id = :id returning id",
    "token": "update tokens set last_used_at = :now where id = :id returning id",
}


@dataclass(frozen=True, slots=True)
class Caller:
    """A principal, and their access to the wanted workspace when they are a member of it."""

    principal: Principal
    access: Access | None


async def find_caller(unit: Unit, *, source: Source, key: bytes | UUID, wanted: UUID | None) -> Caller | None:
    """Return the caller behind a credential, or nothing when it is unknown, ended, or its person is inactive.

    Args:
        unit: not begun yet; its connection is used without a transaction.
        source: where the credential came from.
        key: the digest of a cookie or a token, or the session id of a JWT.
        wanted: the workspace that the request names; without one, the session's or the key's own.
    """
    now = clock.now()
    found = await unit.look_up(_STATEMENTS[source], key=key, wanted=wanted, now=now)
    if found is None:
        return None
    if found["last_used_at"] is None or now - found["last_used_at"] > USE_IS_NOTED_EVERY:
        await unit.look_up(_NOTE_USE[source], id=found["credential_id"], now=now)
    return _caller(source, found)


@dataclass(frozen=True, slots=True)
class Held:
    """A credential that goes on being used after the request that brought it.

    Attributes:
        source: where it came from.
        credential_id: the session or the token.
        until: when the credential itself ends, whatever becomes of the session; of a JWT, for one.
    """

    source: Source
    credential_id: UUID
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a credential.

    Attributes:
        caller: as a request with it would find them.
        until: when the credential must be looked up again at the latest; None where it has no end.
    """

    caller: Caller
    until: datetime | None


async def find_holders(unit: Unit, held: Collection[Held], *, wanted: UUID) -> dict[Held, Holder]:
    """Return who holds some credentials now, and what they may do in a workspace; void ones are left out.

    Args:
        unit: begun or not.
        held: any number; each source costs one statement.
        wanted: the workspace.
    """
    now = clock.now()
    holders: dict[Held, Holder] = {}
    for source, statement in _STILL_HELD.items():
        asked = [one for one in held if one.source == source and (one.until is None or one.until > now)]
        if not asked:
            continue
        rows = await unit.rows(statement, keys=list({one.credential_id for one in asked}), wanted=wanted, now=now)
        found = {row["credential_id"]: row for row in rows}
        for one in asked:
            if (row := found.get(one.credential_id)) is not None:
                ends = [end for end in (one.until, row["until"]) if end is not None]
                holders[one] = Holder(_caller(source, row), min(ends, default=None))
    return holders


def _caller(source: Source, found: asyncpg.Record) -> Caller:
    principal = Principal(
        kind=_kind(source, found["kind"]),
        user_id=found["user_id"],
        credential_id=found["credential_id"],
        scope=Scope.parse(found["scope"]),
        # The person's power over the installation is not lent with their name.
        is_superuser=found["is_superuser"] and found["acting_user_id"] is None,
        acting_as=found["acting_user_id"],
        email=found["email"],
        full_name=found["full_name"],
        authenticated_at=found["authenticated_at"],
    )
    return Caller(principal=principal, access=_access(principal, found))


def _kind(source: Source, kind: str) -> CredentialKind:
    if source == "cookie":
        return "session"
    if source == "jwt":
        return "jwt"
    return "api_key" if kind == "api_key" else "pat"


def _access(principal: Principal, found: asyncpg.Record) -> Access | None:
    if found["workspace_id"] is None:
        return None
    return Access(
        principal=principal,
        workspace_id=found["workspace_id"],
        workspace_slug=found["slug"],
        member_id=found["member_id"],
        role=found["role"],
        base_role=found["base"],
        permissions=role_permissions(found["base"], tuple(found["granted"]), tuple(found["revoked"])),
        rights_epoch=found["rights_epoch"],
        switched_modules=found["switched_modules"],
        overrides=frozenset([*found["granted"], *found["revoked"]]),
    )


_MEMBERS: Final = f"""
    select :job::uuid as credential_id, null::uuid as acting_user_id, {_PERSON}, {_MEMBERSHIP}
    from memberships wanted_member
    join users u on u.id = wanted_member.user_id and u.is_active
    cross join lateral (select wanted_member.workspace_id as id) wanted
    {_MEMBERSHIP_JOINS}
    where wanted_member.member_id = any(:members) and wanted_member.workspace_id = :wanted
"""


async def find_member_access(
    unit: Unit,
    *,
    member_id: UUID,
    workspace_id: UUID,
    job_id: UUID,
    acting_as: UUID | None = None,
    scope: Scope = Scope.WRITE,
) -> Access | None:
    """Return what a member may do now, for a job that runs on their behalf; nothing when they are gone.

    The job's scope is that of a write, unless it is said otherwise: whether the credential sufficed was decided when
    the job was asked for.
    """
    found = await find_member_accesses(
        unit, member_ids=[member_id], workspace_id=workspace_id, job_id=job_id, acting_as=acting_as, scope=scope
    )
    return found.get(member_id)


async def find_member_accesses(
    unit: Unit,
    *,
    member_ids: Collection[UUID],
    workspace_id: UUID,
    job_id: UUID,
    acting_as: UUID | None = None,
    scope: Scope = Scope.WRITE,
) -> dict[UUID, Access]:
    """Return what some members may do now, by one statement; those who are gone are left out."""
    rows = await unit.rows(_MEMBERS, members=list(member_ids), wanted=workspace_id, job=job_id)
    accesses = [_access(_job_principal(row, acting_as=acting_as, scope=scope), row) for row in rows]
    return {access.member_id: access for access in accesses if access is not None}


def _job_principal(found: asyncpg.Record, *, acting_as: UUID | None, scope: Scope) -> Principal:
    return Principal(
        kind="job",
        user_id=found["user_id"],
        credential_id=found["credential_id"],
        scope=scope,
        is_superuser=False,
        acting_as=acting_as,
        email=found["email"],
        full_name=found["full_name"],
    )
