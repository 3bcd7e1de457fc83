"""Whatever rights are drawn, nothing that tells of events tells a byte more than its reader may know.

Unlike `see_events`, which is held against the same rights in tests/records/test_rights_agree.py, this asks the surfaces
that people and programs read: the log, the feed with its search, figures and exports, notifications, and webhooks.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from hypothesis import HealthCheck, Phase, given, settings

from tests.support.activity import FEED
from tests.support.receivers import receive
from tests.support.rights import INSIDERS, DrawnRights, World, build, draw_rights
from tests.support.seeing import stir
from tests.support.webhooks import PATH, change_permission, create_webhook

if TYPE_CHECKING:
    from fostr.kernel.runtime import Runtime
    from tests.support.client import Client, Response
    from tests.support.receivers import Receiver

SLOW: Final = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]


@dataclass
class Reader:
    """Somebody who reads, and what they were sent."""

    world: World
    name: str

    async def ask(self, method: str, path: str, **options: Any) -> Response:
        response = await self.world.client.as_(self.world.person(self.name)).request(method, path, **options)
        assert response.status_code == 200, response.text
        self.look(response.text, where=path)
        return response

    async def get(self, path: str, **params: Any) -> dict[str, Any]:
        return (await self.ask("GET", path, params=params)).json()

    def look(self, text: str, *, where: str) -> None:
        told = sorted(secret for secret in self.world.secrets(self.name) if secret in text)
        assert not told, f"{self.name} was told {told} by {where}, by {self.world.drawn}: {text}"

    def check(self, record_ids: set[str], *, where: str) -> None:
        """Check that the records of which something was told are those that the reader sees."""
        seen = self.world.seen(self.name)
        assert record_ids == seen, f"{self.name} by {where}: {record_ids} and not {seen}, by {self.world.drawn}"


async def read_log(reader: Reader) -> None:
    commented, after, has_more = set[str](), {}, True
    while has_more:
        page = await reader.get("/api/v1/events", limit=50, **after)
        commented |= {item["record_id"] for item in page["items"] if item["type"] == "comment.created"}
        after, has_more = {"after": page["next"]}, page["has_more"]
    reader.check(commented, where="the log")


async def read_feed(reader: Reader, **asked: Any) -> None:
    commented, cursor, has_more = set[str](), {}, True
    while has_more:
        page = await reader.get(FEED, limit=50, **asked, **cursor)
        commented |= {item["record_id"] for item in page["items"] if item["type"] == "comment.created"}
        cursor, has_more = {"cursor": page["next_cursor"]}, page["has_more"]
    reader.check(commented, where=f"the feed {asked}")


async def search_feed(reader: Reader) -> None:
    """The titles of all records begin with the same word; who may not know a title, cannot find by it either."""
    await read_feed(reader, search="place")
    for place in reader.world.living():
        title = f"place {reader.world.markers[place]['name']}"
        found = (await reader.ask("GET", FEED, params={"search": title})).json()["items"]
        told = {item["record_id"] for item in found}
        assert told <= {reader.world.ids[place]} & reader.world.seen(reader.name)


async def read_export(reader: Reader, job_id: str) -> None:
    job = await reader.get(f"/api/v1/activity/export/jobs/{job_id}")
    response = await reader.world.client.anonymous().get(job["output_data"]["download_url"])
    assert job["output_data"]["rows"] > 0
    reader.look(response.text, where="the exported feed")


def read_webhook(reader: Reader, receiver: Receiver) -> None:
    commented: set[str] = set()
    changed: set[str] = set()
    for delivery in receiver.deliveries:
        reader.look(delivery.body.decode(), where="a webhook")
        told = delivery.told
        kinds = {"comment.created": commented, "record.updated": changed}
        kinds.get(told["type"], set()).add(told["data"]["record_id"])
    reader.check(commented, where="a webhook")
    reader.check(changed, where="a webhook")


@given(drawn=draw_rights())
@settings(
    max_examples=3, deadline=None, suppress_health_check=SLOW, phases=[Phase.explicit, Phase.reuse, Phase.generate]
)
async def test_nobody_is_told_more(
    client: Client, runtime: Runtime, settle: Callable[[], Awaitable[None]], drawn: DrawnRights
) -> None:
    world = await build(drawn, client=client, runtime=runtime)
    await change_permission(client.as_(world.cast.owner), "member", "can_manage_webhooks", holds=True)
    readers = {name: Reader(world, name) for name in INSIDERS}
    async with receive() as for_admin, receive() as for_member:
        webhooks = [
            await create_webhook(client.as_(world.person(name)), receiver.url)
            for name, receiver in (("admin", for_admin), ("member", for_member))
        ]
        await stir(world)
        await settle()
        exports = {
            name: (await reader.ask("POST", "/api/v1/activity/export", json={"format": "ndjson"})).json()["job_id"]
            for name, reader in readers.items()
        }
        await settle()
        for name, reader in readers.items():
            await read_log(reader)
            await read_feed(reader)
            await search_feed(reader)
            await read_export(reader, exports[name])
            await reader.get("/api/v1/activity/stats")
            await reader.get("/api/v1/notifications/list")
        read_webhook(readers["admin"], for_admin)
        read_webhook(readers["member"], for_member)
        for webhook in webhooks:
            # Or what happened meanwhile would be sent to nobody, while another test waits for it.
            deleted = await client.as_(world.cast.owner).delete(f"{PATH}/{webhook['id']}")
            assert deleted.status_code == 204, deleted.text
