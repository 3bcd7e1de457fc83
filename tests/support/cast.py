"""The cast: two workspaces, and the people in them.

`acme` has an owner, an administrator, a member and a viewer; `stranger` owns `globex` and knows nothing of `acme`. Each
person signs in with a personal access token of the widest scope, so that a refusal is about the person's rights.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from fostr.domains.workspaces.public import add_member, provision_workspace
from fostr.kernel import clock
from fostr.kernel.crypto.tokens import digest_token, mint_token
from fostr.kernel.ids import new_id

if TYPE_CHECKING:
    from fostr.kernel.db.unit import Unit
    from fostr.kernel.runtime import Runtime

ROLES: Final = ("owner", "admin", "member", "viewer")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the cast.

    Attributes:
        token: a personal access token of scope `admin`.
        member_id: who they are in their workspace.
    """

    name: str
    user_id: UUID
    email: str
    token: str = field(repr=False)
    workspace_id: UUID
    member_id: UUID


@dataclass(frozen=True, slots=True)
class Cast:
    """Everybody, and both workspaces."""

    acme: UUID
    globex: UUID
    owner: Person
    admin: Person
    member: Person
    viewer: Person
    stranger: Person

    def people(self) -> list[Person]:
        """Return the people of acme by falling rights."""
        return [self.owner, self.admin, self.member, self.viewer]


async def create_user(runtime: Runtime, name: str) -> tuple[UUID, str]:
    """Insert a person with a unique address; return their id and the address."""
    async with runtime.database.unit() as unit:
        return await _insert_user(unit, name)


async def _insert_user(unit: Unit, name: str) -> tuple[UUID, str]:
    user_id = new_id()
    email = f"{name}.{user_id.hex[-12:]}@example.test"
    await unit.run(
        "insert into users (id, email, full_name, email_verified_at) values (:id, :email, :full_name, :now)",
        id=user_id,
        email=email,
        full_name=f"{name.title()} Example",
        now=clock.now(),
    )
    return user_id, email


async def create_token(
    runtime: Runtime,
    user_id: UUID,
    *,
    scope: str = "admin",
    workspace_id: UUID | None = None,
    lifetime: timedelta | None = None,
) -> str:
    """Insert a personal access token, or an API key when a workspace is given, and return it."""
    async with runtime.database.unit() as unit:
        return await _insert_token(unit, user_id, scope=scope, workspace_id=workspace_id, lifetime=lifetime)


async def _insert_token(
    unit: Unit,
    user_id: UUID,
    *,
    scope: str = "admin",
    workspace_id: UUID | None = None,
    lifetime: timedelta | None = None,
) -> str:
    token = mint_token("fos_live" if workspace_id else "fos_pat")
    await unit.run(
        """
        insert into tokens (id, kind, digest, hint, name, scope, user_id, workspace_id, expires_at, last_used_at)
        values (:id, :kind, :digest, :hint, 'test', :scope, :user_id, :workspace_id, :expires_at, :now)
        """,
        id=new_id(),
        kind="api_key" if workspace_id else "pat",
        digest=digest_token(token),
        hint=token[-4:],
        scope=scope,
        user_id=user_id,
        workspace_id=workspace_id,
        expires_at=clock.now() + lifetime if lifetime is not None else None,
        now=clock.now(),
    )
    return token


async def _spare_notices(unit: Unit) -> None:
    """Let nobody be notified of whom this transaction made a member: of all that tests drain, it was most."""
    await unit.run(
        """
        insert into event_cursors (consumer, workspace_id, position)
        select 'notifications', :workspace, max(e.position) from events e where e.workspace_id = :workspace
        """,
    )


async def create_cast(runtime: Runtime) -> Cast:
    """Make a fresh cast; nothing in it is shared with another test."""
    async with runtime.database.unit() as unit:
        users = {name: await _insert_user(unit, name) for name in (*ROLES, "stranger")}
        tokens = {name: await _insert_token(unit, user_id) for name, (user_id, _) in users.items()}
    async with runtime.database.unit() as unit:
        acme = await provision_workspace(unit, name="Acme", owner_user_id=users["owner"][0])
    members: dict[str, UUID] = {"owner": acme.member_id}
    async with runtime.database.unit(acme.id) as unit:
        for role in ROLES[1:]:
            added = await add_member(unit, workspace_id=acme.id, user_id=users[role][0], role=role)
            members[role] = added.id
        await _spare_notices(unit)
    async with runtime.database.unit() as unit:
        globex = await provision_workspace(unit, name="Globex", owner_user_id=users["stranger"][0])
    members["stranger"] = globex.member_id
    people = {
        name: Person(
            name=name,
            user_id=user_id,
            email=email,
            token=tokens[name],
            workspace_id=globex.id if name == "stranger" else acme.id,
            member_id=members[name],
        )
        for name, (user_id, email) in users.items()
    }
    return Cast(acme=acme.id, globex=globex.id, **people)


async def join(runtime: Runtime, cast: Cast, role: str) -> Person:
    """Return one more member of acme."""
    user_id, email = await create_user(runtime, "fifth")
    async with runtime.database.unit(cast.acme) as unit:
        member = await add_member(unit, workspace_id=cast.acme, user_id=user_id, role=role)
    token = await create_token(runtime, user_id)
    return Person("fifth", user_id, email, token=token, workspace_id=cast.acme, member_id=member.id)
