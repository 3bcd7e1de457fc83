"""The only ways to a recordset: fetch it and authorise in one step.

What the caller may not see answers 404, as if it were not there; what they may see and not do answers 403.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Depends, Path, Query

from fostr.domains.records.computed.building import Builder, Find
from fostr.domains.records.fields.model import Recordset
from fostr.domains.records.permissions import RECORDSET_POLICY
from fostr.domains.records.recordsets import repository
from fostr.domains.records.recordsets.repository import LoadedRecordset
from fostr.domains.records.rules.restricting import restrict
from fostr.domains.records.rules.rule import NO_LIMITS, Limits, limits_of
from fostr.kernel.access.access import Access, Decision, scope_allows
from fostr.kernel.access.cached import EpochCache
from fostr.kernel.access.evaluator import FieldMask, Standing, decide, mask_fields
from fostr.kernel.db.sql import Fragment
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


LISTED_AT_MOST: Final = 500
"""Members of whom a process remembers which recordsets have rules for them."""


_loaded: EpochCache[LoadedRecordset] = EpochCache(most=LOADED_AT_MOST)
_limited: EpochCache[list[LoadedRecordset]] = EpochCache(most=LISTED_AT_MOST)
_computed: EpochCache[Recordset] = EpochCache(most=LOADED_AT_MOST)


@dataclass(frozen=True, slots=True)
class Reached:
    """A recordset that the caller may act upon, and what of it they may see and change.

    Attributes:
        limits: the row rules that limit which of its records are within the caller's reach.
    """

    context: Context
    recordset: Recordset
    standing: Standing
    mask: FieldMask
    limits: Limits = NO_LIMITS

    @property
    def unit(self) -> Unit:
        """The request's unit of work."""
        return self.context.unit

    def decide(self, action: str, *, is_own: bool = False) -> Decision:
        """Decide about another action on the same recordset."""
        return decide(self.context.access, RECORDSET_POLICY, action, standing=self.standing, is_own=is_own)

    def explain(self, action: str, *, is_own: bool = False) -> Decision:
        """Decide like `decide`, the reason told for people: it mentions that row rules limit the action."""
        decision = self.decide(action, is_own=is_own)
        if not decision or not self.is_restricted(action):
            return decision
        return replace(decision, reason=f"{decision.reason}, for records that its row rules leave within your reach")

    def is_restricted(self, action: str = "view_records") -> bool:
        """Say whether row rules limit the records on which the caller may do an action."""
        return bool(self.limits.bounding(action))

    def restriction(self, action: str = "view_records") -> Fragment:
        """Return the condition under which row rules leave a record `r` of the recordset within the caller's reach.

        `true` where none limits them. That the caller may do the action at all is decided beside it. The names of its
        parameters are like no others, so that those of several recordsets and actions can stand in one statement. It
        holds for this request: what it says of today must not be kept.
        """
        return restrict(self.context, self.recordset, self.limits, action=action)


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
    is_fresh = not context.unit.is_begun
    loaded = await _load(context, reference, is_fresh=is_fresh)
    if loaded is None or loaded.recordset.deleted is not trashed:
        raise RecordsetNotFound
    reached = await _compute(_reach(context, loaded), is_fresh=is_fresh)
    if action is not None:
        check_action(reached, action)
    return reached


def _reach(context: Context, loaded: LoadedRecordset) -> Reached:
    recordset, standing = loaded.recordset, loaded.standing
    return Reached(
        context=context,
        recordset=recordset,
        standing=standing,
        mask=mask_recordset(context.access, recordset, owns_object=standing.owns_object),
        limits=limits_of(context.access, standing, loaded.limits),
    )


