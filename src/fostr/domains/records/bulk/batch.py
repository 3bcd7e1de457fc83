"""One bulk write of a recordset: the recordset held as it is, what goes in, and the event at its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from fostr.domains.records.bulk import repository
from fostr.domains.records.bulk.repository import Change, Found, Signature
from fostr.domains.records.fields.shaping import search_text
from fostr.domains.records.links.departing import follow_deletion
from fostr.domains.records.links.service import follow_links
from fostr.domains.records.records import effects
from fostr.domains.records.records.changes import compare
from fostr.domains.records.records.effects import Written
from fostr.domains.records.records.repository.writing import Change as Deletion
from fostr.domains.records.records.service import ATTEMPTS, FieldsChanging
from fostr.domains.records.recordsets.reach import Reached, check_action, parse_reference, reach_recordset
from fostr.domains.records.recordsets.repository import lock_recordset
from fostr.kernel.access.evaluator import is_own
from fostr.kernel.events.outbox import Cause, cause_by
from fostr.kernel.events.outbox import record as record_event
from fostr.kernel.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from fostr.domains.records.records.record import Record
    from fostr.domains.records.records.repository.writing import Content
    from fostr.kernel.events.outbox import CauseKind
    from fostr.kernel.http.context import Context

WRITTEN_AT_ONCE: Final = 1_000


@dataclass(slots=True)
class Batch:
    """A bulk write under way.

    Attributes:
        reached: the recordset; nobody can change its fields before the transaction ends.
        signature: what all versions say.
        place: the last place in the series that is taken.
        created: how many records it created.
        updated: how many it changed.
    """

    reached: Reached
    signature: Signature
    place: int = 0
    created: int = 0
    updated: int = 0

    @property
    def recordset_id(self) -> UUID:
        """The recordset."""
        return self.reached.recordset.id


def sign(context: Context, *, kind: CauseKind = "request", series: UUID | None = None) -> Signature:
    """Return what every version of a bulk write says of its origin; its id is a new one unless one is given."""
    series = series or new_id()
    return Signature(
        series=series,
        cause=cause_by(context.principal, Cause(kind=kind, id=series)),
        member_id=context.member_id,
        now=context.now,
    )


async def begin(context: Context, reference: UUID | str, action: str | None, *, signature: Signature) -> Batch:
    """Hold a recordset as it is until the transaction ends, and return the bulk write that may begin.

    Raises:
        RecordsetNotFound: the caller cannot see it.
        ActionForbidden: they may not do `action` in it.
        FieldsChanging: its fields changed each time that they were read.
    """
    given = parse_reference(reference) if isinstance(reference, str) else reference
    for _ in range(ATTEMPTS):
        reached = await reach_recordset(context, given, "view_records")
        if action is not None:
            check_action(reached, action)
        recordset = reached.recordset
        if await lock_recordset(context.unit, recordset.id, fields_version=recordset.fields_version):
            return Batch(reached=reached, signature=signature)
    raise FieldsChanging


async def lock_records(batch: Batch, ids: Sequence[UUID]) -> dict[UUID, Found]:
    """Lock records of the recordset, and return each with what the caller may do to it.

    What they may not see is left out.
    """
    reached = batch.reached
    found = await repository.lock_records(
        reached.unit,
        ids,
        recordset_id=batch.recordset_id,
        sees=reached.restriction("view_records"),
        edits=reached.restriction("edit"),
        deletes=reached.restriction("delete"),
    )
    return {record_id: _judge(reached, entry) for record_id, entry in found.items() if entry.sees}


def _judge(reached: Reached, found: Found) -> Found:
    own = is_own(reached.context.access, found.record.created_by, found.record.owner_id)
    return Found(
        record=found.record,
        sees=True,
        edits=found.edits and bool(reached.decide("edit", is_own=own)),
        deletes=found.deletes and bool(reached.decide("delete", is_own=own)),
    )


def plan_change(reached: Reached, record: Record, content: Content) -> Change:
    """Return the change that gives a locked record its new content."""
    search = content.shaped.search
    return Change(
        record=record,
        content=content,
        difference=compare(record, content),
        search=None if search == search_text(reached.recordset, record.field_values) else search,
    )


async def write_new(batch: Batch, contents: Sequence[Content]) -> list[UUID]:
    """Insert records, with whatever that brings with it, and return their ids."""
    ids: list[UUID] = []
    for start in range(0, len(contents), WRITTEN_AT_ONCE):
        some = contents[start : start + WRITTEN_AT_ONCE]
        new = await repository.insert_records(
            batch.reached.unit,
            some,
            recordset_id=batch.recordset_id,
            signature=batch.signature,
            first=batch.place + 1,
        )
        batch.place += len(new)
        written = [Written(id, {}, content.shaped.values) for id, content in zip(new, some, strict=True)]
        await effects.follow(batch.reached, written)
        ids += new
    batch.created += len(ids)
    return ids


async def write_changes(batch: Batch, changes: Sequence[Change]) -> dict[UUID, int]:
    """Change locked records, with whatever that brings with it, and return their new versions."""
    versions: dict[UUID, int] = {}
    for start in range(0, len(changes), WRITTEN_AT_ONCE):
        some = changes[start : start + WRITTEN_AT_ONCE]
        versions |= await repository.change_records(
            batch.reached.unit,
            some,
            recordset_id=batch.recordset_id,
            signature=batch.signature,
            first=batch.place + 1,
        )
        batch.place += len(some)
        await _follow(batch, some)
    batch.updated += len(versions)
    return versions


async def _follow(batch: Batch, changes: Sequence[Change]) -> None:
    kinds: dict[str, list[Written]] = {"update": [], "delete": [], "restore": []}
    for change in changes:
        before = {} if change.operation == "restore" else change.record.field_values
        kinds[change.operation].append(Written(change.record.id, before, change.content.shaped.values))
    await effects.follow(batch.reached, kinds["update"])
    # Who deleted them may have taken their links away with them.
    await follow_links(batch.reached, kinds["restore"])
    if kinds["delete"]:
        signature = batch.signature
        deletion = Deletion(member_id=signature.member_id, now=signature.now, cause=signature.cause)
        await follow_deletion(batch.reached.context, [batch.recordset_id], change=deletion)


async def tell(batch: Batch, type: str, **facts: Any) -> UUID | None:
    """Record the one event of what was written, and return its id; nothing when nothing was."""
    count = batch.created + batch.updated
    if count == 0:
        return None
    cause = batch.signature.cause
    return await record_event(
        batch.reached.context,
        type=type,
        entity="recordset",
        entity_id=batch.recordset_id,
        after={
            "recordset_id": str(batch.recordset_id),
            "count": count,
            "created": batch.created,
            "updated": batch.updated,
            **facts,
        },
        cause=Cause(kind=cause.kind, id=cause.id, count=count),
    )
