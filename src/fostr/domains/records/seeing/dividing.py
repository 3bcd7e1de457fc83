"""Which members see the same of a workspace's records: by what is open to them, not by who they are."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import orjson

from fostr.domains.records.permissions import ADMIN
from fostr.domains.records.seeing import repository
from fostr.kernel.access.cached import EpochCache

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from fostr.kernel.access.access import Access
    from fostr.kernel.http.context import Context

REMEMBERED: Final = 100
"""Workspaces of which a process remembers what is open to whom."""


@dataclass(frozen=True, slots=True)
class _Rule:
    """A rule that limits whoever it names."""

    recordset_id: UUID
    id: str
    names_viewer: bool


@dataclass(slots=True)
class _Openings:
    """What is open to whom in a workspace, found by member, team and role.

    Attributes:
        owned: recordsets by their owners.
        granted: recordsets and the actions granted on them, by member or team.
        limiting: rules by the members, teams and roles that they name; by None, those for everybody.
        masked: the roles from which fields of a recordset are hidden.
        teams: of each member, those that are in use.
        all_teams: of each member, with those that are not.
    """

    owned: defaultdict[UUID, list[UUID]] = field(default_factory=lambda: defaultdict(list))
    granted: defaultdict[UUID, list[tuple[UUID, list[str]]]] = field(default_factory=lambda: defaultdict(list))
    limiting: defaultdict[UUID | str | None, list[_Rule]] = field(default_factory=lambda: defaultdict(list))
    masked: dict[UUID, frozenset[str]] = field(default_factory=dict[UUID, frozenset[str]])
    teams: defaultdict[UUID, list[UUID]] = field(default_factory=lambda: defaultdict(list))
    all_teams: defaultdict[UUID, list[UUID]] = field(default_factory=lambda: defaultdict(list))


_openings: EpochCache[_Openings] = EpochCache(most=REMEMBERED)


async def divide(context: Context) -> Hashable:
    """Return what, apart from their role, decides which records a member sees, and how much of them.

    Of two members of one role to whom the same recordsets are open in the same ways, limited by the same rules, both
    see the same; unless a rule names whoever looks. Administrators see everything, and differ only by the recordsets
    of their own in which something is hidden from others of their role.
    """
    access = context.access
    if access.base_role == "owner":
        return None
    openings = await _load(context)
    if access.is_administrator:
        roles = {access.role, access.base_role}
        return frozenset(one for one in openings.owned[access.member_id] if openings.masked[one] & roles)
    return _divide(access, openings)


def _divide(access: Access, openings: _Openings) -> Hashable:
    member_id = access.member_id
    granted: defaultdict[UUID, set[str]] = defaultdict(set)
    for grantee in (member_id, *openings.teams[member_id]):
        for recordset_id, actions in openings.granted.get(grantee, ()):
            granted[recordset_id].update(actions)
    owned = set(openings.owned[member_id])
    # Whoever could change the rules is limited by none, and `can_admin` includes all other grants.
    administered = {one for one, actions in granted.items() if ADMIN in actions} - owned
    others = granted.keys() - administered - owned
    rules = {rule for rule in _applying(access, openings) if rule.recordset_id in others}
    return (
        frozenset(owned),
        frozenset(administered),
        frozenset((one, frozenset(granted[one])) for one in others),
        frozenset(rule.id for rule in rules),
        member_id if any(rule.names_viewer for rule in rules) else None,
    )


def _applying(access: Access, openings: _Openings) -> Iterable[_Rule]:
    named = (None, access.role, access.base_role, access.member_id, *openings.all_teams[access.member_id])
    for name in named:
        yield from openings.limiting.get(name, ())


async def _load(context: Context) -> _Openings:
    """Return what is open to whom, read once for all members of the workspace, until its rights are changed."""
    unit, epoch, key = context.unit, context.access.rights_epoch, context.workspace_id
    kept = _openings.find(key, epoch=epoch)
    if kept is not None:
        return kept
    openings = _read(await repository.list_openings(unit))
    for row in await repository.list_team_members(unit):
        openings.all_teams[row["member_id"]].append(row["team_id"])
        if row["is_active"]:
            openings.teams[row["member_id"]].append(row["team_id"])
    # Every change of rights counts the epoch up in its own transaction: where it stands, nothing was changed, be it by
    # this very transaction, which may yet be undone.
    if await repository.get_rights_epoch(unit) == epoch:
        _openings.keep(key, openings, epoch=epoch)
    return openings


def _read(rows: Iterable[dict[str, Any]]) -> _Openings:
    openings = _Openings()
    for row in rows:
        recordset_id = row["id"]
        openings.masked[recordset_id] = frozenset(row["masked_roles"])
        if row["owner_id"] is not None:
            openings.owned[row["owner_id"]].append(recordset_id)
        for member_id, team_id, actions in orjson.loads(row["grants"]):
            openings.granted[UUID(member_id or team_id)].append((recordset_id, actions))
        for entry in orjson.loads(row["rules"]):
            rule = _Rule(recordset_id, entry["id"], entry["names_viewer"])
            ids = (UUID(one) for one in (*entry["team_ids"], *entry["member_ids"]))
            for name in [None] if entry["for_everybody"] else [*entry["roles"], *ids]:
                openings.limiting[name].append(rule)
    return openings
