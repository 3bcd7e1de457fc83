"""Letting the time pass in which notifications wait, and reading the mail that came of them."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from fostr.domains.notifications.deliveries.planning import Planned, plan_deliveries
from fostr.kernel import clock
from fostr.kernel.ids import new_id
from fostr.kernel.jobs.dispatch import dispatch
from fostr.kernel.mail.outbox import find_text, get_mail
from tests.support.notifications import API, inbox, ring
from tests.support.settling import settle

if TYPE_CHECKING:
    from collections.abc import Generator

    from fostr.kernel.db.unit import Unit
    from fostr.kernel.runtime import Runtime
    from tests.support.cast import Cast, Person
    from tests.support.client import Client

NOON: Final = datetime(2031, 3, 12, 12, 7, tzinfo=UTC)
"""A Wednesday, far from any change of the clock, and no boundary of a digest."""

BELL_SAYS: Final = "Ding."


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail in the outbox."""

    subject: str
    text: str
    html: str
    template: str
    unsubscribe_url: str | None

    @property
    def token(self) -> str:
        """What stands in its link to end such mail."""
        assert self.unsubscribe_url is not None
        return self.unsubscribe_url.partition("token=")[2]


async def letters_to(runtime: Runtime, person: Person) -> list[Letter]:
    """Return the mails about bells to somebody, in the order in which they were written."""
    async with runtime.database.unit() as unit:
        rows = await unit.rows(
            """
            select id from mails where to_email = :email and template like 'notification%' order by created_at, id
            """,
            email=person.email,
        )
        letters: list[Letter] = []
        for row in rows:
            mail = await get_mail(unit, mail_id=row["id"])
            text = await find_text(unit, keys=runtime.keys, mail=mail)
            assert text is not None
            # Members are told of other things, too, such as that their role was changed.
            if BELL_SAYS in text.text:
                letters.append(Letter(mail.subject, text.text, text.html, mail.template, mail.unsubscribe_url))
    return letters


async def subjects_to(runtime: Runtime, person: Person) -> list[str]:
    """Return the subjects of these."""
    return [letter.subject for letter in await letters_to(runtime, person)]


@contextmanager
def at(moment: datetime) -> Generator[None]:
    """Stop the clock at a moment."""
    with clock.travel(to=moment, frozen=True):
        yield


async def pass_time(runtime: Runtime, by: timedelta) -> None:
    """Put the clock forward, and run what was dispatched for the time that passed."""
    clock.advance(by)
    await run_due(runtime)


async def run_due(runtime: Runtime) -> None:
    """Run what is due by our clock; the queue goes by that of the database, which does not travel."""
    async with runtime.database.unit() as unit:
        await unit.run(
            """
            update pgqueuer q set execute_after = now()
            from jobs j where q.dedupe_key = j.id::text and q.status = 'queued' and j.run_after <= :now
            """,
            now=clock.now(),
        )
    await settle(runtime)


async def keep_up(runtime: Runtime) -> None:
    """Run what looks after deliveries from time to time."""
    async with runtime.database.unit() as unit:
        await dispatch(unit, "notifications.keep_up_deliveries", {}, workspace=None)
    await settle(runtime)


async def deliveries(client: Client, *, title: str) -> list[dict[str, Any]]:
    """Return what became of the notifications of the caller's that have a title."""
    found: list[dict[str, Any]] = []
    for one in await inbox(client):
        if one["title"] == title:
            response = await client.get(f"{API}/{one['id']}/deliveries")
            assert response.status_code == 200, response.text
            found += response.json()
    return found


async def stored(runtime: Runtime, workspace: UUID, *columns: str) -> list[dict[str, Any]]:
    """Return columns of the deliveries about bells in a workspace, by the time at which they were planned."""
    async with runtime.database.unit(workspace) as unit:
        rows = await unit.rows(
            f"""
            select {", ".join(f"d.{column}" for column in columns)} from notification_deliveries d
            join notifications n on n.workspace_id = d.workspace_id and n.id = d.notification_id
            where d.workspace_id = :workspace and n.type like 'bell%' order by d.created_at, d.id
            """,
        )
    return [dict(row) for row in rows]


async def waiting_jobs(runtime: Runtime, workspace: UUID) -> list[datetime]:
    """Return for when jobs that deliver are dispatched in a workspace and have not run."""
    async with runtime.database.unit() as unit:
        rows = await unit.rows(
            """
            select run_after from jobs
            where workspace_id = :about and name = 'notifications.deliver' and status = 'queued' order by run_after
            """,
            about=workspace,
        )
    return [row["run_after"] for row in rows]


async def choose_digest(client: Client, minutes: str = "30") -> None:
    """Have the caller's mail gathered."""
    body = {"email_delivery_mode": "digest", "digest_frequency_minutes": minutes}
    response = await client.put(f"{API}/email-delivery", json=body)
    assert response.status_code == 200, response.text


async def choose_quiet(
    client: Client, start: str, end: str, *, zone: str = "UTC", is_enabled: bool = True
) -> dict[str, Any]:
    """Have quiet hours for the caller."""
    body = {"is_enabled": is_enabled, "start": start, "end": end, "time_zone": zone}
    response = await client.put(f"{API}/quiet-hours", json=body)
    assert response.status_code == 200, response.text
    return response.json()


async def plan_one(runtime: Runtime, cast: Cast) -> None:
    """Put a notification of the member's into the database, and plan to mail it; nothing runs yet."""
    event_id = await ring(runtime, cast.acme, [])
    async with runtime.database.unit(cast.acme) as unit:
        await plan_in(unit, cast, event_id)


async def plan_in(unit: Unit, cast: Cast, event_id: UUID) -> None:
    """Do so about an event, in a transaction of the caller's."""
    notification_id = new_id()
    await unit.run(
        """
        insert into notifications
            (workspace_id, id, member_id, event_id, event_type, type, title, thread, entity, entity_id, created_at)
        values (:workspace, :id, :member_id, :event_id, 'bell.rung', 'bell_rung', 'Bell', 'bell', 'bell', :id, :now)
        """,
        id=notification_id,
        member_id=cast.member.member_id,
        event_id=event_id,
        now=clock.now(),
    )
    await plan_deliveries(unit, planned=[planned(cast, notification_id)])


def planned(cast: Cast, notification_id: object) -> Planned:
    """Return a plan to mail a notification to the member."""
    return Planned(
        UUID(str(notification_id)), cast.member.member_id, "bell_rung", is_critical=False, email=True, whatsapp=False
    )
