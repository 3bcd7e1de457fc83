"""What a webhook keeps that nobody is to read: its secrets, and the values of its headers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from fostr.domains.webhooks.errors import WebhookSecretLost
from fostr.domains.webhooks.sending import Target
from fostr.kernel.crypto.envelopes import EnvelopeRefused, decrypt, encrypt

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from fostr.domains.webhooks.webhooks.repository import StoredWebhook
    from fostr.kernel.crypto.keys import KeyRing

SECRET_PURPOSE: Final = "webhook secret"  # noqa: S105 - the name of a purpose
HEADERS_PURPOSE: Final = "webhook headers"


def seal_secret(keys: KeyRing, secret: str, *, workspace: UUID) -> str:
    """Return a secret as it is kept."""
    return encrypt(keys, secret.encode(), workspace=workspace, purpose=SECRET_PURPOSE)


def seal_headers(keys: KeyRing, headers: Mapping[str, str], *, workspace: UUID) -> str | None:
    """Return headers as they are kept; nothing for none."""
    if not headers:
        return None
    return encrypt(keys, json.dumps(dict(headers)).encode(), workspace=workspace, purpose=HEADERS_PURPOSE)


def find_headers(keys: KeyRing, webhook: StoredWebhook, *, workspace: UUID) -> dict[str, str] | None:
    """Return the headers of a webhook; None where they were sealed by a key that the server no longer has."""
    if webhook.headers is None:
        return {}
    opened = _open(keys, webhook.headers, workspace=workspace, purpose=HEADERS_PURPOSE)
    return None if opened is None else json.loads(opened)


def open_target(keys: KeyRing, webhook: StoredWebhook, *, workspace: UUID, now: datetime) -> Target:
    """Return where a webhook's messages go, and by which secrets they are signed now.

    A former secret that cannot be read any more signs no more.

    Raises:
        WebhookSecretLost: the secret, or the headers, were sealed by a key that the server no longer has.
    """
    until = webhook.previous_secret_until
    is_overlapping = until is not None and until > now
    sealed = (webhook.secret, webhook.previous_secret if is_overlapping else None)
    secret, previous = (_open(keys, each, workspace=workspace, purpose=SECRET_PURPOSE) for each in sealed)
    headers = find_headers(keys, webhook, workspace=workspace)
    if secret is None or headers is None:
        raise WebhookSecretLost
    return Target(webhook.id, webhook.url, (secret,) if previous is None else (secret, previous), headers)


def _open(keys: KeyRing, sealed: str | None, *, workspace: UUID, purpose: str) -> str | None:
    if sealed is None:
        return None
    try:
        return decrypt(keys, sealed, workspace=workspace, purpose=purpose).decode()
    except EnvelopeRefused:
        return None
