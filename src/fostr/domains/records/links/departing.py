"""What becomes of links when the records that they lead to are deleted.

Each link field says: the deletion is refused, the link is cleared, or the records that have it are deleted as well.
That holds whatever rights who deletes has on the records that are changed by it: it is the recordset's own rule, and
events tell what it did.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from fostr.domains.records.links.events import RECORDS_CASCADED, RECORDS_UNLINKED
from fostr.domains.records.links.repository import departing
from fostr.domains.records.recordsets.reach import find_bare
from fostr.kernel.events.outbox import Cause
from fostr.kernel.events.outbox import record as record_event
from fostr.kernel.http.errors import Conflict
from fostr.kernel.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from fostr.domains.records.links.repository.departing import Incoming
    from fostr.domains.records.records.repository.writing import Change
    from fostr.kernel.http.context import Context

DEEPEST: Final = 10
"""How far a deletion may spread by links."""
MOST_DELETED: Final = 10_000
"""Records to which a deletion may spread by links."""


class RecordLinked(Conflict):
    """Other records name what is to be deleted, in a field that does not let it go."""

    code = "record_linked"
    detail = "Other records link to what is to be deleted, by a field that does not allow that."


class CascadeTooLarge(Conflict):
    """A deletion would spread too far by links."""

    code = "cascade_too_large"
    detail = "By links, the deletion would take too many other records along; delete those first."


async def follow_deletion(context: Context, recordset_ids: Iterable[UUID], *, change: Change) -> None:
    """Settle the links to records that the transaction has just deleted.

    Whoever deletes records calls this right after, in the same transaction and with the same change: it knows the
    deleted records by the change's moment.

    Args:
        context: the request.
        recordset_ids: of the deleted records.
        change: by which they were deleted.

    Raises:
        RecordLinked: telling by which field how many records link to them, if the caller may know of it.
        CascadeTooLarge: the deletion would spread too far.
    """
    links = await _cascade(context, set(recordset_ids), change)
    for link in links:
        if link.on_delete == "restrict":
            await _check_unlinked(context, link, change)
    for link in links:
        if link.on_delete == "clear":
            await _clear(context, link, change)


async def _cascade(context: Context, recordset_ids: set[UUID], change: Change) -> list[Incoming]:
    """Delete what goes along, and return all link fields that lead to anything deleted."""
    known = {link.field_id: link for link in await departing.list_incoming(context.unit, sorted(recordset_ids))}
    pending = list(recordset_ids)
    total = 0
    for _ in range(DEEPEST):
        reached: dict[UUID, None] = {}
        for link in list(known.values()):
            if link.on_delete == "cascade" and link.target_id in pending:
                count = await _delete(context, link, change)
                total += count
                if count:
                    reached[link.source_id] = None
        if total > MOST_DELETED:
            break
        if not reached:
            return list(known.values())
        pending = list(reached)
        known |= {link.field_id: link for link in await departing.list_incoming(context.unit, sorted(pending))}
    raise CascadeTooLarge(limit=MOST_DELETED)


async def _delete(context: Context, link: Incoming, change: Change) -> int:
    own = _own(change)
    deleted = await departing.delete_linking(context.unit, link, change=own)
    if deleted:
        await _tell(context, RECORDS_CASCADED, link, len(deleted), own)
    return len(deleted)


async def _check_unlinked(context: Context, link: Incoming, change: Change) -> None:
    count = await departing.count_linking(context.unit, link, change=change)
    if not count:
        return
    source = await find_bare(context)(link.source_id)
    is_known = source is not None and source.decide("view") and not source.is_restricted()
    if source is None or not is_known or link.key in source.mask.hidden:
        raise RecordLinked
    raise RecordLinked(recordset_id=str(link.source_id), field=link.key, field_name=link.name, count=count)


async def _clear(context: Context, link: Incoming, change: Change) -> None:
    own = _own(change)
    count = await departing.clear_linking(context.unit, link, change=own)
    if count:
        await _tell(context, RECORDS_UNLINKED, link, count, own)


def _own(change: Change) -> Change:
    """Return the change with a cause of its own, by which the versions of one statement are found and no others."""
    assert change.cause is not None  # noqa: S101 - every write by a request has one
    return replace(change, cause=replace(change.cause, id=new_id(), count=None))


async def _tell(context: Context, type: str, link: Incoming, count: int, change: Change) -> None:
    facts = {
        "recordset_id": str(link.source_id),
        "count": count,
        "field": link.key,
        "linked_recordset_id": str(link.target_id),
    }
    cause = change.cause
    assert cause is not None  # noqa: S101 - made here
    await record_event(
        context,
        type=type,
        entity="recordset",
        entity_id=link.source_id,
        after=facts,
        cause=Cause(kind=cause.kind, id=cause.id, count=count),
    )
