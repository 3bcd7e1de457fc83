"""How the resources of this domain say who may see their events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fostr.domains.records.modules import RECORDS
from fostr.domains.records.seeing.dividing import divide
from fostr.kernel.events.visibility import Category, Visibility, register_visibility
from fostr.kernel.modules import is_enabled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fostr.kernel.events.consumers import Event
    from fostr.kernel.events.visibility import Concerns, Expand, Seen, View
    from fostr.kernel.http.context import Context


def register_seeing(
    entity: str,
    *,
    view: View,
    category: Category = "record",
    concerns: Concerns | None = None,
    view_own: View | None = None,
    expand: Expand | None = None,
) -> None:
    """Say who may see the events about some kind of thing; see `Visibility`.

    Where the workspace has switched records off, its operations refuse everybody, and nobody is told of its events.
    """
    register_visibility(
        Visibility(
            entity,
            category=category,
            view=_where_enabled(view),
            divide=divide,
            concerns=concerns,
            view_own=None if view_own is None else _where_enabled(view_own),
            expand=expand,
        )
    )


def _where_enabled(view: View) -> View:
    async def view_where_enabled(context: Context, events: Sequence[Event]) -> list[Seen | None]:
        if not is_enabled(RECORDS, context.access.switched_modules):
            return [None] * len(events)
        return await view(context, events)

    return view_where_enabled
