"""A view as a part of what is asked for: of lists, exports, maps, bulk writes, and share links."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from fostr.domains.records.query.selection import ViewQuery
from fostr.domains.records.views.config import prune_config
from fostr.domains.records.views.service import find_row
from fostr.kernel.http.errors import Conflict

if TYPE_CHECKING:
    from uuid import UUID

    from fostr.domains.records.query.selection import RecordQuery
    from fostr.domains.records.recordsets.reach import Reached
    from fostr.kernel.access.evaluator import FieldMask


class ViewIncomplete(Conflict):
    """The view filters by what is gone or hidden, so that it would take more than it shows to others."""

    code = "view_incomplete"
    detail = "This view filters by what is gone, or hidden from you; for this, it has to be whole."


@dataclass(frozen=True, slots=True)
class AppliedView:
    """A view that a caller looks through.

    Attributes:
        query: what it asks for.
        shown: keys of the fields that it shows, in its order, of those that the caller may see.
    """

    query: ViewQuery
    shown: tuple[str, ...]


async def find_applied(reached: Reached, view_id: UUID, *, strict: bool = False) -> AppliedView:
    """Return a view as the caller looks through it.

    Args:
        reached: its recordset.
        view_id: the view.
        strict: whether it must be whole, because what it selects is going to be changed or handed out.

    Raises:
        ViewNotFound: the recordset has no such view, or it is somebody else's own.
        ViewIncomplete: it must be whole, and filters by what is gone or hidden from the caller.
    """
    row = await find_row(reached, view_id)
    pruned = prune_config(row["config"], recordset=reached.recordset, mask=reached.mask)
    if strict and pruned.is_wider:
        raise ViewIncomplete
    return AppliedView(
        query=view_query(pruned.config, mask=reached.mask),
        shown=_list_shown(reached, pruned.config),
    )


def apply_view(view: AppliedView, query: RecordQuery) -> RecordQuery:
    """Return what is asked for, seen through a view: its conditions as well, and its order unless another is asked for.

    Exports and other lists that a view leads take `view.shown` for their fields where none are asked for.
    """
    return replace(query, view=view.query)


def view_query(config: dict[str, Any], *, mask: FieldMask) -> ViewQuery:
    """Return what a configuration asks for, named with the sight of whoever it was read for."""
    sorts: list[dict[str, str]] = [*config.get("group_by", ()), *config.get("sorts", ())]
    first = {entry["field"]: entry["direction"] for entry in reversed(sorts)}
    order = list(dict.fromkeys(entry["field"] for entry in sorts))[:5]
    return ViewQuery(
        filters=config.get("filters"),
        sort_by=",".join(order) or None,
        sort_order=",".join(first[key] for key in order) or None,
        hidden=tuple(sorted(mask.hidden)),
    )


def _list_shown(reached: Reached, config: dict[str, Any]) -> tuple[str, ...]:
    hidden = {*config.get("hidden_fields", ()), *reached.mask.hidden}
    places = {key: place for place, key in enumerate(config.get("field_order", ()))}
    keys = [entry.key for entry in reached.recordset.fields if entry.key not in hidden]
    return tuple(sorted(keys, key=lambda key: places.get(key, len(places))))
