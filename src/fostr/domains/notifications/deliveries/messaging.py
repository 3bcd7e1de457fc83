"""Tell a member by WhatsApp: a short text and a link, in the template that WhatsApp has approved."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from fostr.domains.notifications.deliveries import repository
from fostr.domains.notifications.deliveries.selecting import select, served_link
from fostr.integrations.whatsapp import WhatsAppNotConfigured, is_whatsapp_configured
from fostr.kernel import clock
from fostr.kernel.auth.principals import Scope
from fostr.kernel.jobs.behalf import MemberGone, act_as_member
from fostr.kernel.lines import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fostr.domains.notifications.deliveries.repository import Due
    from fostr.kernel.db.unit import Unit
    from fostr.kernel.http.context import Context
    from fostr.kernel.jobs.context import JobContext

MOST_TITLES: Final = 3
LONGEST_TEXT: Final = 600

_BETWEEN_DIGITS: Final = re.compile(r"\(0\)|[ ()./\u00a0\u2010-\u2015-]")
_INTERNATIONAL: Final = re.compile(r"\+[1-9][0-9]{6,14}")


@dataclass(frozen=True, slots=True)
class Message:
    """What a member is to get.

    Attributes:
        to: their number, as E.164 writes it.
        text: what happened.
        url: where it leads.
        delivery_ids: what it carries.
    """

    to: str
    text: str
    url: str
    delivery_ids: list[UUID]


async def compose_message(job: JobContext, unit: Unit) -> Message | None:
    """Return the message of a job, and note what of it is not to be sent; None when nothing is left."""
    dues = await repository.lock_sending(unit, [UUID(one) for one in job.input["delivery_ids"]])
    if not dues:
        return None
    member_id = UUID(job.input["member_id"])
    try:
        context = await act_as_member(job.runtime, unit, member_id=member_id, cause_id=job.id, scope=Scope.ADMIN)
    except MemberGone:
        return await _leave_out(unit, dues, "member_gone")
    if not is_whatsapp_configured(context.settings):
        return await _leave_out(unit, dues, WhatsAppNotConfigured.code)
    addressee = await repository.find_addressee(
        unit, user_id=context.principal.user_id, workspace_id=context.workspace_id
    )
    number = None if addressee is None else read_number(addressee.phone)
    if addressee is None or number is None:
        return await _leave_out(unit, dues, "phone_number_missing")
    return await _compose(context, dues, to=number, home=addressee.home)


async def _leave_out(unit: Unit, dues: Sequence[Due], reason: str) -> None:
    await repository.mark_unsent(unit, {due.id: reason for due in dues}, status="skipped", now=clock.now())


async def _compose(context: Context, dues: Sequence[Due], *, to: str, home: str) -> Message | None:
    selection = await select(context, dues)
    await repository.mark_unsent(context.unit, selection.left_out, status="skipped", now=context.now)
    if not selection.told:
        return None
    told = selection.told
    return Message(
        to=to,
        text=summarise([one.notice.title for one in reversed(told)]),
        url=f"{context.settings.public_url}{served_link(told) or home}",
        delivery_ids=[one.due.id for one in told],
    )


def read_number(phone: str) -> str | None:
    """Return a telephone number as E.164 writes it; None when it does not say its country."""
    digits = _BETWEEN_DIGITS.sub("", phone.strip())
    number = f"+{digits[2:]}" if digits.startswith("00") else digits
    return number if _INTERNATIONAL.fullmatch(number) else None


def summarise(titles: Sequence[str]) -> str:
    """Return what happened in a line, the newest first."""
    if len(titles) == 1:
        return one_line(titles[0], longest=LONGEST_TEXT)
    shown = "; ".join(titles[:MOST_TITLES])
    more = len(titles) - MOST_TITLES
    rest = f"; and {more} more" if more > 0 else ""
    return one_line(f"{len(titles)} notifications: {shown}{rest}", longest=LONGEST_TEXT)
