"""Who may see events about recordsets, and about many of their records at once.

What was done to many records is told to whoever may view records of the recordset: whom row rules keep from some of
them is told no counts, as the recordset itself tells them none.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import UUID

from fostr.domains.records.expansion.seeing import expand_bulk
from fostr.domains.records.seeing.registering import register_seeing
from fostr.domains.records.seeing.sight import Sight, find_fact, find_told, look_at, parse_id, sees_all, states_of
from fostr.kernel.events.visibility import Seen

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fostr.domains.records.recordsets.reach import Reached
    from fostr.kernel.events.consumers import Event
    from fostr.kernel.http.context import Context

_PURGES: Final = frozenset({"recordset.purged", "records.purged"})
_GRANTS: Final = frozenset({"recordset.access_granted", "recordset.access_revoked"})
_VIEWED: Final = {
    **dict.fromkeys(
        (
            "recordset.created",
            "recordset.updated",
            "recordset.trashed",
            "recordset.restored",
            "recordset.field_retyped",
            "recordset.resynced",
        ),
        "view",
    ),
    **dict.fromkeys(
        (
            "record.imported",
            "records.created",
            "records.updated",
            "records.upserted",
            "records.deleted",
            "records.merged",
            "records.undone",
            "records.reassigned",
            "records.unlinked",
            "records.deleted_by_link",
        ),
        "view_records",
    ),
}
"""What a reader has to be allowed for each type; for all others, to administer the recordset."""

_COUNTS: Final = frozenset(
    {"count", "created", "updated", "imported", "skipped", "failed", "records", "changed", "lost"}
)
_OF_THE_JOB: Final = frozenset({"filename", "job_id", "skipped", "failed"})
"""What an import tells of its file, which is for who began it and for administrators; see events about imports."""


async def view_recordsets(context: Context, events: Sequence[Event]) -> list[Seen | None]:
    """Return what a reader may know of events about recordsets.

    One in the trash is for who sees the trash, and what was deleted for good is for administrators.
    """
    sight = await look_at(context, events, records={one for event in events for one in _named_records(event)})
    return [_see(sight, event) for event in events]


def _named_records(event: Event) -> Iterator[UUID]:
    for state in states_of(event):
        listed = state.get("source_ids")
        for text in (state.get("target_id"), *(cast("list[Any]", listed) if isinstance(listed, list) else ())):
            if (found := parse_id(text)) is not None:
                yield found


def _see(sight: Sight, event: Event) -> Seen | None:
    if event.type in _PURGES or event.entity_id not in sight.recordsets:
        return _see_gone(sight, event)
    reached = sight.find_recordset(event.entity_id, _VIEWED.get(event.type, "administer"))
    if reached is None or _is_about_hidden(reached, event):
        return None
    before, after = (None if state is None else _tell(sight, reached, state) for state in (event.before, event.after))
    told = replace(event, before=before, after=after)
    if reached.is_restricted() and event.cause is not None:
        told = replace(told, cause={name: value for name, value in event.cause.items() if name != "count"})
    return _seen(told, reached)


def _see_gone(sight: Sight, event: Event) -> Seen | None:
    if not sight.sees_gone:
        return None
    if sight.context.access.base_role != "owner":
        # Which fields were hidden from whom went with them.
        before, after = (
            None if state is None else {name: value for name, value in state.items() if name != "fields"}
            for state in (event.before, event.after)
        )
        event = replace(event, before=before, after=after)
    return _seen(event, sight.recordsets.get(event.entity_id))


def _seen(event: Event, reached: Reached | None) -> Seen:
    name = reached.recordset.name if reached is not None else find_told(event, "name") if _is_of_it(event) else None
    return Seen(event=event, name=name, scope_id=event.entity_id, scope_name=name)


def _is_of_it(event: Event) -> bool:
    """Say whether what an event tells is of the recordset itself, and not of a rule or of records."""
    return any("slug" in state for state in states_of(event))


def _is_about_hidden(reached: Reached, event: Event) -> bool:
    """Say whether an event tells of one field that is hidden from the reader, or gone and perhaps was."""
    name = {"recordset.field_retyped": "key", "records.unlinked": "field"}.get(event.type)
    if name is None or sees_all(reached):
        return False
    keys = {state.get(name) for state in states_of(event)}
    return bool(keys & reached.mask.hidden) or not keys <= reached.recordset.by_key.keys()


def _tell(sight: Sight, reached: Reached, state: dict[str, Any]) -> dict[str, Any]:
    """Return one side of what an event tells, without what is hidden from the reader or out of their reach."""
    told = dict(state)
    if reached.is_restricted():
        told = {name: value for name, value in told.items() if name not in _COUNTS}
    if "import_id" in told and not sight.context.access.is_administrator:
        told = {name: value for name, value in told.items() if name not in _OF_THE_JOB}
    if told.get("fields") is not None:
        told["fields"] = [entry for entry in told["fields"] if _may_know_field(reached, entry)]
    if "field" in told and not _may_know_key(reached, told["field"]):
        told.pop("field")
    if "source_ids" in told:
        told["source_ids"] = sight.keep_visible(told["source_ids"])
    if "target_id" in told and not sight.keep_visible([told["target_id"]]):
        told.pop("target_id")
    return told


def _may_know_key(reached: Reached, key: str) -> bool:
    return sees_all(reached) or (key in reached.recordset.by_key and key not in reached.mask.hidden)


def _may_know_field(reached: Reached, entry: dict[str, Any]) -> bool:
    """Say whether a reader may know of a field that an event describes: it is not hidden from them, and was not."""
    if sees_all(reached):
        return True
    roles = {reached.context.access.role, reached.context.access.base_role}
    return entry["key"] not in reached.mask.hidden and roles.isdisjoint(entry["hidden_from"])


def _granted(event: Event) -> list[UUID]:
    """Return the member to whom access was granted, or from whom it was taken, by name."""
    member_id = find_fact(event, "member_id") if event.type in _GRANTS else None
    return [] if member_id is None else [member_id]


async def view_own_grants(context: Context, events: Sequence[Event]) -> list[Seen | None]:
    """Return events that tell readers of access which they got or lost; with the recordset's name, if they see it."""
    sight = await look_at(context, events)
    return [_see_grant(sight, event) for event in events]


def _see_grant(sight: Sight, event: Event) -> Seen | None:
    if sight.context.member_id not in _granted(event):
        return None
    reached = sight.find_recordset(event.entity_id)
    return Seen(event=event, scope_id=event.entity_id) if reached is None else _seen(event, reached)


register_seeing("recordset", view=view_recordsets, concerns=_granted, view_own=view_own_grants, expand=expand_bulk)
