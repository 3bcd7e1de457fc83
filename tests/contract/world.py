"""One of everything in acme, so that every path parameter of every operation can be filled in.

A parameter that nobody here knows fails the walk: whoever adds an operation says here what its ids stand for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from fostr.domains.identity.passkeys.tables import passkeys
from fostr.domains.notifications.inbox.tables import notifications
from fostr.domains.webhooks.deliveries.tables import webhook_deliveries
from fostr.domains.workspaces.teams.tables import teams
from fostr.kernel import clock
from fostr.kernel.auth.tables import sessions
from fostr.kernel.db.gateway import insert_row
from fostr.kernel.ids import new_id
from fostr.kernel.mail.tables import mails
from tests.support.records import create_record, create_recordset, grant

if TYPE_CHECKING:
    from fostr.kernel.runtime import Runtime
    from tests.contract.walk import Operation
    from tests.support.cast import Cast
    from tests.support.client import Client

SECRET: Final = "zanzibar-marmalade"
"""Stands in everything that acme keeps; no answer to somebody else may ever hold it."""

WORDS: Final = frozenset({"role", "permission", "number", "zoom", "x", "y", "z"})
"""Parameters that stand in paths as words, and in bodies for something else."""

CSV: Final = f"name,size\n{SECRET},1\nsecond,2\n"


@dataclass(frozen=True, slots=True)
class World:
    """The ids of what acme keeps, by the names of path and query parameters."""

    ids: dict[str, Any]
    trashed_slug: str

    def path(self, operation: Operation) -> str:
        """Return the operation's path with acme's ids in it."""
        path = operation.path
        for name in operation.path_names:
            value = self.trashed_slug if name == "recordset" and "/trash/" in path else self.known(name, operation)
            path = path.replace(f"{{{name}}}", value)
        return path

    def query(self, operation: Operation) -> dict[str, str]:
        """Return the query parameters that the operation cannot do without."""
        return {name: self.known(name, operation) for name in operation.required_query}

    def known(self, name: str, operation: Operation) -> str:
        """Return acme's value for a parameter."""
        assert name in self.ids, f"{operation.name}: tests/contract/world.py does not know {name!r}"
        return self.ids[name]

    def body(self, example: Any) -> Any:
        """Return an example body with acme's ids in the place of made-up ones."""
        if isinstance(example, dict):
            known = self.ids.keys() - WORDS
            return {key: self.ids[key] if key in known else self.body(value) for key, value in example.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        return example


async def create_world(client: Client, cast: Cast, runtime: Runtime) -> World:
    """Fill acme, and return what its things are called."""
    owner = client.as_(cast.owner)
    fields = [{"name": "Name", "type": "text"}, {"name": "Lat", "type": "number"}, {"name": "Lng", "type": "number"}]
    places = {"map": {"lat_field": "lat", "lng_field": "lng"}}
    recordset = await create_recordset(owner, name=f"Places {SECRET}", fields=fields, settings=places)
    for person in (cast.member, cast.viewer):
        await grant(owner, recordset, person, "can_view")
    trashed = await create_recordset(owner, name=f"Old {SECRET}", fields=fields)
    assert (await owner.delete(f"/api/v1/recordsets/{trashed['slug']}")).status_code == 204
    return World(
        ids={
            "recordset": recordset["slug"],
            "recordset_id": recordset["id"],
            "field_key": "name",
            "rule_id": await _create_rule(owner, recordset),
            **await _of_webhooks(owner, cast, runtime),
            **dict.fromkeys(("zoom", "x", "y", "z"), "0"),
            **await _of_a_record(owner, recordset),
            **await _of_a_view(owner, recordset),
            **await _of_an_import(owner, recordset),
            **await _of_people(client, cast, runtime),
            **await _of_notifications(client, cast, runtime),
            "letter_id": await _create_dead_letter(runtime, cast),
        },
        trashed_slug=trashed["slug"],
    )


async def _of_a_record(owner: Client, recordset: dict[str, Any]) -> dict[str, Any]:
    record = await create_record(owner, recordset, {"name": SECRET, "lat": 37.4, "lng": -122.0})
    path = f"/api/v1/records/{record['id']}"
    record = (await owner.patch(path, json={"field_values": {"lat": 37.5}})).json()
    attached = await owner.post(f"/api/v1/crud/records/{record['id']}/attachments", files={"file": (SECRET, b"x")})
    assert attached.status_code == 201, attached.text
    return {
        "record_id": record["id"],
        "record_ids": [record["id"]],
        "history_id": (await owner.get(f"{path}/history")).json()["items"][0]["id"],
        "comment_id": await _created(owner, f"{path}/comments", {"text": SECRET}),
        "attachment_id": attached.json()["id"],
        "ids": attached.json()["id"],
        "relationship_id": await _create_relationship(owner, recordset, record),
        "tool": await _place_in_tool(owner, record),
        "change_id": await _find_change(owner, recordset),
    }


async def _of_a_view(owner: Client, recordset: dict[str, Any]) -> dict[str, Any]:
    view = await _create_view(owner, recordset)
    link = await _create_link(owner, recordset, view)
    return {"view_id": view, "link_id": link["id"], "share_token": link["token"]}


async def _of_an_import(owner: Client, recordset: dict[str, Any]) -> dict[str, Any]:
    upload = await owner.post("/api/v1/import/upload", files={"file": (f"{SECRET}.csv", CSV, "text/csv")})
    assert upload.status_code == 200, upload.text
    uploaded = upload.json()
    job = await owner.post(
        f"/api/v1/import/recordsets/{recordset['id']}",
        json={"file_uri": uploaded["file_uri"], "field_mappings": {"name": "name"}},
    )
    assert job.status_code == 200, job.text
    return {
        "job_id": job.json()["job_id"],
        "file_uri": uploaded["file_uri"],
        "upload_id": await _begin_upload(owner),
        "number": "1",
    }


async def _of_people(client: Client, cast: Cast, runtime: Runtime) -> dict[str, Any]:
    owner = client.as_(cast.owner)
    return {
        "workspace_id": str(cast.acme),
        "owner_id": str(cast.acme),
        "slug": (await owner.get(f"/api/v1/workspaces/{cast.acme}")).json()["slug"],
        "member_id": str(cast.member.member_id),
        "user_id": str(cast.member.user_id),
        "team_id": await _create_team(runtime, cast),
        "role": await _create_role(owner),
        "permission": "can_view_record",
        # One that there is would be switched off on the walk, and the rest of it would meet nothing else.
        "module": "no-such-module",
        "api_key_id": await _created(owner, "/api/v1/api-keys", {"name": SECRET, "scopes": ["read"]}),
        "token_id": await _created(owner, "/api/v1/personal-access-tokens", {"name": SECRET, "scope": "read"}),
        "session_id": await _create_session(runtime, cast),
        "impersonation_id": await _create_impersonation(runtime, cast),
        "mail_id": await _create_mail(runtime, cast),
        "passkey_id": await _create_passkey(runtime, cast),
        "picture_id": f"avatar-{'0' * 32}",
    }


async def _of_webhooks(owner: Client, cast: Cast, runtime: Runtime) -> dict[str, Any]:
    # Of something that does not happen here: no test that runs jobs waits until it was sent in vain.
    body = {"name": SECRET, "url": "http://127.0.0.1:9/", "event_types": ["impersonation.ended"]}
    webhook_id = await _created(owner, "/api/v1/webhooks", body)
    values = {
        "id": new_id(),
        "webhook_id": webhook_id,
        "message_id": new_id(),
        "event_id": new_id(),
        "type": "record.created",
        "body": f'"{SECRET}"',
        "seq": 1,
        "status": "failed",
    }
    async with runtime.database.unit(cast.acme) as unit:
        row = await insert_row(unit, webhook_deliveries, values)
        event_id = await unit.value(
            "select e.id from events e where e.workspace_id = :workspace and e.entity_id = :id", id=UUID(webhook_id)
        )
    return {"webhook_id": webhook_id, "delivery_id": str(row["id"]), "event_id": str(event_id)}


async def _of_notifications(client: Client, cast: Cast, runtime: Runtime) -> dict[str, Any]:
    values = {
        "id": new_id(),
        "member_id": cast.owner.member_id,
        "event_id": new_id(),
        "event_type": "record.created",
        "type": "record_assigned",
        "title": SECRET,
        "thread": SECRET,
        "entity": "record",
        "entity_id": new_id(),
        "created_at": clock.now(),
    }
    async with runtime.database.unit(cast.acme) as unit:
        row = await insert_row(unit, notifications, values)
    chosen = {"notification_type": "record_assigned"}
    return {
        "notification_id": str(row["id"]),
        "preference_id": await _created(client.as_(cast.owner), "/api/v1/notifications/me", chosen),
        "event_type": "record_assigned",
    }


async def _find_change(client: Client, recordset: dict[str, Any]) -> str:
    listed = await client.get("/api/v1/records/changes", params={"recordset_id": recordset["id"]})
    assert listed.status_code == 200, listed.text
    return listed.json()["items"][0]["id"]


async def _create_rule(client: Client, recordset: dict[str, Any]) -> str:
    # One whose condition is always true: it takes nothing from anybody.
    body = {"name": SECRET, "actions": ["view"], "applies_to": {"roles": ["viewer"]}, "condition": {}}
    return await _created(client, f"/api/v1/recordsets/{recordset['id']}/rules", body)


async def _create_relationship(client: Client, recordset: dict[str, Any], record: dict[str, Any]) -> str:
    other = await create_record(client, recordset, {"name": SECRET})
    body = {"record_id": other["id"], "type": SECRET}
    return await _created(client, f"/api/v1/records/{record['id']}/relationships", body)


async def _created(client: Client, path: str, body: dict[str, Any]) -> str:
    response = await client.post(path, json=body)
    assert response.status_code == 201, response.text
    return response.json()["id"]


async def _begin_upload(client: Client) -> str:
    response = await client.post("/api/v1/import/upload/parts", json={"filename": f"{SECRET}.csv"})
    assert response.status_code == 200, response.text
    return response.json()["upload_id"]


async def _place_in_tool(client: Client, record: dict[str, Any]) -> str:
    response = await client.put(f"/api/v1/records/{record['id']}/tools/deals", json={"group_id": SECRET})
    assert response.status_code == 200, response.text
    return response.json()["tool"]


async def _create_view(client: Client, recordset: dict[str, Any]) -> str:
    path, body = f"/api/v1/recordsets/{recordset['slug']}/views", {"name": SECRET, "visibility": "shared"}
    return await _created(client, path, body)


async def _create_link(client: Client, recordset: dict[str, Any], view: str) -> dict[str, Any]:
    path = f"/api/v1/recordsets/{recordset['slug']}/views/{view}/share-links"
    response = await client.post(path, json={"name": SECRET})
    assert response.status_code == 201, response.text
    return response.json()


async def _create_role(client: Client) -> str:
    response = await client.post("/api/v1/permissions/roles", json={"name": SECRET, "base": "viewer"})
    assert response.status_code == 201, response.text
    return response.json()["key"]


async def _create_team(runtime: Runtime, cast: Cast) -> str:
    async with runtime.database.unit(cast.acme) as unit:
        row = await insert_row(unit, teams, {"id": new_id(), "name": SECRET})
    return str(row["id"])


async def _create_session(runtime: Runtime, cast: Cast) -> str:
    values = {
        "id": new_id(),
        "user_id": cast.owner.user_id,
        "kind": "token",
        "user_agent": SECRET,
        "expires_at": clock.now() + timedelta(days=1),
    }
    async with runtime.database.unit() as unit:
        row = await insert_row(unit, sessions, values)
    return str(row["id"])


async def _create_passkey(runtime: Runtime, cast: Cast) -> str:
    values: dict[str, Any] = {
        "id": new_id(),
        "user_id": cast.owner.user_id,
        "credential_id": new_id().bytes,
        "public_key": b"",
        "sign_count": 0,
        "transports": [],
        "name": SECRET,
        "is_backed_up": False,
    }
    async with runtime.database.unit() as unit:
        row = await insert_row(unit, passkeys, values)
    return str(row["id"])


async def _create_mail(runtime: Runtime, cast: Cast) -> str:
    values = {
        "id": new_id(),
        "template": "greeting",
        "to_email": cast.owner.email,
        "subject": SECRET,
        "status": "kept",
    }
    async with runtime.database.unit() as unit:
        row = await insert_row(unit, mails, values)
    return str(row["id"])


async def _create_impersonation(runtime: Runtime, cast: Cast) -> str:
    impersonation_id = new_id()
    async with runtime.database.unit() as unit:
        await unit.run(
            """
            insert into impersonations
                (id, workspace_id, member_id, user_id, acting_name, acting_email, reason, expires_at)
            values (:id, :acme, :member_id, :user_id, :secret, '', :secret, :ends)
            """,
            id=impersonation_id,
            acme=cast.acme,
            member_id=cast.member.member_id,
            user_id=cast.member.user_id,
            secret=SECRET,
            ends=clock.now() + timedelta(minutes=15),
        )
    return str(impersonation_id)


async def _create_dead_letter(runtime: Runtime, cast: Cast) -> str:
    async with runtime.database.unit() as unit:
        return await unit.value(
            """
            insert into event_dead_letters (consumer, workspace_id, event_id, type, attempts, error)
            values ('activity', :acme, :event_id, 'record.created', 6, :error) returning id::text
            """,
            acme=cast.acme,
            event_id=new_id(),
            error=SECRET,
        )
