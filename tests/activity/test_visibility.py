"""Every kind of event has somebody who says who may see it, and each type is shown to whom it should be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal, get_args, get_origin
from uuid import UUID

from fostr.kernel.discovery import import_modules
from fostr.kernel.events.catalogue import EventType, check_payload, list_event_types
from fostr.kernel.events.consumers import Event
from fostr.kernel.events.visibility import category_of, find_visibility, see_events, see_for_class
from fostr.kernel.ids import new_id
from tests.support.client import Client
from tests.support.records import create_record, create_recordset, grant
from tests.support.seeing import act

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fostr.kernel.http.context import Context
    from fostr.kernel.runtime import Runtime
    from tests.support.cast import Cast

import_modules("permissions")
import_modules("events")

EVERYBODY: Final = frozenset({"owner", "admin", "member", "viewer"})
LOOKING: Final = frozenset({"owner", "admin", "member"})
"""To the member, and not to the viewer, access to the recordset was granted: to look at it."""
ADMINISTRATORS: Final = frozenset({"owner", "admin"})
NOBODY: Final[frozenset[str]] = frozenset()

AUDIENCES: Final[dict[str, frozenset[str]]] = {
    **dict.fromkeys(
        [
            "record.created",
            "record.updated",
            "record.deleted",
            "record.restored",
            "record.placed_in_tool",
            "record.dismissed_from_tool",
            "record.place_reviewed",
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
            "recordset.created",
            "recordset.updated",
            "recordset.trashed",
            "recordset.restored",
            "recordset.field_retyped",
            "recordset.resynced",
            "comment.created",
            "comment.updated",
            "comment.deleted",
            "attachment.created",
            "attachment.deleted",
            "relationship.created",
            "relationship.deleted",
            "view.created",
            "view.updated",
            "view.deleted",
            "pipeline.created",
        ],
        LOOKING,
    ),
    **dict.fromkeys(
        [
            "records.purged",
            "recordset.purged",
            "recordset.access_granted",
            "recordset.access_revoked",
            "recordset.rule_created",
            "recordset.rule_updated",
            "recordset.rule_deleted",
            "recordsets.counted",
            "recordsets.reassigned",
            "views.reassigned",
            "teams.reassigned",
            "webhooks.reassigned",
            "share_link.created",
            "share_link.updated",
            "share_link.revoked",
            "import.completed",
            "import.failed",
            "import.cancelled",
            "export.requested",
            "export.completed",
            "export.failed",
            "geocoding.requested",
            "geocoding.completed",
            "geocoding.failed",
            "member.invitation_sent",
            "member.password_reset_sent",
            "member.items_reassigned",
            "role.created",
            "role.updated",
            "role.deleted",
            "role.members_moved",
            "api_key.created",
            "api_key.updated",
            "api_key.revoked",
            "api_key.expiring",
            "api_key.deleted",
            "account.activated",
            "account.password_changed",
            "account.second_factor_reset",
            "impersonation.requested",
            "impersonation.started",
            "impersonation.ended",
        ],
        ADMINISTRATORS,
    ),
    **dict.fromkeys(
        [
            "member.added",
            "member.invited",
            "member.updated",
            "member.deactivated",
            "member.reactivated",
            "member.removed",
            "member.deleted",
            "team.created",
            "team.updated",
            "team.deleted",
            "team.member_added",
            "team.member_updated",
            "team.member_removed",
            "module.changed",
            "workspace.created",
            "workspace.updated",
            "workspace.step_done",
        ],
        EVERYBODY,
    ),
    "member.tours_changed": NOBODY,
}
"""Who sees an event of each type about things of a recordset on which the member may look, or of somebody else."""

OURS: Final = frozenset(
    {"record", "recordset", "comment", "attachment", "view", "import", "export", "geocoding", "relationship"}
    | {"share_link", "workspace", "member", "team", "role", "module", "api_key", "account", "impersonation", "pipeline"}
)


@dataclass
class Stage:
    """What made up events tell of."""

    cast: Cast
    client: Client
    runtime: Runtime
    recordset: dict[str, Any]
    records: list[str]

    async def see(self, name: str, events: Iterable[Event], *, for_class: bool = False) -> list[Any]:
        person = getattr(self.cast, name)
        async with self.runtime.database.unit(self.cast.acme) as unit:
            context = await act(self.runtime, unit, person.member_id)
            return await (see_for_class if for_class else see_events)(context, list(events))

    def make(self, event_type: EventType, **facts: Any) -> Event:
        """Return an event of a type with facts that fit its schema."""
        told = self._facts(event_type, facts)
        check_payload(event_type, told)
        about = {
            "record": self.records[0],
            "recordset": self.recordset["id"],
            "workspace": self.cast.acme,
            "module": self.cast.acme,
            # Somebody who is in the workspace, and none of those who ask.
            "member": self.cast.owner.member_id,
        }
        return Event(
            id=new_id(),
            workspace_id=self.cast.acme,
            type=event_type.name,
            version=event_type.version,
            entity=event_type.entity,
            entity_id=UUID(str(about.get(event_type.entity, new_id()))),
            actor={"member_id": str(self.cast.owner.member_id), "user_id": str(new_id()), "kind": "pat"},
            before=None,
            after=told,
            cause={"kind": "request", "id": str(new_id()), "count": 2},
            created_at=datetime.now(UTC),
        )

    def _facts(self, event_type: EventType, given: dict[str, Any]) -> dict[str, Any] | None:
        if event_type.schema is None:
            return None
        known = {
            "recordset_id": self.recordset["id"],
            "related_recordset_id": self.recordset["id"],
            "record_id": self.records[0],
            "related_record_id": self.records[1],
            "target_id": self.records[0],
            "source_ids": [self.records[1]],
            "field_values": {"name": "Seen", "state": "TX"},
            "field": "attached" if event_type.entity == "attachment" else "name",
            "key": "name",
            "stage_field": "state",
            "visibility": "shared",
            "fields": [],
            **given,
        }
        return {
            name: known[name] if name in known else _made_up(field.annotation)
            for name, field in event_type.schema.model_fields.items()
        }


def _made_up(annotation: Any) -> Any:
    """Return a value that a fact can have."""
    options = get_args(annotation)
    if get_origin(annotation) is Literal:
        return options[0]
    if type(None) in options:
        return None
    plain = get_origin(annotation) or annotation
    made: dict[Any, Any] = {
        str: "text",
        int: 1,
        bool: False,
        list: [],
        dict: {},
        UUID: str(new_id()),
        datetime: "2026-01-01T00:00:00Z",
    }
    return made[plain]


async def set_stage(client: Client, cast: Cast, runtime: Runtime) -> Stage:
    owner = client.as_(cast.owner)
    recordset = await create_recordset(
        owner,
        fields=[
            {"key": "name", "name": "Name", "type": "text"},
            {"key": "state", "name": "State", "type": "select", "options": {"choices": ["TX"]}},
            {"key": "attached", "name": "Attached", "type": "attachment"},
        ],
    )
    await grant(owner, recordset, cast.member, "can_view")
    records = [(await create_record(owner, recordset, {"name": f"R{number}"}))["id"] for number in range(2)]
    return Stage(cast, client, runtime, recordset, records)


def test_every_kind_of_event_is_answered_for() -> None:
    # Other tests register types of their own.
    ours = {one.entity for one in list_event_types() if one.schema and one.schema.__module__.startswith("fostr.")}
    unanswered = {entity for entity in ours if find_visibility(entity) is None}
    assert not unanswered, f"add a visibility.py for {unanswered}; see docs/rights.md"


def test_the_table_has_every_type() -> None:
    assert {one.name for one in list_event_types() if one.entity in OURS} == AUDIENCES.keys()
    assert {category_of(entity) for entity in OURS} == {"record", "user", "workspace"}


async def test_each_type_is_shown_to_whom_it_should_be(client: Client, cast: Cast, runtime: Runtime) -> None:
    stage = await set_stage(client, cast, runtime)
    events = [stage.make(one) for one in list_event_types() if one.entity in OURS]
    audiences: dict[str, set[str]] = {event.type: set() for event in events}
    for name in EVERYBODY:
        # Facts of members are about the owner, whose own they are: of what is told to a class, nothing is.
        for event, seen in zip(events, await stage.see(name, events, for_class=True), strict=True):
            if seen is not None:
                audiences[event.type].add(name)
    assert audiences == {name: set(audience) for name, audience in AUDIENCES.items()}


async def test_a_reader_of_another_workspace_sees_nothing(client: Client, cast: Cast, runtime: Runtime) -> None:
    stage = await set_stage(client, cast, runtime)
    events = [stage.make(one) for one in list_event_types() if one.entity in OURS]
    async with runtime.database.unit(cast.globex) as unit:
        seen = await see_events(await act(runtime, unit, cast.stranger.member_id), events)
    assert seen == [None] * len(events)


async def test_accounts_and_credentials_are_for_administrators(client: Client, cast: Cast, runtime: Runtime) -> None:
    stage = await set_stage(client, cast, runtime)
    event = stage.make(next(one for one in list_event_types() if one.name == "record.updated"))
    [as_admin], [as_member] = await stage.see("admin", [event]), await stage.see("member", [event])
    assert as_admin.event.actor == event.actor
    assert as_member.event.actor == {**event.actor, "user_id": None, "kind": None}


async def test_the_number_of_statements_does_not_grow(client: Client, cast: Cast, runtime: Runtime) -> None:
    stage = await set_stage(client, cast, runtime)
    types = [one for one in list_event_types() if one.entity in OURS]
    few = [stage.make(one) for one in types]
    others = [await set_stage(client, cast, runtime) for _ in range(3)]
    many = [each.make(one) for each in (*others, stage) for _ in range(5) for one in types]

    async def count(events: list[Event]) -> int:
        from fostr.kernel.db.unit import observe_statements

        statements: list[str] = []
        async with runtime.database.unit(cast.acme) as unit:
            context: Context = await act(runtime, unit, cast.member.member_id)
            end = observe_statements(lambda text, _: statements.append(text))
            try:
                await see_events(context, events)
            finally:
                end()
        return len(statements)

    assert await count(many) == await count(few)
