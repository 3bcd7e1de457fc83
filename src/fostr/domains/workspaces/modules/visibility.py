"""Who may see events about modules: every member, as every member may see how they are set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fostr.kernel.events.visibility import Seen, Visibility, facts_of, register_visibility
from fostr.kernel.modules import find_module

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fostr.kernel.events.consumers import Event
    from fostr.kernel.http.context import Context


async def view_modules(context: Context, events: Sequence[Event]) -> list[Seen | None]:
    """Return events about modules, with their names."""
    del context
    return [Seen(event=event, name=_name(event)) for event in events]


def _name(event: Event) -> str | None:
    name = facts_of(event).get("module")
    module = None if name is None else find_module(name)
    return name if module is None else module.label


register_visibility(Visibility("module", category="workspace", view=view_modules))
