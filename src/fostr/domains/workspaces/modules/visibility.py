"""Who may see events about modules: every member, as every member may see how they are set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fostr.kernel.events.visibility import Seen, Visibility, register_visibility

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fostr.kernel.events.consumers import Event
    from fostr.kernel.http.context import Context


async def view_modules(context: Context, events: Sequence[Event]) -> list[Seen | None]:
    """Return events about modules, with their names."""
    del context
    return [Seen(event=event, name=(event.after or event.before or {}).get("module")) for event in events]


register_visibility(Visibility("module", category="workspace", view=view_modules))
