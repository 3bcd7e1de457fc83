"""The catalogue of permissions, which each domain extends, and what each role holds of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

BuiltInRole: TypeAlias = Literal["owner", "admin", "member", "viewer"]
ROLES: Final[tuple[BuiltInRole, ...]] = ("owner", "admin", "member", "viewer")
ALWAYS_EVERYTHING: Final = "owner"
ADMINISTRATORS: Final = frozenset(ROLES[:2])
"""Roles that build on one of these administer the workspace."""


@dataclass(frozen=True, slots=True)
class Permission:
    """Something that a role may allow.

    Attributes:
        name: `can_<verb>_<thing>`, unique.
        resource: the kind of thing, by which the catalogue is grouped.
        label: what a person reads.
        roles: the built-in roles that hold it unless a workspace says otherwise. Owners always do.
        writes: whether it changes anything; a credential of scope `read` never carries it.
        administers: whether it needs a credential of scope `admin`.
        reserved: whether only roles that build on `owner` or `admin` can hold it, whatever a workspace says.
    """

    name: str
    resource: str
    label: str
    roles: frozenset[BuiltInRole]
    writes: bool = True
    administers: bool = False
    reserved: bool = False


_catalogue: dict[str, Permission] = {}


def register_permissions(permissions: Iterable[Permission]) -> None:
    """Add a domain's permissions to the catalogue.

    Raises:
        ValueError: a name is taken.
    """
    for permission in permissions:
        if permission.name in _catalogue and _catalogue[permission.name] != permission:
            message = f"permission {permission.name} is registered twice"
            raise ValueError(message)
        _catalogue[permission.name] = permission
    role_permissions.cache_clear()


def get_permission(name: str) -> Permission:
    """Return a permission by its name; an unknown one is an error of the program."""
    return _catalogue[name]


def find_permission(name: str) -> Permission | None:
    """Return a permission by a name that somebody gave, or None when there is none."""
    return _catalogue.get(name)


def list_permissions() -> list[Permission]:
    """Return the whole catalogue, by resource and name."""
    return sorted(_catalogue.values(), key=lambda permission: (permission.resource, permission.name))


def rank_of(base: str) -> int:
    """Return how high a built-in role stands: 4 for owners, 1 for viewers, 0 for what is no role.

    A role of a workspace stands as high as the one that it builds on.
    """
    return len(ROLES) - ROLES.index(base) if base in ROLES else 0


def can_be_granted(permission: Permission, *, base: str) -> bool:
    """Say whether a role that builds on `base` can hold a permission at all."""
    return base in ADMINISTRATORS or not permission.reserved


@lru_cache(maxsize=4096)
def role_permissions(base: str, granted: tuple[str, ...] = (), revoked: tuple[str, ...] = ()) -> frozenset[str]:
    """Return what a role holds: its built-in set, with what the workspace granted and revoked.

    Args:
        base: the built-in role that it is, or builds on.
        granted: names that the workspace added; without effect for reserved ones on a role of little rank.
        revoked: names that the workspace took away; without effect on the owner.
    """
    if base == ALWAYS_EVERYTHING:
        return frozenset(_catalogue)
    built_in = {name for name, permission in _catalogue.items() if base in permission.roles}
    added = {name for name in granted if name in _catalogue and can_be_granted(_catalogue[name], base=base)}
    return frozenset((built_in | added) - set(revoked))
