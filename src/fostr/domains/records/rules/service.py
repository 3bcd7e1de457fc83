"""Make, change and take away row rules, and say what is within somebody's reach by them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fostr.domains.records.query.selection import reachable
from fostr.domains.records.recordsets.reach import Reached, RecordsetNotFound, reach_recordset
from fostr.domains.records.recordsets.repository import list_custom_roles, lock_for_change
from fostr.domains.records.rules import repository
from fostr.domains.records.rules.conditions import compile_rule
from fostr.domains.records.rules.rule import RULE_ACTIONS
from fostr.domains.records.rules.schemas import Preview, Rule, SubjectsGiven
from fostr.domains.workspaces import public as workspaces
from fostr.kernel.access.catalogue import ADMINISTRATORS, ROLES
from fostr.kernel.db.sql import Fragment, join_and
from fostr.kernel.events import outbox
from fostr.kernel.http.concurrency import check_version
from fostr.kernel.http.errors import Conflict, NotFound, Unprocessable
from fostr.kernel.ids import new_id
from fostr.kernel.jobs.behalf import MemberGone, act_as_member

if TYPE_CHECKING:
    from uuid import UUID

    from fostr.domains.records.rules.schemas import PreviewCreate, RuleCreate, RuleUpdate
    from fostr.kernel.http.paging import Page, Slice

MOST_RULES: Final = 50
PREVIEWED: Final = 20
POLICY_ACTIONS: Final = {"view": "view_records", "edit": "edit", "delete": "delete"}
"""What the actions of rules are called in `RECORDSET_POLICY`."""

_SUBJECTS: Final = {"everybody": "for_everybody", "roles": "roles", "team_ids": "team_ids", "member_ids": "member_ids"}
_FACTS: Final = ("name", "actions", *_SUBJECTS.values(), "condition", "is_active", "position")


class RuleNotFound(NotFound):
    """The recordset has no such rule."""

    code = "rule_not_found"
    detail = "The recordset has no such rule."


class TooManyRules(Conflict):
    """The recordset has as many rules as it can have."""

    code = "too_many_rules"
    detail = f"A recordset has at most {MOST_RULES} rules."


class RuleRoleInvalid(Unprocessable):
    """A rule names a role that there is not, or one that no rule limits."""

    code = "rule_role_invalid"
    detail = "A rule cannot apply to this role."


async def list_rules(target: Reached, *, part: Slice) -> Page[Rule]:
    """Return a part of the rules of a recordset, in their order."""
    recordset_id = target.recordset.id
    rows = await repository.list_rules(target.unit, recordset_id, limit=part.limit, offset=part.offset)
    total = await repository.count_rules(target.unit, recordset_id)
    return part.page([_rule(row) for row in rows], total=total)


async def create_rule(target: Reached, *, data: RuleCreate) -> Rule:
    """Make a rule, in force from the next request on.

    Raises:
        RecordsetNotFound: the recordset was deleted for good in the meantime.
        TooManyRules: there is no room for another.
        RuleRoleInvalid: it names a role that there is not, or one that no rule limits.
        MemberNotFound, TeamNotFound: it names somebody who is not in the workspace.
        FilterInvalid: the condition does not fit the recordset.
    """
    current = await _lock(target)
    context, unit, recordset_id = current.context, current.unit, current.recordset.id
    if await repository.count_rules(unit, recordset_id) >= MOST_RULES:
        raise TooManyRules
    await _check_subjects(current, data.applies_to)
    _check_condition(current, data.condition)
    rule_id = new_id()
    position = data.position if data.position is not None else await repository.next_position(unit, recordset_id)
    values = {
        **data.model_dump(include={"name", "condition", "is_active"}),
        **_subjects(data.applies_to),
        "actions": _in_order(data.actions),
        "position": position,
        "id": rule_id,
        "recordset_id": recordset_id,
        "created_by": context.member_id,
        "created_at": context.now,
        "updated_at": context.now,
    }
    await repository.insert_rule(unit, values)
    await _record(current, "rule_created", after=values)
    return _rule(await _find(current, rule_id))


async def update_rule(target: Reached, rule_id: UUID, *, data: RuleUpdate, expected_version: int | None) -> Rule:
    """Change a rule; what is left out stays.

    Raises:
        RuleNotFound: the recordset has no such rule.
        StaleUpdate: it was changed since the version that the caller saw.
        RecordsetNotFound, RuleRoleInvalid, MemberNotFound, TeamNotFound, FilterInvalid: as for a new one.
    """
    current = await _lock(target)
    was = await _find(current, rule_id, lock=True)
    check_version(expected=expected_version or data.expected_version, current=was["version"])
    sent = data.model_dump(include=data.model_fields_set - {"expected_version", "applies_to"}, exclude_none=True)
    if data.applies_to is not None:
        await _check_subjects(current, data.applies_to)
        sent |= _subjects(data.applies_to)
    if data.actions is not None:
        sent["actions"] = _in_order(data.actions)
    if data.condition is not None:
        _check_condition(current, data.condition)
    changes = {name: value for name, value in sent.items() if was[name] != value}
    if not changes:
        return _rule(was)
    await repository.update_rule(current.unit, rule_id, {**changes, "updated_at": current.context.now})
    rule = await _find(current, rule_id)
    await _record(current, "rule_updated", before=was, after=rule)
    return _rule(rule)


async def delete_rule(target: Reached, rule_id: UUID) -> None:
    """Take a rule away for good.

    Raises:
        RuleNotFound: the recordset has no such rule.
    """
    was = await _find(target, rule_id, lock=True)
    await repository.delete_rule(target.unit, rule_id)
    await _record(target, "rule_deleted", before=was)


async def preview_rules(target: Reached, *, data: PreviewCreate) -> Preview:
    """Return which records of a recordset are within a member's reach, by their rights of this moment.

    Raises:
        MemberNotFound: there is no such member.
        MemberGone: they cannot enter the workspace.
    """
    reached, action = await _reach_as(target, data.member_id), POLICY_ACTIONS[data.action]
    place = Fragment(
        "r.workspace_id = :workspace and r.recordset_id = :recordset and r.deleted_at is null",
        {"recordset": reached.recordset.id},
    )
    sees = reached.decide("view") and reached.decide("view_records")
    allowed = reachable(reached, action) if sees else Fragment("false", {})
    condition = join_and([place, allowed])
    decision = reached.decide(action) or reached.decide(action, is_own=True) if sees else sees
    return Preview(
        member_id=data.member_id,
        action=data.action,
        is_allowed=bool(decision),
        reason=decision.reason,
        rules=[rule.name for group in reached.limits.bounding(action) for rule in group],
        count=await repository.count_reached(target.unit, condition),
        record_ids=await repository.list_reached(target.unit, condition, limit=PREVIEWED),
    )


async def _reach_as(target: Reached, member_id: UUID) -> Reached:
    context = target.context
    await workspaces.check_member_exists(target.unit, member_id=member_id)
    try:
        theirs = await act_as_member(context.runtime, target.unit, member_id=member_id, cause_id=new_id())
    except MemberGone:
        raise MemberGone("The member cannot enter the workspace.") from None
    return await reach_recordset(theirs, target.recordset.id, None)


async def _lock(target: Reached) -> Reached:
    """Return the recordset as it is now, locked, so that no field goes while a condition on it comes."""
    if not await lock_for_change(target.unit, target.recordset.id):
        raise RecordsetNotFound
    return await reach_recordset(target.context, target.recordset.id, "administer")


async def _find(target: Reached, rule_id: UUID, *, lock: bool = False) -> dict[str, Any]:
    found = await repository.find_rule(target.unit, target.recordset.id, rule_id, lock=lock)
    if found is None:
        raise RuleNotFound
    return found


async def _check_subjects(target: Reached, subjects: SubjectsGiven) -> None:
    exempt = sorted(ADMINISTRATORS & set(subjects.roles))
    if exempt:
        raise RuleRoleInvalid("Owners and administrators are limited by no rule.", role=exempt[0])
    unknown = set(subjects.roles) - set(ROLES)
    if unknown:
        unknown -= await list_custom_roles(target.unit, workspace_id=target.context.workspace_id)
    if unknown:
        raise RuleRoleInvalid("The workspace has no such role.", role=min(unknown))
    for member_id in subjects.member_ids:
        await workspaces.check_member_exists(target.unit, member_id=member_id)
    for team_id in subjects.team_ids:
        await workspaces.check_team_exists(target.unit, team_id=team_id)


def _check_condition(target: Reached, condition: dict[str, Any]) -> None:
    context = target.context
    compile_rule(target.recordset, condition, viewer=context.member_id, now=context.now, prefix="rule")


def _subjects(given: SubjectsGiven) -> dict[str, Any]:
    return {
        "for_everybody": given.everybody,
        "roles": sorted(set(given.roles)),
        "team_ids": sorted(set(given.team_ids)),
        "member_ids": sorted(set(given.member_ids)),
    }


def _in_order(actions: list[Any]) -> list[str]:
    return [action for action in RULE_ACTIONS if action in actions]


def _rule(row: dict[str, Any]) -> Rule:
    applies_to = {name: row[column] for name, column in _SUBJECTS.items()}
    return Rule.model_validate({**row, "applies_to": applies_to})


def _facts(row: dict[str, Any] | None) -> dict[str, Any] | None:
    return None if row is None else {"rule_id": row["id"], **{name: row[name] for name in _FACTS}}


async def _record(
    target: Reached, happened: str, *, before: dict[str, Any] | None = None, after: dict[str, Any] | None = None
) -> None:
    await workspaces.bump_rights_epoch(target.unit, workspace_id=target.context.workspace_id)
    await outbox.record(
        target.context,
        type=f"recordset.{happened}",
        entity="recordset",
        entity_id=target.recordset.id,
        before=_facts(before),
        after=_facts(after),
    )
