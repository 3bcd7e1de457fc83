"""Who asked for an export of the feed is told of its end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from uuid import UUID

import pytest

from fostr.domains.notifications.registry import NotificationType, find_notification_type
from fostr.kernel.events.consumers import Event
from fostr.kernel.events.log import BEGINNING, find_settled, read_log
from fostr.kernel.events.visibility import Seen
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast
from tests.support.client import Client

EXPORT = "/api/v1/activity/export"


@pytest.fixture
def type_() -> NotificationType:
    found = find_notification_type("activity_export_finished")
    assert found is not None
    return found


@pytest.fixture
async def completed(client: Client, cast: Cast, runtime: Runtime, run_jobs: Callable[[], Awaitable[None]]) -> Event:
    """The event of an export that the viewer asked for."""
    assert (await client.as_(cast.viewer).post(EXPORT, json={})).status_code == 200
    await run_jobs()
    async with runtime.database.unit(cast.acme) as unit:
        part = await read_log(
            unit, after=BEGINNING, settled=await find_settled(unit), limit=1000, types=["activity_export.completed"]
        )
    [event] = part.events
    return event


async def test_only_who_asked_is_told(cast: Cast, runtime: Runtime, type_: NotificationType, completed: Event) -> None:
    assert completed.type in type_.events
    assert type_.tells_actor
    async with runtime.database.unit(cast.acme) as unit:
        assert await type_.recipients(unit, completed) == [cast.viewer.member_id]


async def test_the_notice_leads_to_the_file(
    client: Client, cast: Cast, type_: NotificationType, completed: Event
) -> None:
    notice = type_.compose(Seen(completed))
    assert notice is not None
    assert (notice.title, notice.body.split()[:2]) == ("Your export of the activity feed is ready", ["It", "holds"])
    assert notice.link is not None
    assert (await client.as_(cast.viewer).get(notice.link)).status_code == 200


def test_a_failure_is_told(type_: NotificationType, completed: Event) -> None:
    failed = replace(completed, type="activity_export.failed", after={**(completed.after or {}), "rows": None})
    assert failed.type in type_.events
    notice = type_.compose(Seen(failed))
    assert notice is not None
    assert (notice.title, notice.link) == ("Your export of the activity feed failed", None)


async def test_it_arrives(client: Client, cast: Cast, completed: Event, settle: Callable[[], Awaitable[None]]) -> None:
    await settle()
    for person, count in ((cast.viewer, 1), (cast.owner, 0)):
        listed = (await client.as_(person).get("/api/v1/notifications/list")).json()
        told = [one for one in listed["items"] if one["type"] == "activity_export_finished"]
        assert len(told) == count
        assert all(UUID(one["event_id"]) == completed.id for one in told)