async def reach_all(context: Context, recordset_ids: Collection[UUID]) -> dict[UUID, Reached]:
    """Return those of some recordsets that are there, as the caller stands to them, by one statement at most.

    Those in the trash, and those that the caller may not see, are among them: whoever asks decides about each. How
    computed fields are computed is not known of any.
    """
    is_fresh, epoch = not context.unit.is_begun, context.access.rights_epoch
    keys = {one: (context.workspace_id, context.member_id, one) for one in recordset_ids}
    kept = {one: _loaded.find(key, epoch=epoch) for one, key in keys.items()} if is_fresh else {}
    found = [loaded for loaded in kept.values() if loaded is not None]
    missing = keys.keys() - {loaded.recordset.id for loaded in found}
    if missing:
        read = await repository.list_by_ids(context.unit, missing, member_id=context.member_id)
        for loaded in read if is_fresh else ():
            _loaded.keep(keys[loaded.recordset.id], loaded, epoch=epoch)
        found += read
    return {loaded.recordset.id: _reach(context, loaded) for loaded in found}


async def list_limited(context: Context, *, trashed: bool = False) -> list[Reached]:
    """Return the recordsets whose records row rules keep partly out of the caller's reach; of the trash, or outside."""
    access, unit = context.access, context.unit
    if access.is_administrator:
        return []
    key = (access.workspace_id, access.member_id, access.role, access.base_role)
    is_fresh = not unit.is_begun
    kept = _limited.find(key, epoch=access.rights_epoch) if is_fresh else None
    if kept is None:
        roles = {access.role, access.base_role}
        kept = await repository.list_limited(unit, member_id=access.member_id, roles=roles)
        if is_fresh:
            _limited.keep(key, kept, epoch=access.rights_epoch)
    reached = (_reach(context, loaded) for loaded in kept if loaded.recordset.deleted is trashed)
    return [one for one in reached if one.limits.rules]


async def _compute(reached: Reached, *, is_fresh: bool) -> Reached:
    """Return a recordset with how its computed fields are computed by the rights of its caller."""
    if not reached.recordset.is_computing:
        return reached
    access = reached.context.access
    key = (access.workspace_id, access.member_id, access.role, access.base_role, reached.recordset.id)
    recordset = _computed.find(key, epoch=access.rights_epoch) if is_fresh else None
    if recordset is None:
        builder = Builder(find_bare(reached.context, is_fresh=is_fresh))
        recordset = await builder.compute_all(reached)
        if is_fresh and builder.is_lasting:
            _computed.keep(key, recordset, epoch=access.rights_epoch)
    return replace(reached, recordset=recordset)


def find_bare(context: Context, *, is_fresh: bool = False) -> Find:
    """Return what finds recordsets by id as the caller stands to them, whatever they may do and whatever is computed.

    Args:
        context: the request.
        is_fresh: whether the request has written nothing yet.
    """

    async def find(recordset_id: UUID) -> Reached | None:
        loaded = await _load(context, recordset_id, is_fresh=is_fresh)
        return None if loaded is None else _reach(context, loaded)

    return find


async def _load(context: Context, reference: UUID | str, *, is_fresh: bool) -> LoadedRecordset | None:
    """Return a recordset as a member stands to it.

    A transaction that has begun may have changed it, and may yet be undone: only what is fresh is remembered.
    """
    unit, epoch = context.unit, context.access.rights_epoch
    key = (context.workspace_id, context.member_id, reference)
    kept = _loaded.find(key, epoch=epoch) if is_fresh else None
    if kept is not None:
        return kept
    found = await repository.find_recordset(unit, reference, member_id=context.member_id)
    if found is not None and is_fresh:
        _loaded.keep(key, found, epoch=epoch)
    return found


def mask_recordset(access: Access, recordset: Recordset, *, owns_object: bool) -> FieldMask:
    """Return which fields of a recordset a caller may not see or not change.

    The values of fields that were removed are shown to nobody, even while some records still hold them; and those
    that are computed, nobody changes.
    """
    mask = mask_fields(access, recordset.fields, owns_object=owns_object)
    if not recordset.removed and not recordset.unwritten:
        return mask
    read_only = mask.read_only | recordset.removed | recordset.unwritten
    return FieldMask(hidden=mask.hidden | recordset.removed, read_only=read_only)


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
