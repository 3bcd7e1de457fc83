"""What a role is, how it changes, and who may hand it on."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID, uuid5

from fostr.domains.workspaces.roles.errors import (
    PermissionNotHeld,
    PermissionReserved,
    PermissionsUnknown,
    RoleTooHigh,
)
from fostr.kernel.access.access import Access
from fostr.kernel.access.catalogue import ROLES, can_be_granted, find_permission, rank_of, role_permissions

MOST_ROLES: Final = 100
"""Roles that a workspace may add; far beyond what people can tell apart."""

_LONGEST_KEY: Final = 48


@dataclass(frozen=True, slots=True)
class Role:
    """A role as it stands in a workspace: a built-in one, with what was changed about it, or an added one.

    Attributes:
        key: its name in the API; never changes.
        base: the built-in role that it is, or builds on.
        granted: permissions beyond those of the base.
        revoked: permissions of the base that it lacks.
        version: 0 for a built-in role that was never changed.
    """

    key: str
    name: str
    base: str
    granted: tuple[str, ...]
    revoked: tuple[str, ...]
    version: int

    @property
    def permissions(self) -> frozenset[str]:
        """What its members may do."""
        return role_permissions(self.base, self.granted, self.revoked)

    @property
    def is_custom(self) -> bool:
        """Whether the workspace added it."""
        return self.key not in ROLES

    @property
    def rank(self) -> int:
        """How high it stands among the roles."""
        return rank_of(self.base)


def role_id(workspace_id: UUID, key: str) -> UUID:
    """Return the id by which events name a role; built-in ones have no row that could keep one."""
    return uuid5(workspace_id, f"role {key}")


def make_key(name: str) -> str:
    """Return a name's letters and digits in plain ASCII, joined by underscores."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", errors="ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "_", plain)[:_LONGEST_KEY].strip("_") or "role"


def change_permissions(role: Role, changes: Mapping[str, bool]) -> Role:
    """Return a role with some permissions given or taken; only what differs from its base is kept."""
    base = role_permissions(role.base)
    wanted = (role.permissions | {name for name, allowed in changes.items() if allowed}) - {
        name for name, allowed in changes.items() if not allowed
    }
    return replace(role, granted=tuple(sorted(wanted - base)), revoked=tuple(sorted(base - wanted)))


def prune(role: Role) -> Role:
    """Return a role without the names that the catalogue no longer has."""
    return replace(
        role,
        granted=tuple(name for name in role.granted if find_permission(name)),
        revoked=tuple(name for name in role.revoked if find_permission(name)),
    )


def check_names(names: Iterable[str]) -> None:
    """Refuse names that are not in the catalogue.

    Raises:
        PermissionsUnknown: with all of them.
    """
    if unknown := sorted(name for name in names if find_permission(name) is None):
        raise PermissionsUnknown(f"These are no permissions: {', '.join(unknown)}.", unknown=unknown)


def check_grantable(names: Iterable[str], *, base: str) -> None:
    """Refuse permissions that a role of this base cannot hold.

    Raises:
        PermissionReserved: with all of them.
    """
    found = [find_permission(name) for name in names]
    if reserved := sorted(each.name for each in found if each is not None and not can_be_granted(each, base=base)):
        raise PermissionReserved(reserved=reserved)


def built_in(key: str) -> Role:
    """Return a role as it comes."""
    return Role(key=key, name=key.capitalize(), base=key, granted=(), revoked=(), version=0)


def check_rank(access: Access, role: Role) -> None:
    """Refuse who stands below a role.

    Raises:
        RoleTooHigh: the role stands higher than the caller's own.
    """
    if role.rank > rank_of(access.base_role):
        raise RoleTooHigh(role=role.key)


def check_hands_on(access: Access, permissions: frozenset[str]) -> None:
    """Refuse who would hand on what they do not hold themselves.

    Raises:
        PermissionNotHeld: with the names of what they lack.
    """
    if lacking := sorted(permissions - access.permissions):
        raise PermissionNotHeld(not_held=lacking)


def check_assignable(access: Access, role: Role) -> None:
    """Refuse who may not give a role to somebody.

    Raises:
        RoleTooHigh: the role stands higher than the caller's own.
        PermissionNotHeld: it allows what the caller's role does not.
    """
    check_rank(access, role)
    check_hands_on(access, role.permissions)
