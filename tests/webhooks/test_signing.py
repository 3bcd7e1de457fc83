"""Signatures, as the library of Standard Webhooks verifies them: the six cases that matter."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from fostr.domains.webhooks.signing import mask_secret, mint_secret, sign, visible_end
from fostr.kernel.ids import new_id

SECRET = mint_secret()
BODY = json.dumps({"type": "record.created", "data": {"name": "Zürich"}}, ensure_ascii=False).encode()


def signed(*secrets: str, body: bytes = BODY, age: timedelta = timedelta()) -> dict[str, str]:
    # The library asks the clock on the wall.
    sent_at = datetime.now(UTC) - age
    return sign(body, message_id=str(new_id()), timestamp=sent_at, secrets=secrets)


def test_a_message_is_verified() -> None:
    assert Webhook(SECRET).verify(BODY, signed(SECRET)) == json.loads(BODY)


def test_one_of_many_signatures_is_enough() -> None:
    headers = signed(mint_secret(), SECRET)
    assert len(headers["webhook-signature"].split(" ")) == 2
    assert Webhook(SECRET).verify(BODY, headers) == json.loads(BODY)


def test_a_message_that_was_tampered_with_is_refused() -> None:
    headers = signed(SECRET)
    later = str(int(headers["webhook-timestamp"]) + 1)
    for body, changed in (
        (BODY + b" ", {}),
        (BODY, {"webhook-id": "another"}),
        (BODY, {"webhook-timestamp": later}),
    ):
        with pytest.raises(WebhookVerificationError, match="No matching signature"):
            Webhook(SECRET).verify(body, {**headers, **changed})


def test_another_secret_is_refused() -> None:
    with pytest.raises(WebhookVerificationError, match="No matching signature"):
        Webhook(mint_secret()).verify(BODY, signed(SECRET))


def test_an_old_message_is_refused() -> None:
    headers = signed(SECRET, age=timedelta(minutes=5, seconds=2))
    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(SECRET).verify(BODY, headers)
    young = signed(SECRET, age=timedelta(minutes=4, seconds=30))
    assert Webhook(SECRET).verify(BODY, young) == json.loads(BODY)


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_message_without_its_headers_is_refused(missing: str) -> None:
    headers = signed(SECRET)
    del headers[missing]
    with pytest.raises(WebhookVerificationError, match="Missing"):
        Webhook(SECRET).verify(BODY, headers)


@pytest.mark.parametrize("told", [{}, {"name": "🛩 Zürich\u0000\n"}, {"many": ["x" * 1000] * 1000}])
def test_whatever_is_sent_is_verified(told: dict[str, Any]) -> None:
    body = json.dumps(told, ensure_ascii=False).encode()
    assert Webhook(SECRET).verify(body, signed(SECRET, body=body)) == told


def test_of_a_secret_its_end_is_shown() -> None:
    assert mask_secret(visible_end("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw=")) == "whsec_…LaSw"
