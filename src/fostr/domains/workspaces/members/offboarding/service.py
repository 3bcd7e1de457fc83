"""What belongs to a member, in every domain: listed, counted, handed over."""

from collections.abc import Sequence
from dataclasses import asdict
from uuid import UUID

from fostr.domains.workspaces.events import MEMBER_ITEMS_REASSIGNED
from fostr.domains.workspaces.members import repository
from fostr.domains.workspaces.members.errors import MemberNotFound
from fostr.domains.workspaces.members.offboarding.errors import (
    ItemKindBound,
    ItemKindUnknown,
    TargetIsSource,
    TargetNotActive,
)
from fostr.domains.workspaces.members.offboarding.schemas import (
    Item,
    ItemGroup,
    MemberItems,
    Reassigned,
    Reassignment,
)
from fostr.domains.workspaces.members.service import get_member
from fostr.kernel.belongings import BelongingKind, list_belonging_kinds
from fostr.kernel.events.outbox import Cause, record
from fostr.kernel.http.context import Context
from fostr.kernel.http.paging import Slice
from fostr.kernel.ids import new_id


async def list_items(context: Context, *, member_id: UUID, kind: str | None, part: Slice) -> MemberItems:
    await get_member(context.unit, member_id=member_id)
    kinds = _kinds(None if kind is None else [kind])
    groups = [await _group(context, each, member_id=member_id, part=part) for each in kinds]
    return MemberItems(member_id=member_id, groups=groups, total=sum(group.total for group in groups))


async def _group(context: Context, kind: BelongingKind, *, member_id: UUID, part: Slice) -> ItemGroup:
    found = await kind.list(context.unit, member_id, limit=part.limit, offset=part.offset)
    items = [Item(**asdict(belonging)) for belonging in found]
    page = part.page(items, total=await kind.count(context.unit, member_id))
    return ItemGroup(kind=kind.name, label=kind.label, can_reassign=kind.reassign is not None, **page.model_dump())


def _kinds(names: Sequence[str] | None) -> list[BelongingKind]:
    kinds = list_belonging_kinds()
    if names is None:
        return kinds
    known = {kind.name for kind in kinds}
    if unknown := sorted(set(names) - known):
        raise ItemKindUnknown(unknown=unknown, known=sorted(known))
    return [kind for kind in kinds if kind.name in names]


async def reassign(context: Context, *, member_id: UUID, data: Reassignment) -> Reassigned:
    """Hand over what belongs to a member, somebody who has left among them, in the request's transaction."""
    await get_member(context.unit, member_id=member_id)
    await _check_target(context, member_id=data.to_member_id, source=member_id)
    reassigned: dict[str, int] = {}
    for kind in _kinds(data.kinds):
        if kind.reassign is not None:
            reassigned[kind.name] = await kind.reassign(context, source=member_id, target=data.to_member_id)
        elif data.kinds is not None:
            raise ItemKindBound(kind=kind.name)
    answer = Reassigned(
        from_member_id=member_id,
        to_member_id=data.to_member_id,
        reassigned=reassigned,
        total=sum(reassigned.values()),
    )
    if answer.total:
        await _tell(context, answer)
    return answer


async def _check_target(context: Context, *, member_id: UUID, source: UUID) -> None:
    # Locked, so that nobody removes them while things become theirs.
    target = await repository.find_member(context.unit, member_id=member_id, lock=True)
    if target is None:
        raise MemberNotFound
    if target.id == source:
        raise TargetIsSource
    if target.status != "active":
        raise TargetNotActive


async def _tell(context: Context, done: Reassigned) -> None:
    await record(
        context,
        type=MEMBER_ITEMS_REASSIGNED,
        entity="member",
        entity_id=done.from_member_id,
        after=done.model_dump(mode="json", exclude={"total"}),
        cause=Cause(kind="request", id=new_id(), count=done.total),
    )
    await repository.increase_rights_epoch(context.unit, workspace_ids=[context.workspace_id])
