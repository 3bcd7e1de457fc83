"""Give fields another type: say what would be lost, convert a few records at once, and many by a job.

Converted values are staged first, beside the records, which go on as they are: readers see, filter and sort the old
values, and nobody writes them. Then all records get theirs in one statement, with the field's new type and a version
each, all of which carry one cause. So nobody ever sees values of two types, and a job that breaks off begins anew
without anything being converted twice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from fostr.domains.records.fields.types import ValueRefused
from fostr.domains.records.recordsets import repository as recordsets
from fostr.domains.records.recordsets.definition import FieldUnknown, shape_of
from fostr.domains.records.recordsets.resync import repository as walking
from fostr.domains.records.recordsets.resync import service as resync
from fostr.domains.records.recordsets.retyping import repository
from fostr.domains.records.recordsets.retyping.conversion import Conversion, is_same
from fostr.domains.records.recordsets.retyping.planning import (
    Retyping,
    Wanted,
    become,
    plan_retyping,
    read_retyping,
)
from fostr.domains.records.recordsets.retyping.repository import StagedValue
from fostr.domains.records.rules.fitting import check_rules_fit
from fostr.domains.workspaces import public as workspaces
from fostr.kernel import clock
from fostr.kernel.db.sql import Fragment
from fostr.kernel.events import outbox
from fostr.kernel.events.outbox import ActedCause, Actor, Cause
from fostr.kernel.http.errors import Conflict
from fostr.kernel.jobs.dispatch import dispatch

if TYPE_CHECKING:
    import asyncpg

    from fostr.domains.records.fields.model import Field, Recordset
    from fostr.domains.records.recordsets.reach import Reached
    from fostr.kernel.db.unit import Unit
    from fostr.kernel.http.context import Context
    from fostr.kernel.jobs.context import JobContext

JOB: Final = "records.retype"
MOST_EXAMPLES: Final = 20
_IDENTIFIER: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


class TypeChangeLosesValues(Conflict):
    """Some values do not become such of the new type, and nobody said that they may be lost."""

    code = "type_change_loses_values"
    detail = "Some values would be lost. Send `accept_loss` if they may be."


@dataclass(slots=True)
class Survey:
    """What the values of a field would become."""

    values: int = 0
    unchanged: int = 0
    lost: int = 0
    examples: list[tuple[UUID, Any, str]] = field(default_factory=list[tuple[UUID, Any, str]])

    @property
    def converted(self) -> int:
        """How many become other values."""
        return self.values - self.unchanged - self.lost


async def preview(target: Reached, wanted: Wanted) -> tuple[Retyping, Survey]:
    """Return what a field's values would become, and some of those that would be lost.

    Raises:
        FieldUnknown, FieldReadOnly, FieldTypeFixed, FieldOptionsInvalid, RetypingUnderWay, SettingsInvalid: as for
        `plan_retyping`.
    """
    retyping = plan_retyping(target.recordset, wanted, mask=target.mask)
    shown = target.restriction("view_records") if target.decide("view_records") else Fragment("false", {})
    return retyping, await _survey(target.unit, target.recordset, retyping, shown=shown)


async def _survey(unit: Unit, recordset: Recordset, retyping: Retyping, *, shown: Fragment) -> Survey:
    conversion = await _know_members(unit, recordset, retyping)
    survey = Survey()
    async for row in repository.stream_values(unit, recordset.id, retyping.field.key, shown=shown):
        survey.values += 1
        try:
            after = conversion.convert(row["value"])
        except ValueRefused as refusal:
            survey.lost += 1
            if row["is_shown"] and len(survey.examples) < MOST_EXAMPLES:
                survey.examples.append((row["id"], row["value"], str(refusal)))
        else:
            survey.unchanged += is_same(row["value"], after)
    return survey


async def _know_members(unit: Unit, recordset: Recordset, retyping: Retyping) -> Conversion:
    """Return how values are converted, with what must be known of the members whom they name."""
    conversion, key = retyping.conversion, retyping.field.key
    if conversion.source.name == "member":
        ids = await repository.list_named(unit, recordset.id, key)
        names = await workspaces.list_member_names(unit, member_ids=[UUID(member_id) for member_id in ids])
        return replace(conversion, names={str(member_id): name for member_id, name in names.items()})
    if conversion.target.name == "member":
        words = await repository.list_words(unit, recordset.id, key, pattern=_IDENTIFIER.pattern)
        ids = {UUID(found) for word in words for found in _IDENTIFIER.findall(word)}
        present = await workspaces.list_present(unit, member_ids=sorted(ids))
        return replace(conversion, members=frozenset(map(str, present)))
    return conversion


async def change_type(current: Reached, wanted: Wanted) -> UUID | None:
    """Give a field another type, or return the job that does it.

    The recordset is locked for change.

    Raises:
        TypeChangeLosesValues: values would be lost, and the caller did not say that they may be.
        RuleUnfit: a row rule would no longer make sense.
        FieldUnknown, FieldReadOnly, FieldTypeFixed, FieldOptionsInvalid, RetypingUnderWay, SettingsInvalid: as for
        `plan_retyping`.
    """
    context, unit, recordset = current.context, current.unit, current.recordset
    retyping = plan_retyping(recordset, wanted, mask=current.mask)
    await check_rules_fit(context, become(recordset, retyping, changed=0))
    if not wanted.accept_loss:
        await _check_nothing_lost(unit, recordset, retyping)
    if await walking.count_some(unit, recordset.id, most=resync.MOST_AT_ONCE) > resync.MOST_AT_ONCE:
        return await _begin(context, recordset, retyping)
    place: resync.Place | None = resync.Place()
    conversion = await _know_members(unit, recordset, retyping)
    while place is not None:
        place = await _stage_some(unit, recordset, retyping, conversion, place)
    becomes = await _switch(unit, recordset, retyping, _by_request(context))
    return None if becomes.is_in_step else await resync.follow_change(context, becomes)


async def _check_nothing_lost(unit: Unit, recordset: Recordset, retyping: Retyping) -> None:
    survey = await _survey(unit, recordset, retyping, shown=Fragment("false", {}))
    if survey.lost:
        raise TypeChangeLosesValues(field=retyping.field.key, lost=survey.lost, values=survey.values)


async def _begin(context: Context, recordset: Recordset, retyping: Retyping) -> UUID:
    """Keep the field's values from being written, and dispatch the job that converts them."""
    unit = context.unit
    await recordsets.save_fields(unit, recordset.id, [replace(retyping.field, retyping=retyping.as_document())])
    await _advance(context, recordset)
    return await dispatch(
        unit,
        JOB,
        {"recordset_id": str(recordset.id), "key": retyping.field.key, "cause_id": str(retyping.cause_id)},
        workspace=context.workspace_id,
        workflow_id=f"{JOB}:{retyping.cause_id}",
        created_by=context.member_id,
        acting_as=context.principal.acting_as,
    )


