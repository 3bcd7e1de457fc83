"""What members can be told about records."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from fostr.domains.notifications.public import Channels, Notice, NotificationType, register_notifications
from fostr.domains.records.bulk.events import RECORDS_CREATED, RECORDS_DELETED, RECORDS_UPDATED, RECORDS_UPSERTED
from fostr.domains.records.expansion.service import is_bulk, series_of
from fostr.domains.records.imports.telling import NOTIFICATION
from fostr.domains.records.links.events import RECORDS_CASCADED
from fostr.domains.records.modules import RECORDS
from fostr.domains.records.notices import repository
from fostr.domains.workspaces.public import list_administrators
from fostr.kernel.lines import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fostr.kernel.db.unit import Unit
    from fostr.kernel.events.consumers import Event
    from fostr.kernel.events.visibility import Seen

LONGEST_QUOTE: Final = 280
MOST_MENTIONS: Final = 50

_MENTION: Final = re.compile(r"@\[([^\]\n]{1,100})\]\(([0-9a-fA-F-]{36})\)")
"""Somebody who is named in a comment: `@[Ada Example](<member id>)`."""


def list_mentioned(text: str) -> list[UUID]:
    """Return the members whom a comment names, each once."""
    found: list[UUID] = []
    for match in _MENTION.finditer(text):
        try:
            found.append(UUID(match[2]))
        except ValueError:
            continue
    return list(dict.fromkeys(found))[:MOST_MENTIONS]


def quote(text: str) -> str:
    """Return a comment as people read it in a notification: one line, not long, those who are named by their names."""
    return one_line(_MENTION.sub(r"@\1", text), longest=LONGEST_QUOTE)


async def _new_owners(unit: Unit, event: Event) -> list[UUID]:
    if is_bulk(event):
        return await repository.list_new_owners(unit, series_of(event), recordset_id=event.entity_id)
    before, after = event.before or {}, event.after or {}
    owner = after.get("owner_id")
    return [UUID(owner)] if owner is not None and owner != before.get("owner_id") else []


async def _owners_of_deleted(unit: Unit, event: Event) -> list[UUID]:
    if is_bulk(event):
        return await repository.list_owners_of_deleted(unit, series_of(event), recordset_id=event.entity_id)
    owner = (event.before or {}).get("owner_id")
    return [] if owner is None else [UUID(owner)]


async def _mentioned(unit: Unit, event: Event) -> list[UUID]:
    del unit
    # A comment that is changed tells those who were not named before.
    before = list_mentioned((event.before or {}).get("text") or "")
    return [one for one in list_mentioned((event.after or {}).get("text") or "") if one not in before]


async def _holders(unit: Unit, event: Event) -> Sequence[UUID]:
    record_id, named = _commented(event), await _mentioned(unit, event)
    return [one for one in await repository.list_holders(unit, record_id) if one not in named]


async def _others_who_commented(unit: Unit, event: Event) -> Sequence[UUID]:
    record_id, named = _commented(event), await _mentioned(unit, event)
    told = {*named, *await repository.list_holders(unit, record_id)}
    return [one for one in await repository.list_authors(unit, record_id) if one not in told]


def _commented(event: Event) -> UUID:
    return UUID((event.after or {})["record_id"])


async def _who_asked(unit: Unit, event: Event) -> list[UUID]:
    del unit
    asked = (event.after or {}).get("requested_by") or event.actor.get("member_id")
    return [] if asked is None else [UUID(asked)]


async def _granted(unit: Unit, event: Event) -> list[UUID]:
    del unit
    member = (event.after or {}).get("member_id")
    return [UUID(member)] if member is not None and event.before is None else []


def _assigned(seen: Seen) -> Notice:
    if seen.event.entity == "recordset":
        return _of_many(seen, f"Records of {_scope(seen)} are yours now")
    return Notice(
        title=f"{_name(seen)} is yours now",
        body=f"The record in {seen.scope_name} was assigned to you." if seen.scope_name else "",
        link=_record_link(seen),
        thread=_record_thread(seen),
    )


def _deleted(seen: Seen) -> Notice:
    if seen.event.entity == "recordset":
        return _of_many(seen, f"Records of yours in {_scope(seen)} were deleted")
    return Notice(
        title=f"{_name(seen)} was deleted",
        body=f"The record in {seen.scope_name} was yours. It is in the trash." if seen.scope_name else "",
        link=_recordset_link(seen),
        thread=_record_thread(seen),
    )


def _of_many(seen: Seen, title: str) -> Notice:
    return Notice(title=title, link=_recordset_link(seen), thread=f"recordset:{seen.event.entity_id}")


def _comment(seen: Seen, *, title: str) -> Notice:
    text = (seen.event.after or {}).get("text") or ""
    return Notice(title=title, body=quote(text), link=_record_link(seen), thread=_record_thread(seen))


def _commented_on(seen: Seen) -> Notice:
    return _comment(seen, title=f"New comment on {_name(seen)}")


def _named_in(seen: Seen) -> Notice:
    return _comment(seen, title=f"You are mentioned in a comment on {_name(seen)}")


def _import_ended(seen: Seen) -> Notice:
    facts = seen.event.after or {}
    did = {"completed": "Imported", "failed": "Import failed", "cancelled": "Import cancelled"}[facts["outcome"]]
    counted = (("imported", "new"), ("updated", "updated"), ("skipped", "left out"), ("failed", "refused"))
    counts = [f"{facts[key]:,} {word}" for key, word in counted if facts.get(key)]
    return Notice(
        title=f"{did}: {facts['filename']}",
        body=", ".join(counts),
        link=f"/imports/{facts['job_id']}",
        thread=f"import:{facts['import_id']}",
    )


def _export_ended(seen: Seen) -> Notice:
    facts = seen.event.after or {}
    if seen.event.type == "export.failed":
        return Notice(
            title=f"Your export of {_scope(seen)} failed",
            body="Ask for it again; if it fails again, tell whoever looks after the server.",
            thread=f"export:{seen.event.entity_id}",
        )
    rows: Any = facts.get("rows")
    return Notice(
        title=f"Your export of {_scope(seen)} is ready",
        body="" if rows is None else f"{rows:,} records as {facts['format']}.",
        link=f"/exports/{seen.event.entity_id}",
        thread=f"export:{seen.event.entity_id}",
    )


def _places_found(seen: Seen) -> Notice:
    facts = seen.event.after or {}
    if seen.event.type == "geocoding.failed":
        return Notice(
            title=f"The search for places of {_scope(seen)} failed",
            body="What was found by then stays. Ask for it again to go on.",
            link=_recordset_link(seen),
            thread=f"geocoding:{seen.event.entity_id}",
        )
    counted = (("found", "found"), ("unknown", "not found"), ("needs_review", "to be looked at"))
    counts = [f"{facts[key]:,} {word}" for key, word in counted if facts.get(key)]
    return Notice(
        title=f"Places of {_scope(seen)} were searched",
        body=", ".join(counts),
        link=_recordset_link(seen),
        thread=f"geocoding:{seen.event.entity_id}",
    )


def _opened_to(seen: Seen) -> Notice:
    return Notice(title=f"{_scope(seen)} was shared with you", link=_recordset_link(seen))


async def _administrators(unit: Unit, event: Event) -> list[UUID]:
    del event
    return await list_administrators(unit)


def _opened_to_all(seen: Seen) -> Notice:
    facts = seen.event.after or {}
    guarded = "with the password" if facts.get("has_password") else "without signing in"
    return Notice(
        title=f"A view of {_scope(seen)} was shared by a link: {seen.name or facts.get('name', '')}".rstrip(": "),
        body=f"Whoever has the link can read it, {guarded}.",
        link=_recordset_link(seen),
        thread=f"share_link:{seen.event.entity_id}",
    )


def _name(seen: Seen) -> str:
    return seen.name or f"a record in {_scope(seen)}"


def _scope(seen: Seen) -> str:
    return seen.scope_name or "a recordset"


def _record_link(seen: Seen) -> str | None:
    return None if seen.record_id is None else f"/records/{seen.record_id}"


def _recordset_link(seen: Seen) -> str | None:
    return None if seen.scope_id is None else f"/recordsets/{seen.scope_id}"


def _record_thread(seen: Seen) -> str | None:
    return None if seen.record_id is None else f"record:{seen.record_id}"


register_notifications(
    NotificationType(
        name="record_assigned",
        category="assigned_actions",
        label="Record assigned to you",
        description="You became the owner of a record, or of many at once.",
        events=frozenset({"record.created", "record.updated", RECORDS_CREATED, RECORDS_UPDATED, RECORDS_UPSERTED}),
        module=RECORDS,
        recipients=_new_owners,
        compose=_assigned,
    ),
    NotificationType(
        name="record_deleted",
        category="owned_actions",
        label="Your record was deleted",
        description="Somebody moved a record that you own to the trash.",
        events=frozenset({"record.deleted", RECORDS_DELETED, RECORDS_CASCADED}),
        module=RECORDS,
        recipients=_owners_of_deleted,
        compose=_deleted,
        defaults=Channels(email=False),
    ),
    NotificationType(
        name="record_commented",
        category="owned_actions",
        label="Comment on your record",
        description="Somebody commented on a record that you own or created.",
        events=frozenset({"comment.created"}),
        module=RECORDS,
        recipients=_holders,
        compose=_commented_on,
    ),
    NotificationType(
        name="comment_followed",
        category="owned_actions",
        label="Comment after yours",
        description="Somebody commented on a record on which you have commented.",
        events=frozenset({"comment.created"}),
        module=RECORDS,
        recipients=_others_who_commented,
        compose=_commented_on,
        defaults=Channels(email=False),
    ),
    NotificationType(
        name="comment_mentioned",
        category="mentions",
        label="Mention in a comment",
        description="Somebody named you in a comment.",
        events=frozenset({"comment.created", "comment.updated"}),
        module=RECORDS,
        recipients=_mentioned,
        compose=_named_in,
    ),
    NotificationType(
        name=NOTIFICATION,
        category="data",
        label="Import finished",
        description="A file that you imported is in, or could not be imported.",
        events=frozenset({"import.completed", "import.failed"}),
        module=RECORDS,
        recipients=_who_asked,
        compose=_import_ended,
        tells_actor=True,
        has_own_mail=True,
    ),
    NotificationType(
        name="export_finished",
        category="data",
        label="Export finished",
        description="An export of records that you asked for can be downloaded, or has failed.",
        events=frozenset({"export.completed", "export.failed"}),
        module=RECORDS,
        recipients=_who_asked,
        compose=_export_ended,
        tells_actor=True,
        defaults=Channels(email=False),
    ),
    NotificationType(
        name="geocoding_finished",
        category="data",
        label="Search for places finished",
        description="The search for the places of records that you asked for has ended, or has failed.",
        events=frozenset({"geocoding.completed", "geocoding.failed"}),
        module=RECORDS,
        recipients=_who_asked,
        compose=_places_found,
        tells_actor=True,
        defaults=Channels(email=False),
    ),
    NotificationType(
        name="recordset_shared",
        category="team",
        label="Recordset shared with you",
        description="You were given access to a recordset.",
        events=frozenset({"recordset.access_granted"}),
        module=RECORDS,
        recipients=_granted,
        compose=_opened_to,
    ),
    NotificationType(
        name="share_link_created",
        category="security",
        label="View shared with outsiders",
        description="Somebody made a link by which people outside of a workspace that you administer read its records.",
        events=frozenset({"share_link.created"}),
        module=RECORDS,
        recipients=_administrators,
        compose=_opened_to_all,
        defaults=Channels(email=False),
    ),
)
