"""Operations on the relationships of a record."""

from typing import Annotated
from uuid import UUID

from fostr.domains.records.links import relationships
from fostr.domains.records.links.relationships import (
    RelatedRecordUnknown,
    RelationshipExists,
    RelationshipInvalid,
    RelationshipNotFound,
)
from fostr.domains.records.links.schemas import Relationship, RelationshipCreate
from fostr.domains.records.modules import RECORDS
from fostr.domains.records.records.reach import ReachedRecord, RecordNotFound, record_in_path
from fostr.domains.records.recordsets.reach import ActionForbidden
from fostr.kernel.http.errors import raises
from fostr.kernel.http.paging import LimitedSlice, Page
from fostr.kernel.http.routing import Router

router = Router(prefix="/records/{record_id}/relationships", tags=["Records"], module=RECORDS)

Viewed = Annotated[ReachedRecord, record_in_path("view_records")]
Edited = Annotated[ReachedRecord, record_in_path("edit")]


@router.get("", responses=raises(RecordNotFound, ActionForbidden))
async def list(target: Viewed, part: LimitedSlice) -> Page[Relationship]:  # noqa: A001 - endpoints are bare verbs
    """List the relationships of a record.

    Those that people named, and the links that fields make, in both directions; only where the caller may see the
    record at the other end, and the field.
    """
    return await relationships.list_relationships(target, part=part)


@router.post(
    "",
    status_code=201,
    responses=raises(RecordNotFound, ActionForbidden, RelatedRecordUnknown, RelationshipExists, RelationshipInvalid),
)
async def create(target: Edited, data: RelationshipCreate) -> Relationship:
    """Relate a record to another one, of any recordset.

    Needs `can_edit` on the record of the path, or `can_edit_own` for one's own, and sight of the other.
    """
    return await relationships.create_relationship(target, data=data)


@router.delete(
    "/{relationship_id}",
    status_code=204,
    responses=raises(RecordNotFound, ActionForbidden, RelationshipNotFound),
)
async def delete(target: Edited, relationship_id: UUID) -> None:
    """Delete a relationship that somebody named.

    Either record's editors may. What a field links is changed in the field.
    """
    await relationships.delete_relationship(target, relationship_id)
