"""What of this domain can belong to a member."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fostr.domains.records.ownership import repository
from fostr.domains.records.ownership.events import RECORDS_REASSIGNED, RECORDSETS_REASSIGNED
from fostr.kernel.belongings import BelongingKind, record_handover, register_belongings, tell_ends
from fostr.kernel.events.outbox import Cause, record
from fostr.kernel.ids import new_id

if TYPE_CHECKING:
    from uuid import UUID

    from fostr.kernel.http.context import Context


async def _hand_over_recordsets(context: Context, *, source: UUID, target: UUID) -> int:
    handed = await repository.hand_over_recordsets(context.unit, source=source, target=target, now=context.now)
    await record_handover(
        context, type=RECORDSETS_REASSIGNED, source=source, target=target, listed_as="recordset_ids", ids=handed
    )
    return len(handed)


async def _hand_over_records(context: Context, *, source: UUID, target: UUID) -> int:
    cause = Cause(kind="request", id=new_id())
    handed = await repository.hand_over_records(
        context.unit, source=source, target=target, actor=context.member_id, cause=cause, now=context.now
    )
    for recordset_id, count in handed.items():
        await record(
            context,
            type=RECORDS_REASSIGNED,
            entity="recordset",
            entity_id=recordset_id,
            after={"recordset_id": str(recordset_id), **tell_ends(source, target), "count": count},
            cause=Cause(kind=cause.kind, id=cause.id, count=count),
        )
    return sum(handed.values())


async def _end_grants(context: Context, member_id: UUID) -> None:
    for recordset_id, actions in await repository.delete_grants(context.unit, member_id):
        await record(
            context,
            type="recordset.access_revoked",
            entity="recordset",
            entity_id=recordset_id,
            before={"member_id": str(member_id), "team_id": None, "actions": actions},
        )


register_belongings(
    BelongingKind(
        name="recordset",
        label="Recordsets owned",
        columns=frozenset({"recordsets.owner_id"}),
        count=repository.count_recordsets,
        list=repository.list_recordsets,
        reassign=_hand_over_recordsets,
    ),
    BelongingKind(
        name="record",
        label="Records owned",
        columns=frozenset({"records.owner_id"}),
        count=repository.count_records,
        list=repository.list_records,
        reassign=_hand_over_records,
    ),
    # Access is given to a person, not to a place: whoever follows them gets what they need, by name.
    BelongingKind(
        name="recordset_grant",
        label="Access to recordsets",
        columns=frozenset({"recordset_grants.member_id"}),
        count=repository.count_grants,
        list=repository.list_grants,
        release=_end_grants,
    ),
)
