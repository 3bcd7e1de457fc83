"""Operations on permissions, and on the roles that hold them."""

from typing import Annotated, TypeAlias

from fastapi import Depends, Path, Query

from fostr.domains.workspaces.permissions import MANAGE_PERMISSIONS, VIEW_ROLES
from fostr.domains.workspaces.roles import service
from fostr.domains.workspaces.roles.errors import (
    ObjectUnknown,
    OwnerFixed,
    PermissionNotHeld,
    PermissionReserved,
    PermissionsUnknown,
    PermissionUnknown,
    RoleBuiltIn,
    RoleInUse,
    RoleMovesNowhere,
    RoleNameTaken,
    RoleNotFound,
    RoleTooHigh,
    TooManyRoles,
)
from fostr.domains.workspaces.roles.schemas import (
    CatalogueEntry,
    ObjectReference,
    OwnPermissions,
    PermissionCheck,
    PermissionName,
    RoleCreate,
    RoleInfo,
    RoleKey,
    RolePermissionUpdate,
    RoleUpdate,
    Seeded,
)
from fostr.kernel.http.concurrency import ExpectedVersion, IfMatchInvalid
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import StaleUpdate, raises
from fostr.kernel.http.guards import in_workspace
from fostr.kernel.http.paging import Page
from fostr.kernel.http.routing import Router
from fostr.kernel.http.scopes import Impersonating, PersonRequired, RecentSignInRequired

router = Router(prefix="/permissions", tags=["Permissions"])

Member = Annotated[Context, in_workspace(None)]
Managing = Annotated[Context, in_workspace(MANAGE_PERMISSIONS)]
Key = Annotated[RoleKey, Path(description="`owner`, `admin`, `member`, `viewer`, or a role of the workspace.")]

Groups: TypeAlias = dict[str, list[CatalogueEntry]]

_CHANGING = (RoleNotFound, OwnerFixed, RoleTooHigh, PermissionNotHeld)
_GRANTING = (*_CHANGING, PermissionsUnknown, PermissionReserved, StaleUpdate, IfMatchInvalid)


@router.get("")
async def list(  # noqa: A001 - endpoints are bare verbs
    context: Member,
    resource: Annotated[
        str | None, Query(max_length=100, description="Only those about this kind of thing, such as `member`.")
    ] = None,
) -> Page[CatalogueEntry]:
    """List everything that a role may allow.

    All of it at once, by kind of thing.
    """
    del context
    entries = service.list_catalogue(resource=resource)
    return Page(items=entries, total=len(entries), has_more=False)


@router.get("/grouped")
async def group(context: Member) -> Groups:
    """List everything that a role may allow, by the kind of thing that it is about."""
    del context
    return service.group_catalogue()


@router.get("/me")
async def describe(context: Member) -> OwnPermissions:
    """Show what the caller may do here.

    `permissions` is what their role allows at this moment; `usable` leaves out what the credential's scope does not
    cover.
    """
    return service.describe_own(context)


async def read_object(
    object_type: Annotated[
        str | None, Query(max_length=50, description="With `object_id`: the kind of thing to ask about, `recordset`.")
    ] = None,
    object_id: Annotated[str | None, Query(max_length=100, description="Its id or slug.")] = None,
) -> ObjectReference | None:
    """Return the one thing that is asked about, if one is."""
    if object_type is None and object_id is None:
        return None
    if object_type is None or object_id is None:
        raise ObjectUnknown("Name both object_type and object_id, or neither.")
    return ObjectReference(kind=object_type, reference=object_id)


@router.get("/check/{permission}", responses=raises(PermissionUnknown, ObjectUnknown))
async def check(
    context: Member,
    permission: Annotated[PermissionName, Path()],
    on: Annotated[ObjectReference | None, Depends(read_object)],
) -> PermissionCheck:
    """Say whether the caller has a permission, and why.

    `decided_by` names the rule: the scope of the credential, the owner's role, the role as it comes, or what this
    workspace changed about it. Asked about one thing, it may also be an administrator's reach, ownership, or a grant.
    """
    return await service.explain(context, permission=permission, on=on)


@router.get("/roles")
async def list_roles(context: Annotated[Context, in_workspace(VIEW_ROLES)]) -> dict[str, RoleInfo]:
    """Show what each role allows, by its key.

    The built-in roles and those of the workspace. For owners and administrators.
    """
    return await service.list_roles(context)


@router.post(
    "/roles",
    status_code=201,
    responses=raises(
        RoleTooHigh, PermissionNotHeld, PermissionsUnknown, PermissionReserved, RoleNameTaken, TooManyRoles
    ),
)
async def create_role(context: Managing, data: RoleCreate) -> RoleInfo:
    """Add a role to the workspace.

    It builds on a built-in role and ranks as that one does. Its key is made from its name and never changes. Nobody
    makes a role that allows what their own does not.
    """
    return await service.create_role(context, data=data)


@router.get("/roles/{role}", responses=raises(RoleNotFound))
async def get_role(context: Member, role: Key) -> RoleInfo:
    """Show what one role allows.

    Everybody sees their own role; others are for owners and administrators.
    """
    return await service.get_role(context, key=role)


@router.patch(
    "/roles/{role}",
    responses=raises(*_GRANTING, RoleNameTaken, RoleBuiltIn),
)
async def update_role(context: Managing, role: Key, data: RoleUpdate, expected_version: ExpectedVersion) -> RoleInfo:
    """Change what a role allows, or what it is called.

    Permissions that are left out stay as they are. The change holds from the next request on, for every session, token
    and key of its members. Owners' permissions cannot be changed, nobody changes a role above their own, and nobody
    hands on what they do not hold.
    """
    return await service.update_role(context, key=role, data=data, expected_version=expected_version)


@router.patch(
    "/roles/{role}/permission",
    responses=raises(*_GRANTING),
)
async def set_permission(
    context: Managing, role: Key, data: RolePermissionUpdate, expected_version: ExpectedVersion
) -> RoleInfo:
    """Let a role allow one thing, or no longer.

    As when several are changed at once.
    """
    return await service.set_permission(
        context, key=role, permission=data.permission, allowed=data.allowed, expected_version=expected_version
    )


@router.post("/roles/{role}/reset", responses=raises(*_CHANGING))
async def reset_role(context: Managing, role: Key) -> RoleInfo:
    """Undo whatever the workspace changed about what a role allows.

    A built-in role is then as it comes, a role of the workspace allows what its base does. Nobody gets back by this
    what they do not hold.
    """
    return await service.reset_role(context, key=role)


@router.delete(
    "/roles/{role}",
    status_code=204,
    responses=raises(
        RoleNotFound,
        RoleTooHigh,
        PermissionNotHeld,
        RoleBuiltIn,
        RoleInUse,
        RoleMovesNowhere,
        RecentSignInRequired,
        PersonRequired,
        Impersonating,
    ),
)
async def delete_role(
    context: Managing,
    role: Key,
    move_to: Annotated[RoleKey | None, Query(description="The role that its members get.")] = None,
) -> None:
    """Delete a role of the workspace.

    While members hold it, `move_to` says which role they get; without that it is refused, with their number. To make
    them owners takes a recent sign-in.
    """
    await service.delete_role(context, key=role, move_to=move_to)


@router.post("/seed", status_code=201)
async def seed(context: Managing) -> Seeded:
    """Bring the roles of the workspace in step with the catalogue.

    New permissions have their defaults in every workspace by themselves; this takes out of the stored roles the names
    that no longer exist. What the workspace changed stays. Done again, it changes nothing.
    """
    return await service.seed(context)
