"""Operations on the comments of a record."""

from typing import Annotated
from uuid import UUID

from fostr.domains.records.comments import service
from fostr.domains.records.comments.schemas import Comment, CommentCreate, CommentUpdate
from fostr.domains.records.comments.service import CommentNotFound, CommentNotOwn
from fostr.domains.records.modules import RECORDS
from fostr.domains.records.records.reach import ReachedRecord, RecordNotFound, record_in_path
from fostr.domains.records.recordsets.reach import ActionForbidden
from fostr.kernel.http.concurrency import ExpectedVersion, IfMatchInvalid
from fostr.kernel.http.errors import StaleUpdate, raises
from fostr.kernel.http.paging import LimitedSlice, Page
from fostr.kernel.http.routing import Router

router = Router(prefix="/records/{record_id}/comments", tags=["Records"], module=RECORDS)

Viewed = Annotated[ReachedRecord, record_in_path("view_records")]
Commented = Annotated[ReachedRecord, record_in_path("comment")]


@router.get("", responses=raises(RecordNotFound))
async def list(target: Viewed, part: LimitedSlice) -> Page[Comment]:  # noqa: A001 - endpoints are bare verbs
    """List the comments on a record.

    The oldest come first. Whoever may see the record may read what was said about it.
    """
    return await service.list_comments(target, part=part)


@router.post("", status_code=201, responses=raises(RecordNotFound, ActionForbidden))
async def create(target: Commented, data: CommentCreate) -> Comment:
    """Comment on a record.

    Needs `can_comment_record`, and sight of the record.
    """
    return await service.create_comment(target, data=data)


@router.patch(
    "/{comment_id}",
    responses=raises(RecordNotFound, ActionForbidden, CommentNotFound, CommentNotOwn, StaleUpdate, IfMatchInvalid),
)
async def update(
    target: Commented, comment_id: UUID, data: CommentUpdate, expected_version: ExpectedVersion
) -> Comment:
    """Change one's own comment.

    With `If-Match` or `expected_version`, a comment that was changed in the meantime is left as it is.
    """
    return await service.update_comment(target, comment_id, data=data, expected_version=expected_version)


@router.delete("/{comment_id}", status_code=204, responses=raises(RecordNotFound, ActionForbidden, CommentNotFound))
async def delete(target: Commented, comment_id: UUID) -> None:
    """Delete a comment.

    Authors delete their own; whoever administers the recordset deletes any.
    """
    await service.delete_comment(target, comment_id)
