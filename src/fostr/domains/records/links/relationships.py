"""Relationships between any two records: those that people name, and the links of fields beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from fostr.domains.records.fields.shaping import check_document, check_text
from fostr.domains.records.fields.types import ValueRefused
from fostr.domains.records.links.repository import relationships as repository
from fostr.domains.records.links.repository.relationships import Viewer
from fostr.domains.records.links.schemas import LinkField, RelatedRecord, Relationship
from fostr.domains.records.query.selection import may_reach
from fostr.domains.records.records.reach import RecordNotFound, list_visible, reach_record
from fostr.kernel.events.outbox import record as record_event
from fostr.kernel.http.errors import Conflict, NotFound, Unprocessable
from fostr.kernel.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    import asyncpg

    from fostr.domains.records.links.schemas import RelationshipCreate
    from fostr.domains.records.records.reach import ReachedRecord
    from fostr.kernel.http.paging import Page, Slice

LARGEST_METADATA: Final = 20_000


class RelationshipNotFound(NotFound):
    """The record has no such relationship, or its other end is none that the caller may see."""

    code = "relationship_not_found"
    detail = "The record has no such relationship."


class RelationshipExists(Conflict):
    """The two records are related so already."""

    code = "relationship_exists"
    detail = "The two records have this relationship already."


class RelatedRecordUnknown(Unprocessable):
    """The other record is not there, is none that the caller may see, or is the record itself."""

    code = "related_record_unknown"
    detail = "There is no such other record."


class RelationshipInvalid(Unprocessable):
    """What the relationship holds cannot be kept."""

    code = "relationship_invalid"
    detail = "What the relationship holds cannot be kept."


async def list_relationships(target: ReachedRecord, *, part: Slice) -> Page[Relationship]:
    """Return a part of a record's relationships, of those whose other end the caller may see."""
    context, record_id = target.context, target.record.id
    access = context.access
    viewer = Viewer(
        sees=await may_reach(context, "view_records"),
        hidden=target.reached.mask.hidden,
        roles=[] if access.base_role == "owner" else {access.role, access.base_role},
        member_id=context.member_id,
    )
    rows = await repository.list_relationships(
        target.unit, record_id, viewer=viewer, limit=part.limit, offset=part.offset
    )
    total = await repository.count_relationships(target.unit, record_id, viewer=viewer)
    return part.page([_relationship(row) for row in rows], total=total)


def _relationship(row: asyncpg.Record) -> Relationship:
    return Relationship(
        kind=row["kind"],
        id=row["id"],
        type=row["type"],
        direction=row["direction"],
        record=RelatedRecord(id=row["other_id"], recordset_id=row["recordset_id"], title=row["title"]),
        field=None if row["field_key"] is None else LinkField(key=row["field_key"], name=row["type"]),
        note=row["note"],
        metadata=row["metadata"],
        created_by=row["created_by"],
        created_at=row["created_at"],
    )


async def create_relationship(target: ReachedRecord, *, data: RelationshipCreate) -> Relationship:
    """Relate a record that the caller may change to one that they may see.

    Raises:
        RelatedRecordUnknown: the other record is not there, may not be seen, or is the same.
        RelationshipExists: they are related so already.
        RelationshipInvalid: a text or the metadata cannot be kept.
    """
    context, record_id = target.context, target.record.id
    _check(data)
    other = await _reach_other(target, data.record_id)
    source, to = (record_id, data.record_id) if data.direction == "outgoing" else (data.record_id, record_id)
    values: dict[str, Any] = {
        "id": new_id(),
        "source_id": source,
        "target_id": to,
        "type": data.type,
        "note": data.note,
        "metadata": data.metadata,
        "created_by": context.member_id,
        "created_at": context.now,
    }
    if not await repository.insert_relationship(target.unit, values):
        raise RelationshipExists
    facts = _facts(values, target, other_recordset=other.record.recordset_id)
    await record_event(context, type="relationship.created", entity="relationship", entity_id=values["id"], after=facts)
    row = {**values, "kind": "named", "direction": data.direction, "field_key": None}
    hides = not other.reached.recordset.is_in_step
    shown = {"other_id": data.record_id, "recordset_id": other.record.recordset_id}
    return _relationship({**row, **shown, "title": "" if hides else other.record.title})  # pyright: ignore[reportArgumentType]


def _check(data: RelationshipCreate) -> None:
    try:
        check_text(data.type)
        check_text(data.note)
        check_document(data.metadata)
    except ValueRefused as refusal:
        raise RelationshipInvalid(f"Something in it {refusal}.") from None
    if len(orjson.dumps(data.metadata)) > LARGEST_METADATA:
        raise RelationshipInvalid(f"The metadata is larger than {LARGEST_METADATA:,} bytes.")


async def _reach_other(target: ReachedRecord, record_id: UUID) -> ReachedRecord:
    if record_id == target.record.id:
        raise RelatedRecordUnknown("A record is not related to itself.")
    try:
        return await reach_record(target.context, record_id, "view_records")
    except RecordNotFound:
        raise RelatedRecordUnknown(record_id=str(record_id)) from None


def _facts(values: Mapping[str, Any], target: ReachedRecord, *, other_recordset: UUID) -> dict[str, Any]:
    own = target.record.recordset_id
    is_outgoing = values["source_id"] == target.record.id
    return {
        "record_id": str(values["source_id"]),
        "recordset_id": str(own if is_outgoing else other_recordset),
        "related_record_id": str(values["target_id"]),
        "related_recordset_id": str(other_recordset if is_outgoing else own),
        "type": values["type"],
        "note": values["note"],
        "metadata": values["metadata"],
    }


async def delete_relationship(target: ReachedRecord, relationship_id: UUID) -> None:
    """Delete a relationship that somebody named; links of fields are changed in the field.

    Raises:
        RelationshipNotFound: the record has none of this id, or the caller may not see its other end.
    """
    found = await repository.find_relationship(target.unit, relationship_id, record_id=target.record.id)
    if found is None or not await list_visible(target.context, [found["other_id"]]):
        raise RelationshipNotFound
    await repository.delete_relationship(target.unit, relationship_id)
    facts = _facts(dict(found), target, other_recordset=found["recordset_id"])
    await record_event(
        target.context, type="relationship.deleted", entity="relationship", entity_id=relationship_id, before=facts
    )
