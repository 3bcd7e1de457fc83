"""What can be done with permissions and roles."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from fostr.domains.workspaces.members.repository import increase_rights_epoch
from fostr.domains.workspaces.permissions import VIEW_ROLES
from fostr.domains.workspaces.roles import repository
from fostr.domains.workspaces.roles.errors import (
    ObjectUnknown,
    OwnerFixed,
    PermissionUnknown,
    RoleBuiltIn,
    RoleInUse,
    RoleMovesNowhere,
    RoleNameTaken,
    RoleNotFound,
    TooManyRoles,
)
from fostr.domains.workspaces.roles.events import ROLE_CREATED, ROLE_DELETED, ROLE_MEMBERS_MOVED, ROLE_UPDATED
from fostr.domains.workspaces.roles.rules import (
    MOST_ROLES,
    Role,
    built_in,
    change_permissions,
    check_assignable,
    check_grantable,
    check_hands_on,
    check_names,
    check_rank,
    make_key,
    prune,
    role_id,
)
from fostr.domains.workspaces.roles.schemas import (
    CatalogueEntry,
    ObjectReference,
    OwnPermissions,
    PermissionCheck,
    PrunedRole,
    RoleCreate,
    RoleInfo,
    RoleUpdate,
    Seeded,
)
from fostr.kernel.access.access import Decision, required_scope, scope_allows
from fostr.kernel.access.catalogue import (
    ALWAYS_EVERYTHING,
    ROLES,
    Permission,
    find_permission,
    list_permissions,
    role_permissions,
)
from fostr.kernel.access.explaining import find_explainer
from fostr.kernel.events.outbox import record
from fostr.kernel.http.concurrency import check_version
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import Forbidden
from fostr.kernel.http.scopes import check_recent


def list_catalogue(*, resource: str | None) -> list[CatalogueEntry]:
    return [_entry(each) for each in list_permissions() if resource is None or each.resource == resource]


def group_catalogue() -> dict[str, list[CatalogueEntry]]:
    groups: dict[str, list[CatalogueEntry]] = {}
    for entry in list_catalogue(resource=None):
        groups.setdefault(entry.resource, []).append(entry)
    return groups


def _entry(permission: Permission) -> CatalogueEntry:
    return CatalogueEntry(
        name=permission.name,
        resource=permission.resource,
        label=permission.label,
        default_roles=[role for role in ROLES if permission.name in role_permissions(role)],
        scope=required_scope(permission).label,
        is_reserved=permission.reserved,
    )


def describe_own(context: Context) -> OwnPermissions:
    access, scope = context.access, context.principal.scope
    held = sorted(access.permissions)
    return OwnPermissions(
        role=access.role,
        base_role=access.base_role,
        permissions=held,
        scope=scope.label,
        usable=[name for name in held if scope_allows(scope, name)],
    )


async def explain(context: Context, *, permission: str, on: ObjectReference | None) -> PermissionCheck:
    """Say whether the caller has a permission, here or on one thing, and which rule decided."""
    found = find_permission(permission)
    if found is None:
        raise PermissionUnknown(permission=permission)
    decision = context.access.decide(permission) if on is None else await _decide_on(context, permission, on)
    return PermissionCheck(
        permission=permission,
        allowed=decision.allowed,
        decided_by=decision.decided_by,
        reason=decision.reason,
        role=context.access.role,
        role_allows=context.access.decide_by_role(permission).allowed,
        scope=context.principal.scope.label,
        required_scope=required_scope(found).label,
    )


async def _decide_on(context: Context, permission: str, on: ObjectReference) -> Decision:
    explain_one = find_explainer(on.kind)
    decision = None if explain_one is None else await explain_one(context, on.reference, permission)
    if decision is None:
        raise ObjectUnknown
    return decision


async def list_roles(context: Context) -> dict[str, RoleInfo]:
    """Return every role by its key: the built-in ones by falling rank, then those of the workspace."""
    stored = {role.key: role for role in await repository.list_stored(context.unit)}
    counts = await repository.count_members(context.unit)
    keys = [*ROLES, *(key for key in stored if key not in ROLES)]
    return {key: _info(stored.get(key) or built_in(key), members=counts.get(key, 0)) for key in keys}


async def get_role(context: Context, *, key: str) -> RoleInfo:
    """Return the caller's own role, or any to those who may see what others are allowed."""
    if key != context.access.role and not context.access.has(VIEW_ROLES):
        raise Forbidden(permission=VIEW_ROLES)
    role = await repository.find_role(context.unit, key=key)
    if role is None:
        raise RoleNotFound
    return await _shown(context, role)


async def create_role(context: Context, *, data: RoleCreate) -> RoleInfo:
    unit, access = context.unit, context.access
    wanted = frozenset(data.permissions) if data.permissions is not None else role_permissions(data.base)
    check_names(wanted)
    check_grantable(wanted, base=data.base)
    role = built_in(data.base)
    role = change_permissions(
        replace(role, name=data.name), {name: name in wanted for name in role.permissions | wanted}
    )
    check_assignable(access, role)
    await repository.lock_roles(unit)
    await _check_name_free(context, name=data.name, besides=None)
    if sum(each.is_custom for each in await repository.list_stored(unit)) >= MOST_ROLES:
        raise TooManyRoles
    role = await _insert_role(context, role)
    await _tell(context, ROLE_CREATED, before=None, after=role)
    return await _shown(context, role)


async def _insert_role(context: Context, role: Role) -> Role:
    plain, number = make_key(role.name), 1
    made = replace(role, key=plain, version=1)
    while not made.is_custom or not await repository.insert_role(context.unit, made):
        number += 1
        made = replace(made, key=f"{plain}_{number}")
    return made


