"""A row rule as the rest of the domain takes it, and to whom it applies.

For a caller to whom at least one active rule for an action applies, the records within reach of that action are those
that meet the condition of any of these rules. Rules for `view` bound every other action too: what cannot be seen can
neither be changed nor deleted. Where no rule for an action applies to a caller, no rule limits it. Rules only ever take
away: what roles and grants do not allow, no rule does.

Owners and administrators of the workspace, the owner of the recordset, and whoever was granted `can_admin` on it are
never limited; they could change the rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias
from uuid import UUID

import orjson

from fostr.domains.records.permissions import ADMIN

if TYPE_CHECKING:
    from fostr.kernel.access.access import Access
    from fostr.kernel.access.evaluator import Standing

RuleAction: TypeAlias = Literal["view", "edit", "delete"]
RULE_ACTIONS: Final[tuple[RuleAction, ...]] = ("view", "edit", "delete")

BOUNDS: Final[dict[str, tuple[RuleAction, ...]]] = {
    "view_records": ("view",),
    "comment": ("view",),
    "export": ("view",),
    "edit": ("view", "edit"),
    "delete": ("view", "delete"),
}
"""The rules that bound each action on records, by its name in `RECORDSET_POLICY`; other actions are on no record."""


@dataclass(frozen=True, slots=True)
class RowRule:
    """An active rule, as it concerns one member.

    Attributes:
        actions: what it bounds.
        names_member: whether it names the member, a team of theirs, or everybody.
        roles: the roles that it names.
        condition: a tree of filters on the recordset's fields.
    """

    id: UUID
    name: str
    actions: frozenset[RuleAction]
    names_member: bool
    roles: frozenset[str]
    condition: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Limits:
    """The rules that limit a member in a recordset, or may do so by the role that they have."""

    rules: tuple[RowRule, ...] = ()

    def bounding(self, action: str) -> list[tuple[RowRule, ...]]:
        """Return the groups of rules that bound an action; of each group one must hold."""
        groups = (tuple(rule for rule in self.rules if kind in rule.actions) for kind in BOUNDS.get(action, ()))
        return [group for group in groups if group]


NO_LIMITS: Final = Limits()


def parse_limits(text: str | None) -> Limits:
    """Return the rules that PostgreSQL wrote as JSON."""
    if text is None:
        return NO_LIMITS
    rules = tuple(
        RowRule(
            id=UUID(entry["id"]),
            name=entry["name"],
            actions=frozenset(entry["actions"]),
            names_member=entry["names_member"],
            roles=frozenset(entry["roles"]),
            condition=entry["condition"],
        )
        for entry in orjson.loads(text)
    )
    return Limits(rules)


def is_exempt(access: Access, standing: Standing) -> bool:
    """Say whether no rule limits a caller, because they could change it."""
    return access.is_administrator or standing.owns_object or ADMIN in standing.grants


def limits_of(access: Access, standing: Standing, loaded: Limits) -> Limits:
    """Return what limits a caller, of what was loaded for the member who they are."""
    if not loaded.rules or is_exempt(access, standing):
        return NO_LIMITS
    roles = {access.role, access.base_role}
    applying = tuple(rule for rule in loaded.rules if rule.names_member or rule.roles & roles)
    return Limits(applying) if applying else NO_LIMITS
