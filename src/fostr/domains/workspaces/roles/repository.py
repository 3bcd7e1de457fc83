"""Statements about roles. They are control rows, found by workspace and key."""

from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import asyncpg

from fostr.domains.workspaces.roles.rules import Role, built_in
from fostr.kernel.access.catalogue import ROLES
from fostr.kernel.db.unit import Unit

_COLUMNS: Final = "r.key, r.name, r.base, r.granted, r.revoked, r.version"
_LOCKS: Final = {None: "", "share": "for share", "update": "for update"}


def _role(row: asyncpg.Record) -> Role:
    values: dict[str, Any] = {**dict(row), "granted": tuple(row["granted"]), "revoked": tuple(row["revoked"])}
    return Role(**values)


async def find_role(unit: Unit, *, key: str, lock: Literal["share", "update"] | None = None) -> Role | None:
    """Return a role of the unit's workspace; a built-in one is there even when no row says anything about it.

    With `share` an added role is not deleted until the transaction ends, with `update` it is not changed either.
    """
    row = await unit.row(
        f"select {_COLUMNS} from roles r where r.workspace_id = :workspace and r.key = :key {_LOCKS[lock]}", key=key
    )
    if row is not None:
        return _role(row)
    return built_in(key) if key in ROLES else None


async def list_stored(unit: Unit, *, lock: bool = False) -> list[Role]:
    rows = await unit.rows(
        f"""
        select {_COLUMNS} from roles r where r.workspace_id = :workspace
        order by r.key {"for update" if lock else ""}
        """
    )
    return [_role(row) for row in rows]


async def lock_roles(unit: Unit) -> None:
    """Have roles be added, renamed and deleted one after the other, until the transaction ends."""
    await unit.value("select pg_advisory_xact_lock(hashtextextended('roles ' || :workspace::uuid, 0))")


async def ensure_row(unit: Unit, role: Role) -> None:
    """Write down a built-in role as it comes, so that it can be locked and changed."""
    await unit.run(
        """
        insert into roles (workspace_id, key, name, base, version) values (:workspace, :key, :name, :base, 0)
        on conflict (workspace_id, key) do nothing
        """,
        key=role.key,
        name=role.name,
        base=role.base,
    )


async def insert_role(unit: Unit, role: Role) -> bool:
    """Say whether the key was free."""
    inserted = await unit.run(
        """
        insert into roles (workspace_id, key, name, base, granted, revoked)
        values (:workspace, :key, :name, :base, :granted, :revoked)
        on conflict (workspace_id, key) do nothing
        """,
        key=role.key,
        name=role.name,
        base=role.base,
        granted=list(role.granted),
        revoked=list(role.revoked),
    )
    return inserted == 1


async def update_role(unit: Unit, role: Role) -> Role:
    row = await unit.row(
        f"""
        update roles r set name = :name, granted = :granted, revoked = :revoked, version = r.version + 1
        where r.workspace_id = :workspace and r.key = :key
        returning {_COLUMNS}
        """,
        key=role.key,
        name=role.name,
        granted=list(role.granted),
        revoked=list(role.revoked),
    )
    assert row is not None  # noqa: S101 - locked by the caller
    return _role(row)


async def delete_role(unit: Unit, *, key: str) -> None:
    await unit.run("delete from roles where workspace_id = :workspace and key = :key", key=key)


async def has_name(unit: Unit, *, name: str, besides: str | None) -> bool:
    return await unit.value(
        """
        select exists (
            select 1 from roles r
            where r.workspace_id = :workspace and lower(r.name) = lower(:name) and r.key is distinct from :besides
        )
        """,
        name=name,
        besides=besides,
    )


async def count_members(unit: Unit) -> dict[str, int]:
    """Return how many members hold each role, those included who have not accepted their invitation yet."""
    rows = await unit.rows(
        "select m.role, count(*) as members from memberships m where m.workspace_id = :workspace group by m.role"
    )
    return {row["role"]: row["members"] for row in rows}


async def lock_memberships(unit: Unit, *, workspace_id: UUID, member_ids: list[UUID]) -> list[asyncpg.Record]:
    """Lock these memberships and those of all owners, in one order, and return them as they stand."""
    return await unit.rows(
        """
        select m.member_id, m.role, m.status = 'active' and u.is_active as counts
        from memberships m join users u on u.id = m.user_id
        where m.workspace_id = :workspace_id and (m.role = 'owner' or m.member_id = any(:ids::uuid[]))
        order by m.member_id for no key update of m
        """,
        workspace_id=workspace_id,
        ids=member_ids,
    )


async def lock_holders(unit: Unit, *, key: str) -> list[UUID]:
    """Lock the memberships of everybody who holds a role, and return who they are."""
    rows = await unit.rows(
        """
        select m.member_id from memberships m where m.workspace_id = :workspace and m.role = :key
        order by m.member_id for no key update
        """,
        key=key,
    )
    return [row["member_id"] for row in rows]


async def set_role(unit: Unit, *, member_ids: list[UUID], key: str, now: datetime) -> None:
    """Give members a role, where it decides and where lists read it."""
    await unit.run(
        """
        update memberships set role = :key where workspace_id = :workspace and member_id = any(:ids::uuid[])
        """,
        ids=member_ids,
        key=key,
    )
    await unit.run(
        """
        update members m set role = :key, updated_at = :now, version = m.version + 1
        where m.workspace_id = :workspace and m.id = any(:ids::uuid[])
        """,
        ids=member_ids,
        key=key,
        now=now,
    )
