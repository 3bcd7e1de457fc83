"""Every type of event makes a sentence."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from fostr.domains.activity.feed.phrases import describe, phrase_of
from fostr.kernel.discovery import import_modules
from fostr.kernel.events.catalogue import list_event_types
from fostr.kernel.events.consumers import Event
from fostr.kernel.events.visibility import Seen
from fostr.kernel.ids import new_id

THING = new_id()


def seen(type: str, entity: str, *, count: int | None = None, **facts: Any) -> Seen:
    cause = None if count is None else {"kind": "request", "count": count}
    event = Event(
        id=new_id(),
        workspace_id=new_id(),
        type=type,
        version=1,
        entity=entity,
        entity_id=THING,
        actor={},
        before=None,
        after=None,
        cause=cause,
        created_at=datetime(2026, 3, 1, tzinfo=UTC),
    )
    return Seen(event, **facts)


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        (
            seen("record.updated", "record", name="Anchor", scope_id=new_id(), scope_name="Inns"),
            "changed Anchor in Inns",
        ),
        (seen("record.updated", "record"), "changed a record"),
        (
            seen("recordset.trashed", "recordset", name="Inns", scope_id=THING, scope_name="Inns"),
            "moved Inns to the trash",
        ),
        (seen("records.updated", "recordset", name="Inns", count=1200), "changed 1,200 records in Inns"),
        (seen("records.updated", "recordset", name="Inns"), "changed records in Inns"),
        (seen("record.imported", "recordset", name="Inns", count=3), "imported 3 records into Inns"),
        (seen("records.undone", "recordset", name="Inns", count=3), "undid changes to 3 records in Inns"),
        (seen("records.deleted_by_link", "recordset", name="Inns", count=2), "deleted 2 records in Inns by link"),
        (seen("recordset.access_granted", "recordset", name="Inns"), "granted access to Inns"),
        (seen("recordset.rule_created", "recordset", name="Inns"), "created a rule of Inns"),
        (seen("team.member_added", "team", name="Hosts"), "added a member to Hosts"),
        (seen("team.member_removed", "team", name="Hosts"), "removed a member from Hosts"),
        (seen("teams.reassigned", "member", name="Ada", count=2), "handed over 2 teams of Ada"),
        (seen("comment.created", "comment", name="Anchor"), "commented on Anchor"),
        (seen("import.failed", "import"), "could not finish an import"),
        (seen("record.updated", "record", name="{count} {thing}"), "changed {count} {thing}"),
    ],
)
def test_sentences(told: Seen, sentence: str) -> None:
    import_modules("events")
    assert describe(told, actor="Ada") == f"Ada {sentence}"
    assert describe(told, actor=None) == f"The system {sentence}"


def test_every_type_has_a_phrase() -> None:
    import_modules("events")
    for event_type in list_event_types():
        phrase = phrase_of(event_type.name, event_type.entity)
        assert "{thing}" in phrase or event_type.phrase, event_type.name
        assert set(re.findall(r"{([^}]*)}", phrase)) <= {"thing", "count"}, phrase
        assert re.fullmatch(r"[a-z]\S*( \S+)*[^.]", phrase), phrase
