"""What a caller may do in a workspace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fostr.kernel.access.catalogue import get_permission
from fostr.kernel.auth.principals import Scope

if TYPE_CHECKING:
    from uuid import UUID

    from fostr.kernel.auth.principals import Principal

_UNRESTRICTED: Final = frozenset({"owner", "admin"})


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether something is allowed, and the rule or grant that decided.

    Attributes:
        allowed: the answer.
        reason: what decided, for the person who asks why.
    """

    allowed: bool
    reason: str

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
        rights_epoch: counts changes of rights in the workspace; cached rights of an older epoch are void.
    """

    principal: Principal
    workspace_id: UUID
    workspace_slug: str
    member_id: UUID
    role: str
    base_role: str
    permissions: frozenset[str]
    rights_epoch: int

    @property
    def is_administrator(self) -> bool:
        """Whether the caller is an owner or an administrator of the workspace."""
        return self.base_role in _UNRESTRICTED

    def has(self, permission: str) -> bool:
        """Say whether the caller's role and credential both allow a permission."""
        return self.decide(permission).allowed

    def decide(self, permission: str) -> Decision:
        """Return whether the caller's role and credential both allow a permission, and why."""
        if not scope_allows(self.principal.scope, permission):
            return Decision(allowed=False, reason=f"the credential's scope is {self.principal.scope.label}")
        if permission in self.permissions:
            return Decision(allowed=True, reason=f"role {self.role} holds {permission}")
        return Decision(allowed=False, reason=f"role {self.role} does not hold {permission}")


def scope_allows(scope: Scope, permission: str) -> bool:
    """Say whether a credential of `scope` may be used for a permission."""
    entry = get_permission(permission)
    if entry.administers:
        return scope >= Scope.ADMIN
    return scope >= Scope.WRITE or not entry.writes
