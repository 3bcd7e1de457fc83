"""Which records a caller asks for: filters, search, tags and status as one condition, and their order.

Lists, bulk deletes, the map and exports all select through here, so that what one shows the other takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from fostr.domains.records.fields.model import hides_derived
from fostr.domains.records.permissions import RECORDSET_POLICY
from fostr.domains.records.query.conditions import PARAMETER, compile_condition
from fostr.domains.records.query.filters import FilterInvalid, build_filters, parse_object, write_filters
from fostr.domains.records.query.search import search_condition
from fostr.domains.records.query.sorting import Order, parse_order
from fostr.domains.records.query.tools import tool_conditions
from fostr.domains.records.recordsets.reach import Reached, check_action, list_limited
from fostr.kernel.access.evaluator import FieldMask, predicate
from fostr.kernel.db.sql import Fragment, join_and

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fostr.kernel.access.access import Access
    from fostr.kernel.http.context import Context

TRASH: Final = "deleted"
"""The status by which the records in the trash are asked for."""


@dataclass(frozen=True, slots=True)
class ViewQuery:
    """What a saved view asks for.

    Attributes:
        filters: a condition, see `compile_condition`; None for all records.
        sort_by: see `parse_order`.
        sort_order: the same.
        hidden: keys of the fields that cannot be named by whoever the view was read for.
    """

    filters: dict[str, Any] | None
    sort_by: str | None
    sort_order: str | None
    hidden: tuple[str, ...] = ()

    @property
    def mask(self) -> FieldMask:
        """The same, as a mask."""
        return FieldMask(hidden=frozenset(self.hidden), read_only=frozenset())


@dataclass(frozen=True, slots=True)
class RecordQuery:
    """What a caller asks for, as it came.

    Attributes:
        search: words, each the beginning of a word of the record.
        status: only records of this status; `deleted` asks for the trash.
        tags: only records that carry all of these.
        column_filters: JSON, see `build_filters`.
        numeric_filters: the same, for numbers.
        date_filters: the same, for dates.
        filters: JSON, groups of conditions, see `compile_condition`.
        time_zone: whose days relative dates mean; UTC unless it is said.
        tool: only records that have a status in this tool.
        group_id: only records of this group in it.
        without_recommendations: no records with one of these recommendations in it.
        sort_by: see `parse_order`.
        sort_order: the same.
        view: a view through which it is asked for: its conditions hold as well, and its order unless there is another.
    """

    search: str | None = None
    status: str | None = None
    tags: tuple[str, ...] = ()
    column_filters: str | None = None
    numeric_filters: str | None = None
    date_filters: str | None = None
    filters: str | None = None
    time_zone: str | None = None
    tool: str | None = None
    group_id: str | None = None
    without_recommendations: tuple[str, ...] = ()
    sort_by: str | None = None
    sort_order: str | None = None
    view: ViewQuery | None = None

    @property
    def wants_trash(self) -> bool:
        """Whether it asks for deleted records."""
        return self.status == TRASH

    @property
    def has_field_filters(self) -> bool:
        """Whether any of the filters names fields."""
        given = (self.column_filters, self.numeric_filters, self.date_filters, self.filters)
        return any(text is not None and text.strip() for text in given)


class SelectingBody(Protocol):
    """A request body that says by filters which records it is about, as JSON objects."""

    @property
    def search(self) -> str | None:
        """See `RecordQuery`; so are the others."""
        ...

    @property
    def column_filters(self) -> dict[str, Any] | None: ...
    @property
    def numeric_filters(self) -> dict[str, Any] | None: ...
    @property
    def date_filters(self) -> dict[str, Any] | None: ...
    @property
    def filters(self) -> dict[str, Any] | None: ...


def read_body(data: SelectingBody, *, status: str | None, tags: Iterable[str]) -> RecordQuery:
    """Return which records a request body asks for.

    Raises:
        FilterInvalid: a filter holds a number or a character that no JSON text can hold.
    """
    return RecordQuery(
        search=data.search,
        status=status,
        tags=tuple(tags),
        column_filters=write_filters("column_filters", data.column_filters),
        numeric_filters=write_filters("numeric_filters", data.numeric_filters),
        date_filters=write_filters("date_filters", data.date_filters),
        filters=write_filters("filters", data.filters),
    )


@dataclass(frozen=True, slots=True)
class Selection:
    """Some records in some order.

    Attributes:
        condition: SQL on `records r`, the workspace in it.
        order: in which order a list shows them.
        is_narrowed: whether anything but the rights decides which records are in it.
        recordsets: SQL on `recordsets s`, when the first records are best taken from each of them in turn; without
            it, walking all records in their order passes by those of recordsets that are not in the selection.
    """

    condition: Fragment
    order: Order
    is_narrowed: bool = True
    recordsets: Fragment | None = None


def select_records(reached: Reached, query: RecordQuery, *, action: str = "view_records") -> Selection:
    """Return the records of one recordset that a query asks for, of those within the caller's reach.

    Args:
        reached: the recordset.
        query: what is asked for.
        action: what is going to be done to them, which row rules may bound further than seeing them.

    Raises:
        FilterInvalid: a filter does not fit the recordset, or names a field that the caller may not see.
        SortInvalid: the same for the order.
        ActionForbidden: the trash is asked for, and the caller may not delete here.
        TimeZoneUnknown: there is no such zone.
    """
    narrowing = _shared_conditions(query)
    if query.has_field_filters:
        narrowing.extend(_field_conditions(reached, query))
    if query.view is not None and query.view.filters is not None:
        narrowing.append(_view_condition(reached, query.view, time_zone=query.time_zone))
    if query.search is not None and hides_derived(reached.recordset, reached.mask):
        narrowing.append(Fragment("false", {}))
    if query.wants_trash:
        check_action(reached, "delete", is_own=True)
        narrowing.append(reachable(reached, "delete"))
    elif reached.is_restricted(action):
        narrowing.append(reached.restriction(action))
    place = Fragment("r.workspace_id = :workspace and r.recordset_id = :recordset", {"recordset": reached.recordset.id})
    return Selection(
        condition=join_and([place, _presence(query), *narrowing]),
        order=_order(reached, query),
        is_narrowed=bool(narrowing),
    )


def _order(reached: Reached, query: RecordQuery) -> Order:
    view = query.view
    if view is None or view.sort_by is None or (query.sort_by is not None and query.sort_by.strip()):
        return parse_order(query.sort_by, query.sort_order, recordset=reached.recordset, mask=reached.mask)
    return parse_order(view.sort_by, view.sort_order, recordset=reached.recordset, mask=view.mask)


def _view_condition(reached: Reached, view: ViewQuery, *, time_zone: str | None) -> Fragment:
    return compile_condition(
        reached.recordset,
        mask=view.mask,
        tree=view.filters,
        viewer=reached.context.member_id,
        prefix="v",
        now=reached.context.now,
        time_zone=time_zone,
    )


def reachable(reached: Reached, action: str) -> Fragment:
    """Return the condition under which a caller may do something to a record `r` of a recordset.

    By their role, the grants and the row rules together; a right to change one's own records leaves those.
    """
    restriction = reached.restriction(action)
    if reached.decide(action):
        return restriction
    if not reached.decide(action, is_own=True):
        return Fragment("false", {})
    own = Fragment(
        "(r.created_by = :own_member or r.owner_id = :own_member)", {"own_member": reached.context.member_id}
    )
    return join_and([own, restriction]) if reached.is_restricted(action) else own


def _field_conditions(reached: Reached, query: RecordQuery) -> list[Fragment]:
    context = reached.context
    flat = build_filters(
        reached.recordset,
        mask=reached.mask,
        column_filters=query.column_filters,
        numeric_filters=query.numeric_filters,
        date_filters=query.date_filters,
        viewer=context.member_id,
        now=context.now,
        time_zone=query.time_zone,
    )
    if query.filters is None or not query.filters.strip():
        return [flat]
    grouped = compile_condition(
        reached.recordset,
        mask=reached.mask,
        tree=parse_object(PARAMETER, query.filters),
        viewer=context.member_id,
        prefix="g",
        now=context.now,
        time_zone=query.time_zone,
    )
    return [flat, grouped]


async def select_everywhere(context: Context, query: RecordQuery) -> Selection:
    """Return the records of all recordsets that the caller may see, or of whose trash they may take.

    Raises:
        FilterInvalid: a filter names a field, which belongs to one recordset.
        SortInvalid: the same for the order.
    """
    if query.has_field_filters:
        raise FilterInvalid("Filters on fields need a recordset_id.", parameter="recordset_id")
    access = context.access
    action = "delete" if query.wants_trash else "view_records"
    narrowing = _shared_conditions(query)
    limits = await limits_everywhere(context, action)
    if limits is not None:
        narrowing.append(limits)
    # From the owner nothing is hidden anywhere; for others, `hides_derived` says why.
    in_step = query.search is not None and access.base_role != "owner"
    place = f"""r.workspace_id = :workspace and r.recordset_id in (
        select living.id from recordsets living where living.workspace_id = :workspace and living.deleted_at is null
        {"and living.fields_version = living.synced_version" if in_step else ""}
    )"""
    return Selection(
        condition=join_and([Fragment(place, {}), may_act(access, action), _presence(query), *narrowing]),
        order=parse_order(query.sort_by, query.sort_order, recordset=None, mask=None),
        is_narrowed=bool(narrowing) or query.wants_trash,
        recordsets=None if query.search is not None else _recordsets(access, query),
    )


def _recordsets(access: Access, query: RecordQuery) -> Fragment | None:
    if query.wants_trash:
        # Whose records may be restored is asked of each; the trash of a recordset is small.
        return Fragment("true", {})
    return None if access.is_administrator else predicate(access, RECORDSET_POLICY, "view_records", column="s.id")


def may_act(access: Access, action: str, *, is_own: bool = True) -> Fragment:
    """Return the condition that the caller may do something to a record `r`, their own or anybody's.

    Without `is_own`, rights that hold for their own records alone are left out.
    A right to change implies the grant to see; that the caller's role lets them see at all is asked beside it.
    """
    sees = all(access.has(RECORDSET_POLICY.actions[needed].permission) for needed in ("view", "view_records"))
    if not sees:
        return Fragment("false", {})
    if not is_own:
        return predicate(access, RECORDSET_POLICY, action, column="r.recordset_id")
    created = predicate(access, RECORDSET_POLICY, action, column="r.recordset_id", own="r.created_by")
    owned = predicate(access, RECORDSET_POLICY, action, column="r.recordset_id", own="r.owner_id")
    if created == owned:
        return created
    return Fragment(f"({created.text} or {owned.text})", {**created.params, **owned.params})


async def may_reach(context: Context, action: str, *, is_own: bool = True) -> Fragment:
    """Return the condition that the caller may do something to a record `r`, the row rules of all recordsets in it."""
    limits = await limits_everywhere(context, action)
    allowed = may_act(context.access, action, is_own=is_own)
    return allowed if limits is None else join_and([allowed, limits])


async def limits_everywhere(context: Context, action: str) -> Fragment | None:
    """Return the condition that row rules set for records `r` of any recordset; None where none limit the caller."""
    limited = [reached for reached in await list_limited(context) if reached.is_restricted(action)]
    if not limited:
        return None
    branches: list[str] = []
    params: dict[str, object] = {}
    for reached in limited:
        restriction, name = reached.restriction(action), f"limited_{reached.recordset.id.hex}"
        branches.append(f"when :{name} then {restriction.text}")
        params |= {name: reached.recordset.id, **restriction.params}
    # Of no other recordset's records may a condition be asked: its fields are none of theirs.
    return Fragment(f"case r.recordset_id {' '.join(branches)} else true end", params)


def _presence(query: RecordQuery) -> Fragment:
    return Fragment("r.deleted_at is not null" if query.wants_trash else "r.deleted_at is null", {})


def _shared_conditions(query: RecordQuery) -> list[Fragment]:
    conditions: list[Fragment] = []
    if query.status is not None and not query.wants_trash:
        conditions.append(Fragment("r.status = :status", {"status": query.status}))
    if query.tags:
        conditions.append(Fragment("r.tags @> :tags::text[]", {"tags": list(query.tags)}))
    search = search_condition(query.search) if query.search is not None else None
    if search is not None:
        conditions.append(search)
    return [
        *conditions,
        *tool_conditions(tool=query.tool, group_id=query.group_id, without=query.without_recommendations),
    ]
