"""What a reader of some events may know of the recordsets and records that these tell of, asked for all at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from fostr.domains.records.fields.model import hides_derived
from fostr.domains.records.query.selection import may_reach
from fostr.domains.records.recordsets.reach import Reached, reach_all
from fostr.domains.records.seeing import repository
from fostr.domains.records.seeing.repository import KnownRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from fostr.kernel.events.consumers import Event
    from fostr.kernel.http.context import Context


@dataclass(frozen=True, slots=True)
class Sight:
    """What a reader may know.

    Attributes:
        recordsets: by id, those that are there, whether the reader may see them or not.
        records: the same for records.
    """

    context: Context
    recordsets: Mapping[UUID, Reached]
    records: Mapping[UUID, KnownRecord]

    @property
    def sees_gone(self) -> bool:
        """Whether the reader may look at what nobody can reach any more, because it was deleted for good."""
        access = self.context.access
        return access.is_administrator and access.has("can_view_recordset") and access.has("can_view_record")

    def find_recordset(self, recordset_id: UUID | None, action: str = "view") -> Reached | None:
        """Return a recordset in which the reader may do something; of one in the trash, if they may see it there."""
        reached = None if recordset_id is None else self.recordsets.get(recordset_id)
        if reached is None or not reached.decide("view") or not reached.decide(action):
            return None
        if reached.recordset.deleted and not self.context.access.has("can_view_trash"):
            return None
        return reached

    def find_record(self, record_id: UUID) -> KnownRecord | None:
        """Return a record that the reader may see, or might if it were not in the trash."""
        record = self.records.get(record_id)
        return record if record is not None and record.is_visible else None

    def is_open(self, record_id: UUID) -> bool:
        """Say whether the reader may see what is in a record: of one in the trash, whether they may take it out."""
        record = self.records.get(record_id)
        return record is not None and record.is_open

    def find_title(self, record_id: UUID) -> str | None:
        """Return what a record is called that the reader may see; None where they may not know that."""
        record = self.find_record(record_id)
        reached = None if record is None else self.recordsets.get(record.recordset_id)
        if record is None or not record.is_open or reached is None or hides_derived(reached.recordset, reached.mask):
            return None
        return record.title or None

    def keep_visible(self, record_ids: object) -> list[Any]:
        """Return those of the ids that some value lists which are of records that the reader may see."""
        listed: list[Any] = cast("list[Any]", record_ids) if isinstance(record_ids, list) else []
        return [one for one in listed if (known := parse_id(one)) is not None and self.find_record(known) is not None]


def sees_all(reached: Reached) -> bool:
    """Say whether nothing of a recordset is hidden from its reader, nor ever was.

    An administrator's own recordsets are looked at as any administrator looks at them, unless something in them is
    hidden from administrators: so one look does for all of them.
    """
    access = reached.context.access
    if access.base_role == "owner" or not reached.standing.owns_object:
        return access.base_role == "owner"
    roles = {access.role, access.base_role}
    return not access.is_administrator or any(field.hidden_from & roles for field in reached.recordset.fields)


def parse_id(text: object) -> UUID | None:
    """Return the id that a fact of an event holds; None where it holds none."""
    try:
        return text if isinstance(text, UUID) else UUID(str(text)) if text is not None else None
    except ValueError:
        return None


def states_of(event: Event) -> Iterator[dict[str, Any]]:
    """Yield what an event tells of its thing before and after."""
    yield from (state for state in (event.before, event.after) if state is not None)


def find_told(event: Event, name: str) -> str | None:
    """Return a text that an event tells among its facts, the later one; None where it tells none."""
    return next((told for state in (event.after, event.before) if state and (told := state.get(name))), None)


def find_fact(event: Event, name: str) -> UUID | None:
    """Return an id that an event tells among its facts."""
    return next((found for state in states_of(event) if (found := parse_id(state.get(name))) is not None), None)


async def look_at(
    context: Context, events: Sequence[Event], *, named: Sequence[str] = ("recordset_id",), records: Iterable[UUID] = ()
) -> Sight:
    """Return what a reader may know of the recordsets that some events name, and of some records.

    The records that the events name in link fields are among them. It takes at most four statements, whatever there
    is to look at. A right to delete one's own records counts for nothing here: who the reader is must not decide.

    Args:
        context: the reader.
        events: of one workspace.
        named: the facts by which events name recordsets.
        records: the records that the events are about.
    """
    recordset_ids = {one for event in events for name in named if (one := find_fact(event, name)) is not None}
    recordset_ids |= {event.entity_id for event in events if event.entity == "recordset"}
    recordsets = await reach_all(context, recordset_ids)
    wanted = {*records, *_linked(events, recordsets)}
    found: list[KnownRecord] = []
    if wanted:
        sees, deletes = await may_reach(context, "view_records"), await may_reach(context, "delete", is_own=False)
        found = await repository.list_records(context.unit, wanted, sees=sees, deletes=deletes)
    return Sight(context, recordsets, {record.id: record for record in found})


def _linked(events: Sequence[Event], recordsets: Mapping[UUID, Reached]) -> Iterator[UUID]:
    for event in events:
        for state in states_of(event):
            recordset_id = parse_id(state.get("recordset_id"))
            reached = None if recordset_id is None else recordsets.get(recordset_id)
            values: dict[str, Any] | None = state.get("field_values")
            if reached is None or not values:
                continue
            for field in reached.recordset.links:
                listed = values.get(field.key)
                for text in cast("list[Any]", listed) if isinstance(listed, list) else ():
                    if (found := parse_id(text)) is not None:
                        yield found