async def call_off(current: Reached, *, key: str) -> None:
    """End a type change that a job has not finished; the field stays as it is. The recordset is locked for change.

    Raises:
        FieldUnknown: there is no such field, or the caller may not know of it.
    """
    entry = current.recordset.by_key.get(key)
    if entry is None or key in current.mask.hidden:
        raise FieldUnknown(field=key)
    if entry.retyping is None:
        return
    unit = current.unit
    await recordsets.save_fields(unit, current.recordset.id, [replace(entry, retyping=None)])
    await repository.forget_values(unit, entry.id)
    await _advance(current.context, current.recordset)


async def _advance(context: Context, recordset: Recordset) -> None:
    """Have whoever writes records read the recordset again, and who brings them in step, where somebody does."""
    await repository.advance_definition(context.unit, recordset.id, is_in_step=True, now=context.now)
    await workspaces.bump_rights_epoch(context.unit, workspace_id=context.workspace_id)
    if not recordset.is_in_step:
        becomes = await recordsets.find_definition(context.unit, recordset.id)
        assert becomes is not None  # noqa: S101 - its row is locked
        await resync.dispatch_resync(context, becomes)


async def _stage_some(
    unit: Unit, recordset: Recordset, retyping: Retyping, conversion: Conversion, place: resync.Place
) -> resync.Place | None:
    """Stage the values of the next records, and return where to go on; None when all are done."""
    rows = await resync.lock_next(unit, recordset.id, place)
    staged = [value for row in rows if (value := _stage(row, retyping.field.key, conversion)) is not None]
    if staged:
        await repository.stage_values(unit, retyping.field.id, staged)
    return place.after(rows)


