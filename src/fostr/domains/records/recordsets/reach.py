"""The only ways to a recordset: fetch it and authorise in one step.

What the caller may not see answers 404, as if it were not there; what they may see and not do answers 403.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Depends, Path, Query

from fostr.domains.records.fields.model import Recordset
from fostr.domains.records.permissions import RECORDSET_POLICY
from fostr.domains.records.recordsets import repository
from fostr.domains.records.recordsets.repository import LoadedRecordset
from fostr.kernel.access.access import Access, Decision, scope_allows
from fostr.kernel.access.cached import EpochCache
from fostr.kernel.access.evaluator import FieldMask, Standing, decide, mask_fields
from fostr.kernel.db.unit import Unit
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import Forbidden, NotFound, ScopeInsufficient
from fostr.kernel.http.guards import in_workspace

LOADED_AT_MOST: Final = 2_000
"""Recordsets, each as one member stands to it, that a process remembers; fifty fields take about 50 KB."""


class RecordsetNotFound(NotFound):
    """There is no such recordset, or the caller may not know of it."""

    code = "recordset_not_found"
    detail = "There is no such recordset."


class ActionForbidden(Forbidden):
    """The caller may see the recordset and not do this."""

    code = "recordset_action_forbidden"
    detail = "You may not do this in this recordset."


_loaded: EpochCache[LoadedRecordset] = EpochCache(most=LOADED_AT_MOST)


@dataclass(frozen=True, slots=True)
class Reached:
    """A recordset that the caller may act upon, and what of it they may see and change."""

    context: Context
    recordset: Recordset
    standing: Standing
    mask: FieldMask

    @property
    def unit(self) -> Unit:
        """The request's unit of work."""
        return self.context.unit

    def decide(self, action: str, *, is_own: bool = False) -> Decision:
        """Decide about another action on the same recordset."""
        return decide(self.context.access, RECORDSET_POLICY, action, standing=self.standing, is_own=is_own)


async def reach_recordset(
    context: Context, reference: UUID | str, action: str | None, *, trashed: bool = False
) -> Reached:
    """Return a recordset on which the caller may do `action`.

    Args:
        context: the request.
        reference: the recordset's id or slug.
        action: a rule of `RECORDSET_POLICY`; None to ask for nothing, for who only wants to know their rights.
        trashed: whether it must be in the trash; otherwise it must not.

    Raises:
        RecordsetNotFound: it is not there, or the caller may not see it.
        ScopeInsufficient: the credential's scope does not cover the action.
        ActionForbidden: the caller may see it, and not do this.
    """
    loaded = await _load(context, reference)
    if loaded is None or loaded.recordset.deleted is not trashed:
        raise RecordsetNotFound
    recordset, standing = loaded.recordset, loaded.standing
    mask = mask_recordset(context.access, recordset, owns_object=standing.owns_object)
    reached = Reached(context=context, recordset=recordset, standing=standing, mask=mask)
    if action is not None:
        check_action(reached, action)
    return reached


async def _load(context: Context, reference: UUID | str) -> LoadedRecordset | None:
    unit, epoch = context.unit, context.access.rights_epoch
    key = (context.workspace_id, context.member_id, reference)
    # A transaction that has begun may have changed the recordset, and may yet be undone.
    is_fresh = not unit.is_begun
    kept = _loaded.find(key, epoch=epoch) if is_fresh else None
    if kept is not None:
        return kept
    found = await repository.find_recordset(unit, reference, member_id=context.member_id)
    if found is not None and is_fresh:
        _loaded.keep(key, found, epoch=epoch)
    return found


def mask_recordset(access: Access, recordset: Recordset, *, owns_object: bool) -> FieldMask:
    """Return which fields of a recordset a caller may not see or not change.

    The values of fields that were removed are shown to nobody, even while some records still hold them.
    """
    mask = mask_fields(access, recordset.fields, owns_object=owns_object)
    if not recordset.removed:
        return mask
    return FieldMask(hidden=mask.hidden | recordset.removed, read_only=mask.read_only | recordset.removed)


def check_action(reached: Reached, action: str, *, is_own: bool = False) -> None:
    """Refuse an action that the caller may not do.

    Raises:
        RecordsetNotFound: they may not even see the recordset.
        ScopeInsufficient: the credential's scope does not cover the action.
        ActionForbidden: they may not do this.
    """
    if not reached.decide("view"):
        raise RecordsetNotFound
    if not scope_allows(reached.context.principal.scope, RECORDSET_POLICY.actions[action].permission):
        raise ScopeInsufficient
    decision = reached.decide(action, is_own=is_own)
    if not decision:
        raise ActionForbidden(reason=decision.reason)


def parse_reference(text: str) -> UUID | str:
    """Return an id where the text is one, and otherwise the text as a slug."""
    try:
        return UUID(text)
    except ValueError:
        return text


def recordset_in_path(action: str | None, *, trashed: bool = False) -> Any:
    """Return the guard of an operation whose path names a recordset, by id or slug, as `recordset`."""

    async def guard(
        context: Annotated[Context, in_workspace(None)],
        recordset: Annotated[str, Path(max_length=100, description="The recordset's id or slug.")],
    ) -> Reached:
        return await reach_recordset(context, parse_reference(recordset), action, trashed=trashed)

    return Depends(guard)


def recordset_in_query(action: str) -> Any:
    """Return the guard of an operation that takes the recordset as the parameter `recordset_id`."""

    async def guard(
        context: Annotated[Context, in_workspace(None)],
        recordset_id: Annotated[str, Query(max_length=100, description="The recordset's id or slug.")],
    ) -> Reached:
        return await reach_recordset(context, parse_reference(recordset_id), action)

    return Depends(guard)
