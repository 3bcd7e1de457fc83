"""Who may see events about attachments: whoever may see the record, and the field that lists the attachment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fostr.domains.records.seeing.belonging import view_belonging
from fostr.domains.records.seeing.registering import register_seeing
from fostr.domains.records.seeing.sight import states_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fostr.domains.records.recordsets.reach import Reached
    from fostr.kernel.events.consumers import Event
    from fostr.kernel.events.visibility import Seen
    from fostr.kernel.http.context import Context


async def view_attachments(context: Context, events: Sequence[Event]) -> list[Seen | None]:
    """Return what a reader may know of events about attachments."""
    return await view_belonging(context, events, may_know=_may_know)


def _may_know(reached: Reached, event: Event) -> bool:
    """Say whether the field that lists an attachment is open to a reader, or there is none.

    Of a field that was removed since, it is not known any more from whom it was hidden.
    """
    listing = {state.get("field") for state in states_of(event)} - {None}
    return not listing & reached.mask.hidden and listing <= reached.recordset.by_key.keys()


register_seeing("attachment", view=view_attachments)
