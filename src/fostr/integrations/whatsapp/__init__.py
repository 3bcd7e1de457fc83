"""WhatsApp, by the Cloud API of its Business Platform.

A business may write first only in a text that WhatsApp approved before, a template, whose parameters it fills in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import httpx2

from fostr.kernel.http.errors import Unavailable, Unprocessable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fostr.settings import Settings

SECONDS: Final = 15.0
LONGEST_ERROR: Final = 300

_FOR_A_WHILE: Final = frozenset({2, 4, 80007, 130429, 131000, 131016, 131056, 131057, 133004})
"""Codes of errors that pass: overload, limits of throughput, a service that is away. They come with any status."""


class WhatsAppNotConfigured(Unavailable):
    """The operator has set no WhatsApp account."""

    code = "whatsapp_not_configured"
    detail = "WhatsApp is not configured on this server."


class WhatsAppDeferred(Unavailable):
    """WhatsApp did not take the message now, and may later."""

    code = "whatsapp_deferred"
    detail = "WhatsApp did not take the message; it will be tried again."


class WhatsAppRefused(Unprocessable):
    """WhatsApp will not take the message, now or later."""

    code = "whatsapp_refused"
    detail = "WhatsApp refused the message."


def is_whatsapp_configured(settings: Settings) -> bool:
    """Say whether this server can send messages by WhatsApp."""
    return settings.whatsapp_token is not None and settings.whatsapp_phone_number_id is not None


async def send_template(settings: Settings, *, to: str, parameters: Sequence[str]) -> str:
    """Send a message in the template that the operator has set; return WhatsApp's id of it.

    Args:
        settings: name the account, the template and its language.
        to: a telephone number, as E.164 writes it.
        parameters: what is put into the places of the template's text, in their order.

    Raises:
        WhatsAppNotConfigured: no account is set.
        WhatsAppDeferred: it was not taken now.
        WhatsAppRefused: it will not be taken.
    """
    token = settings.whatsapp_token
    if token is None or settings.whatsapp_phone_number_id is None:
        raise WhatsAppNotConfigured
    # The operator's choice, as a mail server is: it need not be public. Its answer leads nowhere else.
    async with httpx2.AsyncClient(timeout=SECONDS, trust_env=False, follow_redirects=False) as client:
        try:
            response = await client.post(
                f"{settings.whatsapp_url}/{settings.whatsapp_phone_number_id}/messages",
                headers={"Authorization": f"Bearer {token.get_secret_value()}"},
                json=_message(settings, to, parameters),
            )
        except httpx2.HTTPError as error:
            raise WhatsAppDeferred(type(error).__name__) from error
    return _read(response)


def _message(settings: Settings, to: str, parameters: Sequence[str]) -> dict[str, Any]:
    # WhatsApp refuses parameters with line breaks, tabs, or more than four spaces in a row, and empty ones.
    texts = [{"type": "text", "text": " ".join(text.split()) or "-"} for text in parameters]
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": to.removeprefix("+"),
        "type": "template",
        "template": {
            "name": settings.whatsapp_template,
            "language": {"code": settings.whatsapp_language},
            "components": [{"type": "body", "parameters": texts}],
        },
    }


def _read(response: httpx2.Response) -> str:
    try:
        body: Any = response.json()
    except ValueError:
        body = None
    if response.is_success:
        return _find_id(body)
    code, message = _find_error(body)
    told = f"{response.status_code} {code or ''} {message}"
    passes = response.status_code in {408, 429} or response.status_code >= 500 or code in _FOR_A_WHILE
    raise (WhatsAppDeferred if passes else WhatsAppRefused)(" ".join(told.split())[:LONGEST_ERROR])


def _find_id(body: Any) -> str:
    try:
        return str(body["messages"][0]["id"])
    except (KeyError, IndexError, TypeError):
        # It said yes, so it is not sent again.
        return ""


def _find_error(body: Any) -> tuple[int | None, str]:
    try:
        error = body["error"]
        code = int(error["code"])
    except (KeyError, TypeError, ValueError):
        return None, ""
    return code, str(error.get("message", ""))