async def _check_name_free(context: Context, *, name: str, besides: str | None) -> None:
    if name.lower() in ROLES or await repository.has_name(context.unit, name=name, besides=besides):
        raise RoleNameTaken


async def update_role(context: Context, *, key: str, data: RoleUpdate, expected_version: int | None) -> RoleInfo:
    await repository.lock_roles(context.unit)
    before = await _lock_role(context, key=key)
    check_version(expected=expected_version, current=before.version)
    check_names(data.permissions)
    check_grantable((name for name, allowed in data.permissions.items() if allowed), base=before.base)
    after = change_permissions(before, data.permissions)
    if "name" in data.model_fields_set and data.name != before.name:
        if not before.is_custom:
            raise RoleBuiltIn
        await _check_name_free(context, name=data.name, besides=key)
        after = replace(after, name=data.name)
    return await _change(context, before=before, after=after)


async def set_permission(
    context: Context, *, key: str, permission: str, allowed: bool, expected_version: int | None
) -> RoleInfo:
    data = RoleUpdate(permissions={permission: allowed})
    return await update_role(context, key=key, data=data, expected_version=expected_version)


async def reset_role(context: Context, *, key: str) -> RoleInfo:
    before = await _lock_role(context, key=key)
    return await _change(context, before=before, after=replace(before, granted=(), revoked=()))


async def _lock_role(context: Context, *, key: str) -> Role:
    """Return a role that the caller may change, locked; nobody changes what owners may do."""
    if key == ALWAYS_EVERYTHING:
        raise OwnerFixed
    if key in ROLES:
        await repository.ensure_row(context.unit, built_in(key))
    role = await repository.find_role(context.unit, key=key, lock="update")
    if role is None:
        raise RoleNotFound
    check_rank(context.access, role)
    return role


async def _change(context: Context, *, before: Role, after: Role) -> RoleInfo:
    check_hands_on(context.access, after.permissions - before.permissions)
    if after != before:
        after = await repository.update_role(context.unit, after)
        await _tell(context, ROLE_UPDATED, before=before, after=after)
    return await _shown(context, after)


async def delete_role(context: Context, *, key: str, move_to: str | None) -> None:
    """Delete a role that the workspace added; its members get another one first."""
    unit = context.unit
    if key in ROLES:
        raise RoleBuiltIn
    await repository.lock_roles(unit)
    role = await _lock_role(context, key=key)
    target = None if move_to is None else await _find_target(context, role=role, key=move_to)
    if holders := await repository.lock_holders(unit, key=key):
        if target is None:
            raise RoleInUse(members=len(holders))
        await _move(context, holders, source=key, target=target.key)
    await repository.delete_role(unit, key=key)
    await _tell(context, ROLE_DELETED, before=role, after=None)


async def _move(context: Context, holders: list[UUID], *, source: str, target: str) -> None:
    await repository.set_role(context.unit, member_ids=holders, key=target, now=context.now)
    await record(
        context,
        type=ROLE_MEMBERS_MOVED,
        entity="role",
        entity_id=role_id(context.workspace_id, source),
        before={"key": source, "member_ids": holders},
        after={"key": target, "member_ids": holders},
    )


async def _find_target(context: Context, *, role: Role, key: str) -> Role:
    if key == role.key:
        raise RoleMovesNowhere
    target = await repository.find_role(context.unit, key=key, lock="share")
    if target is None:
        raise RoleNotFound(role=key)
    check_assignable(context.access, target)
    if target.key == ALWAYS_EVERYTHING:
        check_recent(context, tokens=True)
    return target


async def seed(context: Context) -> Seeded:
    """Bring the stored roles in step with the catalogue: what is new has its defaults already, what is gone goes."""
    pruned: list[PrunedRole] = []
    for before in await repository.list_stored(context.unit, lock=True):
        after = prune(before)
        if after != before:
            gone = {*before.granted, *before.revoked} - {*after.granted, *after.revoked}
            pruned.append(PrunedRole(role=before.key, removed=sorted(gone)))
            await _tell(context, ROLE_UPDATED, before=before, after=await repository.update_role(context.unit, after))
    return Seeded(permission_count=len(list_permissions()), pruned=pruned, roles=await list_roles(context))


async def _tell(context: Context, what: str, *, before: Role | None, after: Role | None) -> None:
    """Record what happened to a role, and void the rights that were computed with it."""
    subject = after or before
    assert subject is not None  # noqa: S101 - every caller has one of them
    await record(
        context,
        type=what,
        entity="role",
        entity_id=role_id(context.workspace_id, subject.key),
        before=None if before is None else _state(before),
        after=None if after is None else _state(after),
    )
    await increase_rights_epoch(context.unit, workspace_ids=[context.workspace_id])


def _state(role: Role) -> dict[str, Any]:
    return {
        "key": role.key,
        "name": role.name,
        "base": role.base,
        "granted": list(role.granted),
        "revoked": list(role.revoked),
    }


async def _shown(context: Context, role: Role) -> RoleInfo:
    counts = await repository.count_members(context.unit)
    return _info(role, members=counts.get(role.key, 0))


def _info(role: Role, *, members: int) -> RoleInfo:
    return RoleInfo(
        key=role.key,
        name=role.name,
        base=role.base,
        is_custom=role.is_custom,
        permissions=sorted(role.permissions),
        granted=list(role.granted),
        revoked=list(role.revoked),
        member_count=members,
        version=role.version,
    )
