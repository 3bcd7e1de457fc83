"""Who may see events about the workspace itself: every member; what is counted and kept up in it, administrators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fostr.domains.workspaces.events import WORKSPACE_CREATED, WORKSPACE_STEP_DONE, WORKSPACE_UPDATED
from fostr.kernel.events.visibility import Seen, Visibility, facts_of, register_visibility

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fostr.kernel.events.consumers import Event
    from fostr.kernel.http.context import Context

_FOR_ALL: Final = frozenset({WORKSPACE_CREATED, WORKSPACE_UPDATED, WORKSPACE_STEP_DONE})
"""What `GET /workspaces/{id}` and `GET /workspace/health` tell every member; other domains count things here, too."""


async def view_workspaces(context: Context, events: Sequence[Event]) -> list[Seen | None]:
    """Return what a reader may know of events about their workspace."""
    return [_see(context, event) for event in events]


def _see(context: Context, event: Event) -> Seen | None:
    if event.type not in _FOR_ALL and not context.access.is_administrator:
        return None
    facts = facts_of(event)
    name = facts.get("name") if event.type != WORKSPACE_STEP_DONE else None
    return Seen(event=event, name=name, scope_id=event.entity_id, scope_name=name)


register_visibility(Visibility("workspace", category="workspace", view=view_workspaces))
