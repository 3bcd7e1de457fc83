"""One indexed look-up from a credential to the person, and to their membership of the wanted workspace."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from fostr.kernel import clock
from fostr.kernel.access.access import Access
from fostr.kernel.access.catalogue import role_permissions
from fostr.kernel.auth.principals import CredentialKind, Principal, Scope

if TYPE_CHECKING:
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
           s.last_used_at, s.authenticated_at, {_PERSON}, {_MEMBERSHIP}
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
           null::timestamptz as authenticated_at, {_PERSON}, {_MEMBERSHIP}
    from tokens t
    join users u on u.id = t.user_id and u.is_active
    cross join lateral (
        select case when t.workspace_id is null then :wanted::uuid
                    when :wanted::uuid is null or :wanted::uuid = t.workspace_id then t.workspace_id end as id
    ) wanted
    {_MEMBERSHIP_JOINS}
    where t.digest = :key and t.is_active and t.revoked_at is null and (t.expires_at is null or t.expires_at > :now)
"""
_STATEMENTS: Final[dict[Source, str]] = {
    "cookie": _SESSION % "s.digest = :key and coalesce(s.cookie_expires_at, s.expires_at) > :now",
    "jwt": _SESSION % "s.id = :key",
    "token": _TOKEN,
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


_MEMBER: Final = f"""
    select :job::uuid as credential_id, null::uuid as acting_user_id, {_PERSON}, {_MEMBERSHIP}
    from memberships wanted_member
    join users u on u.id = wanted_member.user_id and u.is_active
    cross join lateral (select wanted_member.workspace_id as id) wanted
    {_MEMBERSHIP_JOINS}
    where wanted_member.member_id = :member and wanted_member.workspace_id = :wanted
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
    found = await unit.row(_MEMBER, member=member_id, wanted=workspace_id, job=job_id)
    if found is None:
        return None
    principal = Principal(
        kind="job",
        user_id=found["user_id"],
        credential_id=found["credential_id"],
        scope=scope,
        is_superuser=False,
        acting_as=acting_as,
        email=found["email"],
        full_name=found["full_name"],
    )
    return _access(principal, found)
