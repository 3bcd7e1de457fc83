"""Whatever the rights, the feed agrees with a plain reading of them, and tells nothing that its reader may not know."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, Final

from hypothesis import HealthCheck, Phase, given, settings

from fostr.kernel.runtime import Runtime
from tests.support.activity import read_everything, read_feed
from tests.support.client import Client
from tests.support.rights import INSIDERS, DrawnRights, World, build, draw_rights

SLOW: Final = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
PHASES: Final = [Phase.explicit, Phase.reuse, Phase.generate]
NOTHING: Final[dict[str, Any]] = {"items": [], "total": 0, "has_more": False, "next_cursor": None}


@given(drawn=draw_rights())
@settings(max_examples=3, deadline=None, suppress_health_check=SLOW, phases=PHASES)
async def test_the_feed_agrees(
    client: Client, runtime: Runtime, follow: Callable[[], Awaitable[object]], drawn: DrawnRights
) -> None:
    world = await build(drawn, client=client, runtime=runtime)
    stirred = await stir(world)
    await follow()
    for name in INSIDERS:
        items = await read_everything(client, world.person(name))
        check_told(world, name, items)
        told = Counter(item["record_id"] for item in items if item["record_id"])
        assert told == Counter({world.ids[place]: 1 for place in stirred if world.sees(name, place)}), (name, drawn)
        await check_search(world, name, stirred)
        await check_stats(world, name, items)


async def stir(world: World) -> list[int]:
    """Change each record that is not in the trash; return their places."""
    owner = world.client.as_(world.cast.owner)
    places = [place for place in world.places if not world.drawn.records[place].is_deleted]
    for place in places:
        response = await owner.patch(f"/api/v1/records/{world.ids[place]}", json={"tags": ["stirred"]})
        assert response.status_code == 200, response.text
    return places


def check_told(world: World, name: str, items: list[dict[str, Any]]) -> None:
    text = json.dumps(items)
    assert not [secret for secret in world.secrets(name) if secret in text]
    if world.enters(name) and world.rules_for(name, "view"):
        bulk = {"records.created", "records.updated", "records.deleted"}
        assert all(item["count"] is None for item in items if item["type"] in bulk)


async def check_search(world: World, name: str, stirred: list[int]) -> None:
    """A title is found where it is seen; else the answer is the one to words that are nowhere."""
    for place in stirred:
        found = await read_feed(world.client, world.person(name), search=world.markers[place]["name"])
        if world.sees(name, place):
            assert [item["record_id"] for item in found["items"]] == [world.ids[place]]
        else:
            assert found == NOTHING
        for key in ("alpha", "beta"):
            assert await read_feed(world.client, world.person(name), search=world.markers[place][key]) == NOTHING


async def check_stats(world: World, name: str, items: list[dict[str, Any]]) -> None:
    stats = (await world.client.as_(world.person(name)).get("/api/v1/activity/stats")).json()
    assert stats["last_30_days"] == len(items)
    assert stats["by_category"]["record"] == sum(item["category"] == "record" for item in items)
