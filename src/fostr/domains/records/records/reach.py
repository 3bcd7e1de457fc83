"""The only ways to a record: fetch it and authorise in one step.

What the caller may not see answers 404, as if it were not there; what they may see and not do answers 403. A record
is the caller's own when they created it or own it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

from fastapi import Depends, Path

from fostr.domains.records.query.selection import may_reach
from fostr.domains.records.records.record import Record
from fostr.domains.records.records.repository import reading
from fostr.domains.records.recordsets.reach import (
    ActionForbidden,
    Reached,
    RecordsetNotFound,
    check_action,
    reach_recordset,
)
from fostr.domains.records.rules.repository import find_reach
from fostr.kernel.access.evaluator import is_own
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import NotFound
from fostr.kernel.http.guards import in_workspace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fostr.kernel.db.unit import Unit


class RecordNotFound(NotFound):
    """There is no such record, or the caller may not know of it."""

    code = "record_not_found"
    detail = "There is no such record."


@dataclass(frozen=True, slots=True)
class ReachedRecord:
    """A record that the caller may act upon, in its recordset.

    Attributes:
        reached: the recordset, how the caller stands to it, and which of its fields they may see and change.
        record: the record as it was read; whoever changes it locks it first.
    """

    reached: Reached
    record: Record

    @property
    def context(self) -> Context:
        """The request."""
        return self.reached.context

    @property
    def unit(self) -> Unit:
        """The request's unit of work."""
        return self.reached.unit

    @property
    def is_own(self) -> bool:
        """Whether the caller created the record or owns it."""
        return is_own(self.context.access, self.record.created_by, self.record.owner_id)


async def reach_record(context: Context, record_id: UUID, action: str, *, trashed: bool = False) -> ReachedRecord:
    """Return a record on which the caller may do `action`.

    Args:
        context: the request.
        record_id: the record.
        action: a rule of `RECORDSET_POLICY`.
        trashed: whether it must be in the trash; otherwise it must not.

    Raises:
        RecordNotFound: it is not there, or the caller may not see it.
        ScopeInsufficient: the credential's scope does not cover the action.
        ActionForbidden: the caller may see it, and not do this.
    """
    record = await reading.find_record(context.unit, record_id)
    if record is None or (record.deleted_at is not None) is not trashed:
        raise RecordNotFound
    try:
        reached = await reach_recordset(context, record.recordset_id, "view")
    except RecordsetNotFound:
        raise RecordNotFound from None
    check_action(reached, "view_records")
    found = ReachedRecord(reached=reached, record=record)
    if reached.is_restricted(action):
        await check_within_reach(found, action)
    check_action(reached, action, is_own=found.is_own)
    return found


async def check_within_reach(found: ReachedRecord, action: str) -> None:
    """Refuse an action on a record that row rules keep out of the caller's reach, as the record is now.

    Raises:
        RecordNotFound: they may not see it.
        ActionForbidden: they may see it, and not do this.
    """
    reached = found.reached
    sees, acts = await find_reach(
        found.unit, found.record.id, sees=reached.restriction(), acts=reached.restriction(action)
    )
    if not sees:
        raise RecordNotFound
    if not acts:
        raise ActionForbidden(reason=f"no rule of the recordset lets you {action} this record")


async def list_visible(context: Context, record_ids: Sequence[UUID]) -> set[UUID]:
    """Return which of some records the caller may see, of whichever recordsets.

    A record in the trash counts as it would outside of it, so that its deletion can be told to those who knew it.
    """
    return await reading.list_visible(context.unit, record_ids, sees=await may_reach(context, "view_records"))


def record_in_path(action: str, *, trashed: bool = False) -> Any:
    """Return the guard of an operation whose path names a record as `record_id`."""

    async def guard(
        context: Annotated[Context, in_workspace(None)],
        record_id: Annotated[UUID, Path(description="The record.")],
    ) -> ReachedRecord:
        return await reach_record(context, record_id, action, trashed=trashed)

    return Depends(guard)
