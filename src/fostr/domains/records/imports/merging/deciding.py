"""What becomes of each row: a new record, a change of one that is there, nothing, or a fault.

Rows are decided in the order of the file, and each sees what those before it in its batch have come to: two rows of
one key make one record, whether a batch ends between them or not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from fostr.domains.records.bulk.repository import lock_records
from fostr.domains.records.fields.types import ValueRefused
from fostr.domains.records.imports.conversion import Fault
from fostr.domains.records.imports.merging.repository import find_by_keys
from fostr.domains.records.imports.merging.rules import key_of, merge_values
from fostr.domains.records.query.selection import RecordQuery, select_records
from fostr.domains.records.records.effects import prepare
from fostr.kernel.access.evaluator import is_own

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from fostr.domains.records.bulk.repository import Found
    from fostr.domains.records.fields.model import Field, Recordset
    from fostr.domains.records.imports.conversion import CheckedRows
    from fostr.domains.records.imports.merging.repository import Holders
    from fostr.domains.records.imports.merging.resolving import WhenUnknown
    from fostr.domains.records.imports.merging.rules import Key, Merging
    from fostr.domains.records.records.record import Record
    from fostr.domains.records.recordsets.reach import Reached

SkipReason: TypeAlias = Literal["unchanged", "matched", "unmatched"]

NO_KEY: Final = "is needed to match the row with a record"
SEVERAL: Final = "several records have this key"
NOT_YOURS: Final = "matches a record that you may not change"


@dataclass(slots=True)
class Plan:
    """What is to be written of one record.

    Attributes:
        record: the one that is there; None for a new one.
        values: all values of a new record, or those that change.
        numbers: the rows that have a part in it; of a new record the first brings it.
    """

    record: Record | None
    values: dict[str, Any]
    numbers: list[int]


@dataclass(frozen=True, slots=True)
class Skipped:
    """A row that changes nothing."""

    number: int
    reason: SkipReason
    record: Record | None = None


@dataclass(slots=True)
class Decision:
    """What becomes of the rows of a batch.

    Attributes:
        plans: what is to be written, in the order of the rows.
        again: rows of which a batch before this one has made a record; only a dry run, which makes none, knows any.
    """

    plans: list[Plan] = field(default_factory=list[Plan])
    skipped: list[Skipped] = field(default_factory=list[Skipped])
    faults: list[Fault] = field(default_factory=list[Fault])
    again: list[int] = field(default_factory=list[int])

    @property
    def created(self) -> list[Plan]:
        """Those of new records."""
        return [plan for plan in self.plans if plan.record is None]

    @property
    def changed(self) -> list[Plan]:
        """Those of records that are there."""
        return [plan for plan in self.plans if plan.record is not None]

    @property
    def updated_rows(self) -> int:
        """How many rows change a record, one of this batch or one that was there."""
        return sum(len(plan.numbers) - (plan.record is None) for plan in self.plans) + len(self.again)

    @property
    def failed_rows(self) -> int:
        """How many rows are left out."""
        return len({fault.row for fault in self.faults})


@dataclass(frozen=True, slots=True)
class Decider:
    """Decides about rows by a recordset and the way in which they meet its records.

    Attributes:
        columns: the name of the column that goes into each field.
        references: the fields whose texts name members, each with what becomes of one that names nobody.
        made: what a dry run remembers of the keys of rows that would become records.
    """

    recordset: Recordset
    merging: Merging
    columns: Mapping[str, str]
    references: Mapping[str, WhenUnknown]
    made: set[int] | None = None

    async def decide(self, reached: Reached, rows: CheckedRows) -> Decision:
        """Return what becomes of rows; the records that they match stay as they are until the transaction ends.

        Args:
            reached: the recordset as the member stands to it now.
            rows: with checked values.
        """
        keys = self.keys_of(rows)
        # What the caller cannot see is not there: it is never matched, as when single rows are sent.
        wanted = list(dict.fromkeys(key for key in keys if key is not None))
        condition = select_records(reached, RecordQuery()).condition
        held = await find_by_keys(reached.unit, self.recordset, condition, fields=self.merging.match_on, keys=wanted)
        single = sorted(entry.record_id for entry in held.values() if entry.count == 1)
        found = await _lock(reached, single) if single else {}
        batch = _Batch(self, reached, held, found)
        for place, (number, values) in enumerate(zip(rows.numbers, rows.values, strict=True)):
            batch.take(number, keys[place] if keys else None, values)
        await batch.prepare()
        batch.decision.faults += rows.faults
        return batch.decision

    def keys_of(self, rows: CheckedRows) -> list[Key | None]:
        """Return by what each row is matched; nothing where none is."""
        if not self.merging.match_on:
            return []
        return [key_of(self.recordset, self.merging, values) for values in rows.values]


def _is_missing(field: Field, values: Mapping[str, Any]) -> bool:
    # What has a default is given it once it is decided that there will be a record.
    return field.is_required and values.get(field.key) is None and field.options.get("default") is None


async def _lock(reached: Reached, record_ids: list[UUID]) -> dict[UUID, Found]:
    found = await lock_records(
        reached.unit,
        record_ids,
        recordset_id=reached.recordset.id,
        sees=reached.restriction(),
        edits=reached.restriction("edit"),
        deletes=reached.restriction("delete"),
    )
    return {record_id: entry for record_id, entry in found.items() if entry.record.deleted_at is None}


class _Batch:
    """Rows that are decided together."""

    def __init__(
        self, decider: Decider, reached: Reached, held: Mapping[Key, Holders], found: Mapping[UUID, Found]
    ) -> None:
        self.decision = Decision()
        self._decider = decider
        self._reached = reached
        self._held = held
        self._found = found
        self._new: dict[Key, Plan] = {}
        self._changes: dict[UUID, Plan] = {}
        self._edits_all = bool(reached.decide("edit"))
        self._edits_own = bool(reached.decide("edit", is_own=True))

    def take(self, number: int, key: Key | None, values: dict[str, Any]) -> None:
        """Decide about a row."""
        if not self._decider.merging.match_on:
            self._create(number, None, values)
            return
        if key is None:
            missing = next(name for name in self._decider.merging.match_on if values.get(name) is None)
            self._fail(number, missing, NO_KEY)
            return
        held = self._held.get(key)
        if held is not None and held.count > 1:
            self._fail(number, self._decider.merging.match_on[0], SEVERAL)
            return
        found = self._found.get(held.record_id) if held is not None else None
        # Between being found and being locked, somebody may have deleted the record or given it another key.
        if found is not None and self._key_of(found.record) == key:
            self._meet(number, found, values)
        else:
            self._meet_none(number, key, values)

    def _key_of(self, record: Record) -> Key | None:
        return key_of(self._decider.recordset, self._decider.merging, record.field_values)

    def _meet(self, number: int, found: Found, values: dict[str, Any]) -> None:
        record = found.record
        if self._decider.merging.when_matched == "skip":
            self.decision.skipped.append(Skipped(number, "matched", record))
            return
        if not self._may_edit(found):
            self._fail(number, self._decider.merging.match_on[0], NOT_YOURS)
            return
        plan = self._changes.get(record.id)
        current = record.field_values if plan is None else {**record.field_values, **plan.values}
        changed = self._merge(number, current, values)
        if changed is None:
            return
        if not changed:
            self.decision.skipped.append(Skipped(number, "unchanged", record))
        elif plan is None:
            plan = self._changes[record.id] = Plan(record, changed, [number])
            self.decision.plans.append(plan)
        else:
            plan.values.update(changed)
            plan.numbers.append(number)

    def _may_edit(self, found: Found) -> bool:
        if not found.edits:
            return False
        if self._edits_all:
            return True
        record = found.record
        return self._edits_own and is_own(self._reached.context.access, record.created_by, record.owner_id)

    def _meet_none(self, number: int, key: Key, values: dict[str, Any]) -> None:
        plan = self._new.get(key)
        made = self._decider.made
        if plan is None and (made is None or hash(key) not in made):
            if self._decider.merging.when_unmatched == "skip":
                self.decision.skipped.append(Skipped(number, "unmatched"))
            else:
                self._create(number, key, values)
            return
        if self._decider.merging.when_matched == "skip":
            self.decision.skipped.append(Skipped(number, "matched"))
        elif plan is None:
            self.decision.again.append(number)
        elif changed := self._merge(number, plan.values, values):
            plan.values.update(changed)
            plan.numbers.append(number)
        elif changed is not None:
            self.decision.skipped.append(Skipped(number, "unchanged"))

    def _merge(self, number: int, old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any] | None:
        try:
            return merge_values(self._decider.recordset, self._decider.merging, old, new)
        except ValueRefused as refusal:
            self.decision.faults.append(Fault(number, "", "", f"{refusal} once it is added to what is there"))
            return None

    def _create(self, number: int, key: Key | None, values: dict[str, Any]) -> None:
        missing = [f.key for f in self._decider.recordset.fields if _is_missing(f, values)]
        if missing:
            for name in missing:
                self._fail(number, name, "is required")
            return
        plan = Plan(None, {name: value for name, value in values.items() if value is not None}, [number])
        self.decision.plans.append(plan)
        if key is not None:
            self._new[key] = plan
            if self._decider.made is not None:
                self._decider.made.add(hash(key))

    def _fail(self, number: int, field: str, reason: str) -> None:
        self.decision.faults.append(Fault(number, self._decider.columns.get(field, field), "", reason))

    async def prepare(self) -> None:
        """Have the values looked at by whoever knows what they lead to; a record that is refused is not written."""
        for plans, is_new in ((self.decision.created, True), (self.decision.changed, False)):
            if not plans:
                continue
            before = [plan.record.field_values for plan in plans if plan.record is not None]
            values = [plan.values for plan in plans]
            wrong = await prepare(self._reached, values, is_new=is_new, before=before or None)
            refused = {int(entry["row"]): entry for entry in wrong}
            for place, entry in refused.items():
                for number in plans[place].numbers:
                    self._fail(number, entry["field"], entry["reason"])
            gone = {id(plans[place]) for place in refused}
            if gone:
                self.decision.plans = [plan for plan in self.decision.plans if id(plan) not in gone]
