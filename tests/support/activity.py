"""Read the feed through the API, and make things in it look older."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from datetime import datetime

    from fostr.kernel.runtime import Runtime
    from tests.support.cast import Person
    from tests.support.client import Client

FEED = "/api/v1/activity/feed"


async def read_feed(client: Client, person: Person, **asked: Any) -> dict[str, Any]:
    """Return a part of the feed as somebody gets it."""
    response = await client.as_(person).get(FEED, params=asked)
    assert response.status_code == 200, response.text
    return response.json()


async def read_told(client: Client, person: Person, **asked: Any) -> list[str]:
    """Return the sentences that somebody gets, the newest first."""
    return [item["description"] for item in (await read_feed(client, person, **asked))["items"]]


async def read_everything(client: Client, person: Person, **asked: Any) -> list[dict[str, Any]]:
    """Return the whole feed, by its cursors."""
    part = await read_feed(client, person, **asked)
    items: list[dict[str, Any]] = part["items"]
    while part["has_more"]:
        part = await read_feed(client, person, **asked, cursor=part["next_cursor"])
        items += part["items"]
    return items


async def set_moment(runtime: Runtime, workspace: UUID, activity_id: str, moment: datetime) -> None:
    """Let something have happened at another time."""
    async with runtime.database.unit(workspace) as unit:
        changed = await unit.run(
            "update activities a set happened_at = :moment where a.workspace_id = :workspace and a.id = :id",
            id=UUID(activity_id),
            moment=moment,
        )
    assert changed == 1
