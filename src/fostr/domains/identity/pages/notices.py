"""What a page says about the step before it. Addresses name a notice and never hold its text."""

from typing import Annotated, Final

from fastapi import Query

from fostr.settings import Settings

Notice = Annotated[str | None, Query(max_length=40, description="What has just happened.")]

_SENT: Final = {
    "signed-up": "If this address had no account yet, yours is ready: sign in with the password that you chose. Either "
    "way, a mail to it says more.",
    "reset-asked": "If there is an account with this address, a mail with a link to set a new password is on its way.",
    "activation-asked": "If there is an account with this address that needs it, a mail with a new link is on its way.",
}
_DONE: Final = {
    "password-set": "Your password is set. Sign in with it.",
    "joined": "You are a member of the workspace now. Sign in to go there.",
    "signed-out": "You are signed out.",
    "name-saved": "Your name is saved.",
    "picture-saved": "Your picture is saved. Your workspaces show it in a moment.",
    "picture-deleted": "Your picture is taken away.",
    "password-changed": "Your password is changed, and every other session of yours has ended.",
    "session-ended": "The session has ended.",
    "sessions-ended": "Every other session of yours has ended.",
    "factor-off": "The second factor is switched off. Signing in takes the password alone.",
    "passkey-deleted": "The passkey is deleted.",
}
_KEPT: Final = "This server sends no mail yet: ask its administrator, who finds it in the outbox."


def find_notice(key: str | None, *, settings: Settings) -> str | None:
    """Return what a notice says; nothing is said to be sent where nothing is."""
    if key in _SENT:
        return _SENT[key] if settings.smtp_url is not None else f"{_SENT[key]} {_KEPT}"
    return _DONE.get(key or "")
