"""End mail for who follows a link in it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from fostr.domains.notifications.preferences.service import switch_off_mail
from fostr.domains.notifications.registry import find_notification_type, list_notification_types
from fostr.domains.notifications.unsubscribing.errors import UnsubscribeLinkInvalid, UnsubscribeThrottled
from fostr.domains.notifications.unsubscribing.tokens import EVERYTHING, Ending, read_token
from fostr.domains.workspaces.public import has_member
from fostr.kernel.limits.limit import Limit, check_limit, give_back, network_of

if TYPE_CHECKING:
    from fostr.domains.notifications.registry import NotificationType
    from fostr.kernel.http.context import PublicContext

WRONG_LINKS: Final = Limit(UnsubscribeThrottled, per="address", most=30, window=timedelta(minutes=15))
"""Right links are taken back, so only wrong ones count: mail programs of many people send from one address."""


async def open_link(context: PublicContext, token: str) -> Ending:
    """Return what a link ends, without ending it.

    Raises:
        UnsubscribeLinkInvalid: it was not made here, was altered, or is over.
        UnsubscribeThrottled: too many wrong ones came from the address.
    """
    database, network = context.runtime.database, network_of(context.facts.address)
    await check_limit(database, WRONG_LINKS, subject=network)
    ending = read_token(context.runtime.keys, token, now=context.now)
    if ending is None:
        raise UnsubscribeLinkInvalid
    await give_back(database, WRONG_LINKS, subject=network)
    return ending


async def unsubscribe(context: PublicContext, token: str) -> list[NotificationType]:
    """End mail as a link says; once more changes nothing. Return of which types.

    Whether the member is still there, or had ended it before, makes no difference to the answer.

    Raises:
        UnsubscribeLinkInvalid: it was not made here, was altered, or is over.
        UnsubscribeThrottled: too many wrong ones came from the address.
    """
    ending = await open_link(context, token)
    types = list_ended(ending)
    context.unit.enter_workspace(ending.workspace_id)
    if types and await has_member(context.unit, member_id=ending.member_id):
        await switch_off_mail(context.unit, member_id=ending.member_id, types=types, now=context.now)
    return types


def list_ended(ending: Ending) -> list[NotificationType]:
    """Return the types that a link is about; what the product no longer has is left out."""
    if ending.types == EVERYTHING:
        return [one for one in list_notification_types() if not one.is_critical]
    found = [find_notification_type(name) for name in ending.types]
    return [one for one in found if one is not None]
