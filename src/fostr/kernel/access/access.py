"""What a caller may do in a workspace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from fostr.kernel.access.catalogue import ADMINISTRATORS, ALWAYS_EVERYTHING, get_permission
from fostr.kernel.auth.principals import Scope

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from fostr.kernel.access.catalogue import Permission
    from fostr.kernel.auth.principals import Principal

DecidedBy: TypeAlias = Literal["scope", "owner", "role", "override", "administrator", "ownership", "grant"]
"""The kind of rule that decided: the credential's scope, the owner's role, which holds everything, a role as it comes,
what the workspace changed about a role, an administrator's reach, ownership of the object, or a grant on it."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether something is allowed, and the rule or grant that decided.

    Attributes:
        allowed: the answer.
        reason: what decided, for the person who asks why.
        decided_by: the kind of rule that did.
    """

    allowed: bool
    reason: str
    decided_by: DecidedBy

    def __bool__(self) -> bool:
        """Return the answer."""
        return self.allowed


@dataclass(frozen=True, slots=True)
class Access:
    """A caller inside a workspace, as the membership stands at this moment.

    Attributes:
        principal: who is calling.
        workspace_id: where.
        workspace_slug: the workspace's name in addresses.
        member_id: the caller as a member of the workspace.
        role: the role's key, a custom one possibly.
        base_role: the built-in role that it is, or builds on.
        permissions: what the role holds, workspace overrides included.
        overrides: the permissions that the workspace granted to the role, or took from it.
        rights_epoch: counts changes of rights in the workspace; cached rights of an older epoch are void.
        switched_modules: the modules that the workspace switched the other way than they are by default.
    """

    principal: Principal
    workspace_id: UUID
    workspace_slug: str
    member_id: UUID
    role: str
    base_role: str
    permissions: frozenset[str]
    rights_epoch: int
    overrides: frozenset[str] = frozenset()
    switched_modules: Sequence[str] = ()

    @property
    def is_administrator(self) -> bool:
        """Whether the caller is an owner or an administrator of the workspace."""
        return self.base_role in ADMINISTRATORS

    def has(self, permission: str) -> bool:
        """Say whether the caller's role and credential both allow a permission."""
        return self.decide(permission).allowed

    def decide(self, permission: str) -> Decision:
        """Return whether the caller's role and credential both allow a permission, and why."""
        scope = self.principal.scope
        if not scope_allows(scope, permission):
            return Decision(allowed=False, reason=f"the credential's scope is {scope.label}", decided_by="scope")
        return self.decide_by_role(permission)

    def decide_by_role(self, permission: str) -> Decision:
        """Return whether the caller's role holds a permission, and why, whatever their credential allows."""
        allowed = permission in self.permissions
        verb = "holds" if allowed else "does not hold"
        if self.base_role == ALWAYS_EVERYTHING:
            return Decision(allowed, f"role {self.role} holds every permission", decided_by="owner")
        if permission in self.overrides:
            changed = "granted to" if allowed else "taken from"
            return Decision(allowed, f"this workspace has {permission} {changed} role {self.role}", "override")
        return Decision(allowed, f"role {self.role} {verb} {permission}", decided_by="role")


def required_scope(permission: Permission) -> Scope:
    """Return the least scope of a credential that may be used for a permission."""
    if permission.administers:
        return Scope.ADMIN
    return Scope.WRITE if permission.writes else Scope.READ


def scope_allows(scope: Scope, permission: str) -> bool:
    """Say whether a credential of `scope` may be used for a permission."""
    return scope >= required_scope(get_permission(permission))
