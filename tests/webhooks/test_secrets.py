"""Secrets of webhooks and values of their headers: shown once, then never again anywhere."""

from __future__ import annotations

import base64
import json
import logging
from datetime import datetime, timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from fostr.domains.webhooks.signing import mint_secret
from fostr.kernel import clock
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast
from tests.support.client import Client, refusal
from tests.support.events import event_types
from tests.support.receivers import Delivery, receive
from tests.support.webhooks import PATH, create_webhook

HOOK = "http://127.0.0.1:9/hook"
TEST = {"event": "team.created"}


async def regenerate(client: Client, webhook: dict[str, Any], **body: int) -> dict[str, Any]:
    response = await client.post(f"{PATH}/{webhook['id']}/regenerate-secret", json=body)
    assert response.status_code == 200, response.text
    return response.json()


def verifies(secret: str, delivery: Delivery) -> bool:
    # The library compares with the clock on the wall, which the tests of overlaps have left behind.
    signatures = delivery.headers["webhook-signature"].split(" ")
    sent_at = datetime.fromtimestamp(int(delivery.headers["webhook-timestamp"]), tz=clock.now().tzinfo)
    return Webhook(secret).sign(delivery.id, sent_at, delivery.body.decode()) in signatures


def test_a_secret_is_of_256_random_bits() -> None:
    first, second = mint_secret(), mint_secret()
    assert first != second
    assert first.startswith("whsec_")
    assert len(base64.b64decode(first.removeprefix("whsec_"))) == 32


async def test_a_secret_is_shown_once(
    client: Client, cast: Cast, runtime: Runtime, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    owner = client.as_(cast.owner)
    async with receive() as receiver:
        address = f"{receiver.url}/orinoco-token"
        made = await create_webhook(owner, address, headers={"X-Key": "zanzibar-marmalade"})
        path = f"{PATH}/{made['id']}"
        anew = await regenerate(owner, made)
        answers = [
            await owner.get(path),
            await owner.get(PATH),
            await owner.patch(path, json={"name": "Other"}),
            await owner.post(f"{path}/toggle"),
            await owner.post(f"{path}/toggle"),
            await owner.post(f"{path}/test", json=TEST),
            await owner.delete(path),
        ]
    hidden = [made["secret"], anew["secret"], "zanzibar-marmalade"]
    assert answers[0].json()["url"] == address
    async with runtime.database.unit(cast.acme) as unit:
        rows = await unit.rows("select e.before::text, e.after::text from events e where e.workspace_id = :workspace")
    written = [answer.text for answer in answers] + [str(dict(row)) for row in rows] + [caplog.text]
    assert not [word for word in hidden for text in written if word in text]
    assert not [row for row in rows if "orinoco" in str(dict(row))]
    assert answers[0].json()["secret"] == f"whsec_…{anew['secret'].rstrip('=')[-4:]}"
    assert receiver.deliveries[0].headers["x-key"] == "zanzibar-marmalade"


async def test_secrets_are_kept_sealed(client: Client, cast: Cast, runtime: Runtime) -> None:
    made = await create_webhook(client.as_(cast.owner), HOOK, headers={"X-Key": "zanzibar-marmalade"})
    await regenerate(client.as_(cast.owner), made)
    async with runtime.database.unit(cast.acme) as unit:
        row = await unit.row(
            "select to_jsonb(w)::text as kept from webhooks w where w.workspace_id = :workspace and w.id = :id",
            id=made["id"],
        )
    assert row is not None
    kept = json.loads(row["kept"])
    assert all(kept[name].startswith("v1:") for name in ("secret", "previous_secret", "headers"))
    assert made["secret"] not in row["kept"]
    assert "zanzibar" not in row["kept"]


async def test_a_former_secret_signs_until_its_overlap_ends(client: Client, cast: Cast, runtime: Runtime) -> None:
    owner = client.as_(cast.owner)
    async with receive() as receiver:
        made = await create_webhook(owner, receiver.url)
        anew = await regenerate(owner, made, overlap_seconds=3600)
        until = datetime.fromisoformat(anew["previous_secret_until"])
        assert timedelta(minutes=59) < until - clock.now() <= timedelta(hours=1)
        for moment in (until - timedelta(seconds=1), until):
            with clock.travel(to=moment, frozen=True):
                assert (await owner.post(f"{PATH}/{made['id']}/test", json=TEST)).json()["success"]
                shown = (await owner.get(f"{PATH}/{made['id']}")).json()
                assert (shown["previous_secret_until"] is None) is (moment == until)
    during, after = receiver.deliveries
    assert [verifies(secret, during) for secret in (made["secret"], anew["secret"])] == [True, True]
    assert [verifies(secret, after) for secret in (made["secret"], anew["secret"])] == [False, True]
    told = await event_types(runtime, cast.acme, entity_id=made["id"])
    assert told[:2] == ["webhook.created", "webhook.secret_regenerated"]


async def test_a_day_is_the_usual_overlap(client: Client, cast: Cast) -> None:
    made = await create_webhook(client.as_(cast.owner), HOOK)
    response = await client.as_(cast.owner).post(f"{PATH}/{made['id']}/regenerate-secret")
    until = datetime.fromisoformat(response.json()["previous_secret_until"])
    assert timedelta(hours=23, minutes=59) < until - clock.now() <= timedelta(days=1)
    assert response.json()["version"] == 2


async def test_a_secret_that_is_known_to_others_ends_at_once(client: Client, cast: Cast) -> None:
    async with receive() as receiver:
        made = await create_webhook(client.as_(cast.owner), receiver.url)
        anew = await regenerate(client.as_(cast.owner), made, overlap_seconds=0)
        await client.as_(cast.owner).post(f"{PATH}/{made['id']}/test", json=TEST)
    [delivery] = receiver.deliveries
    assert anew["previous_secret_until"] is None
    assert delivery.verify(anew["secret"])["type"] == "team.created"
    with pytest.raises(WebhookVerificationError):
        delivery.verify(made["secret"])


@pytest.mark.parametrize("seconds", [-1, 7 * 86400 + 1, "soon"])
async def test_an_overlap_is_bounded(client: Client, cast: Cast, seconds: Any) -> None:
    made = await create_webhook(client.as_(cast.owner), HOOK)
    body = {"overlap_seconds": seconds}
    refused = await client.as_(cast.owner).post(f"{PATH}/{made['id']}/regenerate-secret", json=body)
    assert refusal(refused) == (422, "validation_failed")


async def test_a_repeated_creation_answers_with_the_same_secret_to_its_maker_alone(client: Client, cast: Cast) -> None:
    headers = {"Idempotency-Key": "once"}
    first, again = [await client.as_(cast.owner).post(PATH, json={"url": HOOK}, headers=headers) for _ in range(2)]
    assert (first.json(), again.headers["Idempotency-Replayed"]) == (again.json(), "true")
    other = (await client.as_(cast.admin).post(PATH, json={"url": HOOK}, headers=headers)).json()
    assert other["id"] != first.json()["id"]
    assert other["secret"] != first.json()["secret"]
