"""Where links lead: the pages that a person meets.

A token stands in the query, so that the pages work without scripts. Our log leaves queries out, the pages send no
referrer elsewhere, and looking at a link does not use it up.
"""

from uuid import UUID

from fostr.settings import Settings


def activation_address(settings: Settings, *, token: str, workspace_id: UUID | None) -> str:
    """Return where an account is activated."""
    about = "" if workspace_id is None else f"workspace_id={workspace_id}&"
    return f"{settings.public_url}/activate?{about}token={token}"


def reset_address(settings: Settings, *, token: str) -> str:
    """Return where a new password is set."""
    return f"{settings.public_url}/reset-password?token={token}"


def forgotten_address(settings: Settings) -> str:
    """Return where a link to set a new password is asked for."""
    return f"{settings.public_url}/forgot-password"
