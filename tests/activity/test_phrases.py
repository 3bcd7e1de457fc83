"""Every type of event makes a sentence."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from fostr.domains.activity.feed.phrases import describe, phrase_of
from fostr.kernel.discovery import import_modules
from fostr.kernel.events.catalogue import list_event_types
from fostr.kernel.events.consumers import Event
from fostr.kernel.events.visibility import Seen, category_of
from fostr.kernel.ids import new_id
from tests.activity.test_visibility import set_stage
from tests.support.activity import read_everything

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fostr.kernel.runtime import Runtime
    from tests.support.cast import Cast
    from tests.support.client import Client

THING = new_id()


BOB = str(new_id())
HOSTS = str(new_id())
NAMES = {BOB: "Bob", HOSTS: "Hosts"}

INSERT = """
    insert into events (workspace_id, id, type, version, entity, entity_id, actor, after, cause)
    values (:workspace, :id, :type, :version, :entity, :entity_id, :actor, :after, :cause)
"""


def seen(
    type: str, entity: str, *, count: int | None = None, facts: dict[str, Any] | None = None, **known: Any
) -> Seen:
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
        after=facts,
        cause=cause,
        created_at=datetime(2026, 3, 1, tzinfo=UTC),
    )
    return Seen(event, **known)


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        (
            seen("record.updated", "record", name="Anchor", scope_id=new_id(), scope_name="Inns"),
            "changed Anchor in Inns",
        ),
        (seen("record.updated", "record"), "changed a record"),
        (
            seen("record.deleted", "record", name="Anchor", scope_id=new_id(), scope_name="Inns"),
            "moved Anchor in Inns to the trash",
        ),
        (
            seen("recordset.trashed", "recordset", name="Inns", scope_id=THING, scope_name="Inns"),
            "moved the recordset Inns to the trash",
        ),
        (seen("recordset.purged", "recordset"), "deleted a recordset for good"),
        (seen("records.updated", "recordset", name="Inns", count=1200), "changed 1,200 records in Inns"),
        (seen("records.updated", "recordset", name="Inns", count=1), "changed 1 record in Inns"),
        (seen("records.updated", "recordset", name="Inns"), "changed records in Inns"),
        (seen("record.imported", "recordset", name="Inns", count=3), "imported 3 records into Inns"),
        (seen("records.undone", "recordset", name="Inns", count=3), "undid changes to 3 records in Inns"),
        (
            seen("records.deleted_by_link", "recordset", name="Inns", count=2),
            "moved 2 records of Inns to the trash along with records that they link to",
        ),
        (
            seen("recordset.access_granted", "recordset", name="Inns", facts={"member_id": BOB}),
            "gave Bob access to the recordset Inns",
        ),
        (
            seen("recordset.access_granted", "recordset", name="Inns", facts={"member_id": None, "team_id": HOSTS}),
            "gave Hosts access to the recordset Inns",
        ),
        (
            seen("recordset.access_revoked", "recordset", name="Inns", facts={"team_id": str(new_id())}),
            "took away the access of a team to the recordset Inns",
        ),
        (
            seen("recordset.rule_created", "recordset", name="Inns", facts={"name": "Own"}),
            "made the rule Own about who reaches which records of Inns",
        ),
        # A fact that is not told is made up for by the name of the type.
        (seen("recordset.rule_created", "recordset", name="Inns"), "created a rule of the recordset Inns"),
        (seen("team.member_added", "team", name="Hosts", facts={"member_id": BOB}), "took Bob into the team Hosts"),
        (seen("team.member_removed", "team", name="Hosts"), "took a member out of the team Hosts"),
        (
            seen("teams.reassigned", "member", name="Ada", count=1, facts={"to_member_id": BOB}),
            "let Bob lead 1 team in the place of Ada",
        ),
        (seen("comment.created", "comment", name="Anchor"), "commented on Anchor"),
        (
            seen("attachment.created", "attachment", name="Anchor", facts={"filename": "a.png"}),
            "attached a.png to Anchor",
        ),
        (seen("api_key.created", "api_key", name="Deploy"), "created the API key Deploy"),
        (seen("api_key.deleted", "api_key"), "deleted an API key"),
        (seen("import.failed", "import"), "could not finish an import"),
        (
            seen("export.completed", "export", count=2, scope_id=new_id(), scope_name="Inns"),
            "finished an export of 2 records in Inns",
        ),
        (seen("windmill.lit", "windmill"), "lit a windmill"),
        (seen("record.updated", "record", name="{count} {thing}"), "changed {count} {thing}"),
    ],
)
def test_sentences(told: Seen, sentence: str) -> None:
    import_modules("events")
    assert describe(told, actor="Ada", names=NAMES) == f"Ada {sentence}"
    assert describe(told, actor=None, names=NAMES) == f"The system {sentence}"


def test_what_somebody_did_to_themselves() -> None:
    import_modules("events")
    left = seen("member.removed", "member", name="Ada")
    assert describe(left, actor="Ada", is_own=True) == "Ada left the workspace"
    assert describe(left, actor="Bob") == "Bob removed Ada from the workspace"
    # Not every type has words for that.
    assert describe(seen("member.invited", "member", name="Ada"), actor="Ada", is_own=True) == "Ada invited Ada"


@pytest.mark.parametrize(
    ("actor", "facts", "who"),
    [
        ("Ada", {}, "Ada"),
        ("Ada", {"acting_as": str(new_id())}, "An operator, in the name of Ada,"),
        (None, {}, "The system"),
        (None, {"kind": "system"}, "The system"),
        # An account that is no member's here; or one that was forgotten, and its name with it.
        (None, {"kind": "session"}, "Somebody"),
        (None, {"kind": None}, "Somebody"),
        ("", {"kind": None, "member_id": BOB}, "Somebody"),
    ],
)
def test_who_did_it(actor: str | None, facts: dict[str, Any], who: str) -> None:
    told = seen("record.updated", "record", name="Anchor")
    told = replace(told, event=replace(told.event, actor=facts))
    assert describe(told, actor=actor) == f"{who} changed Anchor"


def test_every_type_has_a_phrase() -> None:
    import_modules("events")
    for event_type in list_event_types():
        for is_own in (False, True):
            phrase = phrase_of(event_type.name, event_type.entity, is_own=is_own)
            is_told = event_type.phrase or event_type.own_phrase
            assert is_told or "{thing}" in phrase or "{name}" in phrase, event_type.name
            places = set(re.findall(r"{([^}]*)}", phrase))
            told = {f"fact[{name}]" for name in event_type.schema.model_fields} if event_type.schema else set[str]()
            named = {place for place in places if not place.startswith("count:")}
            assert named <= {"name", "thing", "whom", "to"} | told, phrase
            assert re.fullmatch(r"[a-z]\S*( \S+)*[^.]", phrase), phrase


async def test_every_type_makes_a_sentence_of_the_feed(
    client: Client, cast: Cast, runtime: Runtime, follow: Callable[[], Awaitable[None]]
) -> None:
    stage = await set_stage(client, cast, runtime)
    known = {"member_id": str(cast.member.member_id), "to_member_id": str(cast.admin.member_id)}
    made = [stage.make(one, **known) for one in list_event_types() if category_of(one.entity) is not None]
    async with runtime.database.unit(cast.acme) as unit:
        await unit.run_many(INSERT, [_row(event) for event in made])
    await follow()
    items = {item["id"]: item for item in await read_everything(client, cast.owner)}
    for event in made:
        item = items[str(event.id)]
        sentence = item["description"]
        assert sentence.startswith("Owner Example ") or event.entity == "impersonation", sentence
        assert not re.search(r"[{}_]|None|[0-9a-f]{8}-", sentence), sentence
        assert not re.search(r"\b(\w+) \1\b", sentence), sentence
        assert "{" not in (item["link"] or ""), item["link"]


def _row(event: Event) -> dict[str, Any]:
    names = ("id", "type", "version", "entity", "entity_id", "actor", "after", "cause")
    return {name: getattr(event, name) for name in names}
