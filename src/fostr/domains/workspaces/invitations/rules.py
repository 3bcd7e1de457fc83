"""How long invitations are good for, how often they may be sent, and what they may say."""

import re
from datetime import timedelta
from typing import Final, Literal, TypeAlias

from fostr.domains.workspaces.invitations.errors import InvitationThrottled, MessageHasAddress
from fostr.kernel.limits.limit import Limit

PURPOSE: Final = "invitation"
"""What links are for that accept an invitation."""
VALID_FOR: Final = timedelta(days=7)

Way: TypeAlias = Literal["mail", "link"]
"""How a link reached the person: by our mail to their address, or by the hands of whoever asked for it."""

# A workspace that is set up in a morning invites its people at once. The address is protected over all workspaces:
# nobody's mailbox is filled by many who invite, or by one with many workspaces.
PER_WORKSPACE: Final = Limit(InvitationThrottled, per="workspace", most=500, window=timedelta(hours=1))
PER_PERSON: Final = Limit(InvitationThrottled, per="member", most=60, window=timedelta(hours=1))
PER_EMAIL: Final = Limit(InvitationThrottled, per="email", most=20, window=timedelta(days=1))

_ADDRESS: Final = re.compile(r"://|www\.|\b[\w-]+\.[a-z]{2,}\b", re.IGNORECASE)


def check_message(message: str) -> None:
    """Refuse a message by which our mail would advertise.

    Raises:
        MessageHasAddress: it holds what mail programs make a link of.
    """
    if _ADDRESS.search(message):
        raise MessageHasAddress
