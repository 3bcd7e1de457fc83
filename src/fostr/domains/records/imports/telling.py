"""Tell the person who asked for an import that it has ended: by mail, when they are not likely to have watched it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fostr.domains.notifications.public import ending_addresses, list_mailed
from fostr.domains.records.imports.report import sign_report
from fostr.domains.records.recordsets import repository as recordsets
from fostr.domains.workspaces.public import get_member
from fostr.kernel.mail.outbox import send_mail, showable_name
from fostr.kernel.mail.templates import MailTemplate

if TYPE_CHECKING:
    from datetime import datetime

    from fostr.domains.records.imports.repository import Import
    from fostr.domains.records.imports.rules import Outcome
    from fostr.kernel.db.unit import Unit
    from fostr.kernel.runtime import Runtime

WATCHED_FOR: Final = timedelta(seconds=20)
"""An import that takes no longer, and leaves nothing out, ends before the eyes of whoever began it."""
REPORT_GOOD_FOR: Final = timedelta(days=3)
NOTIFICATION: Final = "import_finished"
"""The type of notifications by which people say whether they want this mail."""

ENDED: Final = MailTemplate(
    name="import_ended",
    subject="{% if outcome == 'completed' %}Imported: {% else %}Import failed: {% endif %}{{ filename }}",
    folder=Path(__file__).with_name("mails"),
)


async def tell_person(
    unit: Unit, entry: Import, outcome: Outcome, *, runtime: Runtime, reason: str | None, now: datetime
) -> None:
    """Write the mail about an import that has ended, in the transaction that ends it.

    Nobody is told who cancelled it themselves, has left, or wants no mail about imports.

    Args:
        unit: the transaction.
        entry: the import, as it ended.
        outcome: how.
        runtime: sends the mail, and signs the report's address.
        reason: why it failed.
        now: the present.
    """
    was_watched = now - entry.created_at < WATCHED_FOR and not entry.failed_rows
    if outcome == "cancelled" or (outcome == "completed" and was_watched):
        return
    member = await get_member(unit, member_id=entry.created_by)
    if member.status != "active" or not await list_mailed(unit, type=NOTIFICATION, member_ids=[member.id]):
        return
    recordset = None if entry.recordset_id is None else await recordsets.find_definition(unit, entry.recordset_id)
    has_report = entry.failed_rows > 0
    assert unit.workspace is not None  # noqa: S101 - imports are of workspaces
    ending = ending_addresses(runtime, workspace_id=unit.workspace, member_id=member.id, types=[NOTIFICATION], now=now)
    report = sign_report(runtime, entry.job_id, now=now, good_for=REPORT_GOOD_FOR) if has_report else None
    await send_mail(
        unit,
        runtime=runtime,
        to=member.email,
        name=member.full_name,
        template=ENDED,
        values={
            "outcome": outcome,
            "filename": entry.filename,
            "recordset": showable_name(recordset.name) if recordset else "",
            "reason": reason or "It met an error that is not the file's.",
            "imported": f"{entry.imported_rows:,}",
            "updated": f"{entry.updated_rows:,}",
            "skipped": f"{entry.skipped_rows:,}",
            "failed": f"{entry.failed_rows:,}",
            "report_url": report.url if report else None,
            "days": REPORT_GOOD_FOR.days,
            "unsubscribe": ending.page,
        },
        workspace=unit.workspace,
        unsubscribe_url=ending.post,
    )