def _stage(row: asyncpg.Record, key: str, conversion: Conversion) -> StagedValue | None:
    before = row["field_values"].get(key)
    if before is None:
        return None
    try:
        after = conversion.convert(before)
    except ValueRefused:
        return StagedValue(row["id"], before, None)
    return None if is_same(before, after) else StagedValue(row["id"], before, after)


@dataclass(frozen=True, slots=True)
class _Author:
    """Who gives a field another type, and when."""

    actor: Actor
    acting_as: UUID | None
    source: Context | None
    now: Any

    def cause(self, retyping: Retyping, *, count: int) -> Cause:
        if self.acting_as is None:
            return Cause(kind="request", id=retyping.cause_id, count=count)
        return ActedCause(kind="request", id=retyping.cause_id, count=count, acting_as=self.acting_as)


def _by_request(context: Context) -> _Author:
    principal = context.principal
    actor = Actor(context.member_id, principal.user_id, principal.kind, principal.acting_as)
    return _Author(actor, principal.acting_as, context, context.now)


def _by_job(job: JobContext) -> _Author:
    return _Author(Actor(member_id=job.created_by, acting_as=job.acting_as), job.acting_as, None, clock.now())


async def _switch(unit: Unit, recordset: Recordset, retyping: Retyping, author: _Author) -> Recordset:
    """Give the field its type and all records their values, and return the recordset as it is then.

    What derives from the values is brought in step afterwards, unless nothing did.
    """
    before = retyping.field
    staged = await repository.count_staged(unit, before.id)
    cause = author.cause(retyping, count=staged.changed)
    becomes = become(recordset, retyping, changed=staged.changed)
    await repository.switch_values(
        unit, before.id, before.key, member_id=author.actor.member_id, cause=cause, now=author.now
    )
    after = becomes.by_key[before.key]
    await recordsets.save_fields(unit, recordset.id, [after])
    is_in_step = staged.changed == 0 and shape_of(becomes) == shape_of(recordset)
    await repository.advance_definition(unit, recordset.id, is_in_step=is_in_step, now=author.now)
    await workspaces.bump_rights_epoch(unit)
    await outbox.record(
        unit if author.source is None else author.source,
        type="recordset.field_retyped",
        entity="recordset",
        entity_id=recordset.id,
        before=_facts(before),
        after={**_facts(after), "changed": staged.changed, "lost": staged.lost},
        cause=cause,
        actor=author.actor,
    )
    now_there = await recordsets.find_definition(unit, recordset.id)
    assert now_there is not None  # noqa: S101 - its row is locked
    return now_there


def _facts(entry: Field) -> dict[str, Any]:
    return {"key": entry.key, "type": entry.type, "options": entry.options, "is_promoted": entry.slot is not None}


async def run_retyping(job: JobContext, *, recordset_id: UUID, key: str, cause_id: UUID) -> dict[str, object]:
    """Convert all values of a field some at a time, and then give the records theirs and the field its type.

    A type change that was called off ends here.
    """
    place: resync.Place | None = resync.Place()
    while place is not None:
        async with job.unit() as unit:
            # Whoever calls it off waits for this, or is found to have done so.
            await walking.lock_definition(unit, recordset_id)
            found = await _find(unit, recordset_id, key, cause_id)
            if found is None:
                return {"outcome": "called off"}
            conversion = await _know_members(unit, *found)
            place = await _stage_some(unit, *found, conversion, place)
        if place is not None:
            await job.report(step="convert", message=f"{place.passed} records are converted.")
    async with job.unit() as unit:
        await recordsets.lock_for_change(unit, recordset_id)
        found = await _find(unit, recordset_id, key, cause_id)
        if found is None:
            return {"outcome": "called off"}
        becomes = await _switch(unit, *found, _by_job(job))
        if not becomes.is_in_step:
            await resync.dispatch_by_job(job, unit, becomes)
    return {"outcome": "done"}


async def _find(unit: Unit, recordset_id: UUID, key: str, cause_id: UUID) -> tuple[Recordset, Retyping] | None:
    """Return a type change with its recordset, unless it was called off or is done."""
    recordset = await recordsets.find_definition(unit, recordset_id)
    entry = recordset.by_key.get(key) if recordset is not None else None
    retyping = read_retyping(entry) if entry is not None else None
    if recordset is None or retyping is None or retyping.cause_id != cause_id:
        return None
    return recordset, retyping
