"""Which records a caller asks for: filters, search, tags and status as one condition, and their order.

Lists, bulk deletes, the map and exports all select through here, so that what one shows the other takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fostr.domains.records.fields.model import hides_derived
from fostr.domains.records.permissions import RECORDSET_POLICY
from fostr.domains.records.query.filters import FilterInvalid, build_filters
from fostr.domains.records.query.search import search_condition
from fostr.domains.records.query.sorting import Order, parse_order
from fostr.domains.records.recordsets.reach import Reached, check_action
from fostr.kernel.access.evaluator import predicate
from fostr.kernel.db.sql import Fragment, join_and

if TYPE_CHECKING:
    from fostr.kernel.access.access import Access

TRASH: Final = "deleted"
"""The status by which the records in the trash are asked for."""


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
        sort_by: see `parse_order`.
        sort_order: the same.
    """

    search: str | None = None
    status: str | None = None
    tags: tuple[str, ...] = ()
    column_filters: str | None = None
    numeric_filters: str | None = None
    date_filters: str | None = None
    sort_by: str | None = None
    sort_order: str | None = None

    @property
    def wants_trash(self) -> bool:
        """Whether it asks for deleted records."""
        return self.status == TRASH

    @property
    def has_field_filters(self) -> bool:
        """Whether any of the filters names fields."""
        given = (self.column_filters, self.numeric_filters, self.date_filters)
        return any(text is not None and text.strip() for text in given)


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


def select_records(reached: Reached, query: RecordQuery) -> Selection:
    """Return the records of one recordset that a query asks for.

    Raises:
        FilterInvalid: a filter does not fit the recordset, or names a field that the caller may not see.
        SortInvalid: the same for the order.
        ActionForbidden: the trash is asked for, and the caller may not delete here.
    """
    filters = build_filters(
        reached.recordset,
        mask=reached.mask,
        column_filters=query.column_filters,
        numeric_filters=query.numeric_filters,
        date_filters=query.date_filters,
    )
    narrowing = _shared_conditions(query)
    if query.has_field_filters:
        narrowing.append(filters)
    if query.search is not None and hides_derived(reached.recordset, reached.mask):
        narrowing.append(Fragment("false", {}))
    if query.wants_trash:
        narrowing.append(_trash_of(reached))
    place = Fragment("r.workspace_id = :workspace and r.recordset_id = :recordset", {"recordset": reached.recordset.id})
    return Selection(
        condition=join_and([place, _presence(query), *narrowing]),
        order=parse_order(query.sort_by, query.sort_order, recordset=reached.recordset, mask=reached.mask),
        is_narrowed=bool(narrowing),
    )


def select_everywhere(access: Access, query: RecordQuery) -> Selection:
    """Return the records of all recordsets that the caller may see, or of whose trash they may take.

    Raises:
        FilterInvalid: a filter names a field, which belongs to one recordset.
        SortInvalid: the same for the order.
    """
    if query.has_field_filters:
        raise FilterInvalid("Filters on fields need a recordset_id.", parameter="recordset_id")
    action = "delete" if query.wants_trash else "view_records"
    narrowing = _shared_conditions(query)
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


def may_act(access: Access, action: str) -> Fragment:
    """Return the condition that the caller may do something to a record `r`, their own or anybody's.

    A right to change implies the grant to see; that the caller's role lets them see at all is asked beside it.
    """
    sees = all(access.has(RECORDSET_POLICY.actions[needed].permission) for needed in ("view", "view_records"))
    if not sees:
        return Fragment("false", {})
    created = predicate(access, RECORDSET_POLICY, action, column="r.recordset_id", own="r.created_by")
    owned = predicate(access, RECORDSET_POLICY, action, column="r.recordset_id", own="r.owner_id")
    if created == owned:
        return created
    return Fragment(f"({created.text} or {owned.text})", {**created.params, **owned.params})


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
    return conditions


def _trash_of(reached: Reached) -> Fragment:
    check_action(reached, "delete", is_own=True)
    if reached.decide("delete"):
        return Fragment("true", {})
    own = "(r.created_by = :own_member or r.owner_id = :own_member)"
    return Fragment(own, {"own_member": reached.context.member_id})
