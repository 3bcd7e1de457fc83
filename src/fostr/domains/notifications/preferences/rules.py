"""What holds for a member and a type: what they chose, or else what the type recommends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncpg

    from fostr.domains.notifications.registry import NotificationType


@dataclass(frozen=True, slots=True)
class Choice:
    """On which ways a member is told of something."""

    in_app: bool
    email: bool
    whatsapp: bool
    muted: bool = False


def recommended(kind: NotificationType) -> Choice:
    """Return what holds for a type as long as a member has not said otherwise."""
    return Choice(in_app=kind.defaults.in_app, email=kind.defaults.email, whatsapp=kind.defaults.whatsapp)


def chosen(row: asyncpg.Record) -> Choice:
    """Return what a member chose."""
    return Choice(in_app=row["in_app"], email=row["email"], whatsapp=row["whatsapp"], muted=row["muted"])


def effective(choice: Choice, *, is_critical: bool) -> Choice | None:
    """Return on which ways something is told after all; None for on none.

    What is critical passes through mute, and reaches the inbox whatever was switched off.
    """
    if is_critical:
        return Choice(in_app=True, email=choice.email, whatsapp=choice.whatsapp)
    told = choice.in_app or choice.email or choice.whatsapp
    return choice if told and not choice.muted else None
