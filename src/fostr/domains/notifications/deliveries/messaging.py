"""Tell a member by WhatsApp: a short text and a link, in the template that WhatsApp has approved."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from fostr.domains.notifications.deliveries import repository
from fostr.domains.notifications.deliveries.selecting import select
from fostr.integrations.whatsapp import WhatsAppNotConfigured, is_whatsapp_configured
from fostr.kernel import clock
from fostr.kernel.auth.principals import Scope
from fostr.kernel.jobs.behalf import MemberGone, act_as_member

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
    wanted = [UUID(one) for one in job.input["delivery_ids"]]
    dues = await repository.lock_sending(unit, wanted)
    if not dues:
        return None
    member_id = UUID(job.input["member_id"])
    try:
        context = await act_as_member(job.runtime, unit, member_id=member_id, cause_id=job.id, scope=Scope.ADMIN)
    except MemberGone:
        return await _leave_out(unit, dues, "member_gone")
    if not is_whatsapp_configured(context.settings):
        return await _leave_out(unit, dues, WhatsAppNotConfigured.code)
    number = await _find_number(context)
    if number is None:
        return await _leave_out(unit, dues, "phone_number_missing")
    return await _compose(context, dues, to=number)


async def _leave_out(unit: Unit, dues: Sequence[Due], reason: str) -> None:
    await repository.mark_unsent(unit, {due.id: reason for due in dues}, status="skipped", now=clock.now())


async def _compose(context: Context, dues: Sequence[Due], *, to: str) -> Message | None:
    selection = await select(context, dues)
    await repository.mark_unsent(context.unit, selection.left_out, status="skipped", now=context.now)
    if not selection.told:
        return None
    told = selection.told
    link = told[0].notice.link if len({one.notice.link for one in told}) == 1 else None
    return Message(
        to=to,
        text=summarise([one.notice.title for one in reversed(told)]),
        url=f"{context.settings.public_url}{link or ''}",
        delivery_ids=[one.due.id for one in told],
    )


async def _find_number(context: Context) -> str | None:
    to = await repository.find_addressee(
        context.unit, user_id=context.principal.user_id, workspace_id=context.workspace_id
    )
    return None if to is None else read_number(to.phone)


def read_number(phone: str) -> str | None:
    """Return a telephone number as E.164 writes it; None when it does not say its country."""
    digits = _BETWEEN_DIGITS.sub("", phone.strip())
    number = f"+{digits[2:]}" if digits.startswith("00") else digits
    return number if _INTERNATIONAL.fullmatch(number) else None


def summarise(titles: Sequence[str]) -> str:
    """Return what happened in a line, the newest first."""
    if len(titles) == 1:
        return _shortened(titles[0])
    shown = "; ".join(titles[:MOST_TITLES])
    more = len(titles) - MOST_TITLES
    return _shortened(f"{len(titles)} notifications: {shown}" + (f"; and {more} more" if more > 0 else ""))


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 1]}…"
