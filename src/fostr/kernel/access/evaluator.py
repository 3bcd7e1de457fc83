"""From roles, ownership and grants to the three outputs that every surface uses.

A decision with its reason for one object, a SQL predicate for many, and a mask for the fields inside. Lists, single
reads, search, counts, exports, streams and events all ask here, so that no two of them can disagree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from fostr.kernel.access.access import Decision
from fostr.kernel.db.sql import Fragment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from fostr.kernel.access.access import Access, DecidedBy


@dataclass(frozen=True, slots=True)
class ActionRule:
    """What an action on an object needs.

    Attributes:
        permission: what the caller's role must hold in any case.
        grants: grants on the object, each of which is enough.
        own_grants: grants that are enough for what the caller made or owns.
    """

    permission: str
    grants: frozenset[str]
    own_grants: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ObjectPolicy:
    """How rights on one kind of object are kept.

    Attributes:
        noun: what a person calls the object.
        objects: the table of the objects, with a column `owner_id`.
        grants: the table of grants, with `member_id`, `team_id` and `actions`.
        key: the column by which grants, and the things inside, refer to the object.
        actions: the rule of each action.
    """

    noun: str
    objects: str
    grants: str
    key: str
    actions: Mapping[str, ActionRule]


@dataclass(frozen=True, slots=True)
class Standing:
    """How a caller stands to one object.

    Attributes:
        owns_object: whether the object is theirs.
        grants: what was granted to them, directly or through their teams.
    """

    owns_object: bool
    grants: frozenset[str]


class MaskedField(Protocol):
    """A field that knows the roles which may not see or not change it."""

    @property
    def key(self) -> str:
        """The field's key among the values."""
        ...

    @property
    def hidden_from(self) -> frozenset[str]:
        """Roles that may not know its value."""
        ...

    @property
    def read_only_for(self) -> frozenset[str]:
        """Roles that may not change its value."""
        ...


@dataclass(frozen=True, slots=True)
class FieldMask:
    """The fields that a caller may not see, and those that they may not change."""

    hidden: frozenset[str]
    read_only: frozenset[str]


def decide(
    access: Access,
    policy: ObjectPolicy,
    action: str,
    *,
    standing: Standing,
    is_own: bool = False,
) -> Decision:
    """Decide about one object.

    Args:
        access: the caller.
        policy: the kind of object.
        action: the name of a rule of the policy.
        standing: how the caller stands to the object.
        is_own: whether the thing inside the object that is acted upon is the caller's own.
    """
    rule = policy.actions[action]
    by_role = access.decide(rule.permission)
    if not by_role:
        return by_role
    if access.is_administrator:
        return _allowed(f"role {access.role} reaches every {policy.noun}", "administrator")
    if standing.owns_object:
        return _allowed(f"you own the {policy.noun}", "ownership")
    if granted := sorted(rule.grants & standing.grants):
        return _allowed(f"granted {granted[0]} on the {policy.noun}", "grant")
    own = sorted(rule.own_grants & standing.grants)
    if own and is_own:
        return _allowed(f"granted {own[0]} on the {policy.noun}, and it is your own", "grant")
    return Decision(allowed=False, reason=f"no grant on the {policy.noun} allows to {action}", decided_by="grant")


def _allowed(reason: str, decided_by: DecidedBy) -> Decision:
    return Decision(allowed=True, reason=reason, decided_by=decided_by)


def predicate(access: Access, policy: ObjectPolicy, action: str, *, column: str, own: str | None = None) -> Fragment:
    """Return the condition under which rows are allowed, for many objects at once.

    Args:
        access: the caller.
        policy: the kind of object.
        action: the name of a rule of the policy.
        column: the qualified column that names the object, such as `r.recordset_id`.
        own: the qualified column that names whose the thing inside is, where there is one.
    """
    rule = policy.actions[action]
    if not access.has(rule.permission):
        return Fragment("false", {})
    if access.is_administrator:
        return Fragment("true", {})
    params: dict[str, object] = {"access_member": access.member_id, "access_grants": sorted(rule.grants)}
    text = f"""({column} in (
        select o.id from {policy.objects} o where o.workspace_id = :workspace and o.owner_id = :access_member
    ) or {column} in ({_granted(policy, "access_grants")})"""
    if rule.own_grants and own is not None:
        params["access_own_grants"] = sorted(rule.own_grants)
        text += f" or ({own} = :access_member and {column} in ({_granted(policy, 'access_own_grants')}))"
    return Fragment(f"{text})", params)


def _granted(policy: ObjectPolicy, parameter: str) -> str:
    return f"""
        select g.{policy.key} from {policy.grants} g
        where g.workspace_id = :workspace and g.actions && :{parameter}::text[] and (
            g.member_id = :access_member
            or g.team_id in (
                select t.team_id from team_members t
                join teams a on a.workspace_id = :workspace and a.id = t.team_id and a.is_active
                where t.workspace_id = :workspace and t.member_id = :access_member
            )
        )
    """


def mask_fields(access: Access, fields: Sequence[MaskedField], *, owns_object: bool) -> FieldMask:
    """Return which fields a caller may not see or not change.

    Owners of the workspace and owners of the object see and change everything.
    """
    if access.base_role == "owner" or owns_object:
        return FieldMask(hidden=frozenset(), read_only=frozenset())
    roles = {access.role, access.base_role}
    hidden = {field.key for field in fields if field.hidden_from & roles}
    read_only = {field.key for field in fields if field.read_only_for & roles}
    return FieldMask(hidden=frozenset(hidden), read_only=frozenset(read_only | hidden))


def is_own(access: Access, *owners: UUID | None) -> bool:
    """Say whether one of the owners of a thing is the caller."""
    return access.member_id in owners
