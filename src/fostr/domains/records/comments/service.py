"""What happens to comments: who may, what is written, what is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fostr.domains.records.comments import repository
from fostr.domains.records.comments.schemas import Author, Comment
from fostr.domains.records.recordsets.reach import check_action
from fostr.kernel.access.evaluator import is_own
from fostr.kernel.events.outbox import record
from fostr.kernel.http.concurrency import check_version
from fostr.kernel.http.errors import Forbidden, NotFound
from fostr.kernel.ids import new_id

if TYPE_CHECKING:
    from uuid import UUID

    import asyncpg

    from fostr.domains.records.comments.schemas import CommentCreate, CommentUpdate
    from fostr.domains.records.records.reach import ReachedRecord
    from fostr.kernel.http.paging import Page, Slice


class CommentNotFound(NotFound):
    """The record has no such comment."""

    code = "comment_not_found"
    detail = "The record has no such comment."


class CommentNotOwn(Forbidden):
    """Somebody else wrote the comment."""

    code = "comment_not_own"
    detail = "Only its author may change a comment."


async def list_comments(target: ReachedRecord, *, part: Slice) -> Page[Comment]:
    """Return a part of a record's comments."""
    rows = await repository.list_comments(target.unit, record_id=target.record.id, limit=part.limit, offset=part.offset)
    total = await repository.count_comments(target.unit, record_id=target.record.id)
    return part.page([_comment(row) for row in rows], total=total)


async def create_comment(target: ReachedRecord, *, data: CommentCreate) -> Comment:
    """Comment on a record."""
    context = target.context
    comment_id = new_id()
    values = {
        "id": comment_id,
        "record_id": target.record.id,
        "author_id": context.member_id,
        "text": data.text,
        "created_at": context.now,
        "updated_at": context.now,
    }
    await repository.insert_comment(target.unit, values)
    await _tell(target, "comment.created", comment_id, after=data.text)
    return await get_comment(target, comment_id)


async def update_comment(
    target: ReachedRecord,
    comment_id: UUID,
    *,
    data: CommentUpdate,
    expected_version: int | None,
) -> Comment:
    """Change the text of one's own comment.

    Raises:
        CommentNotFound: the record has no such comment.
        CommentNotOwn: somebody else wrote it.
        StaleUpdate: it was changed since the version that the caller saw.
    """
    row = await _find_locked(target, comment_id)
    if not is_own(target.context.access, row["author_id"]):
        raise CommentNotOwn
    check_version(expected=expected_version or data.expected_version, current=row["version"])
    changes = {"text": data.text, "updated_at": target.context.now}
    await repository.update_comment(target.unit, comment_id, changes)
    await _tell(target, "comment.updated", comment_id, before=row["text"], after=data.text)
    return await get_comment(target, comment_id)


async def delete_comment(target: ReachedRecord, comment_id: UUID) -> None:
    """Delete a comment: one's own, or anybody's for those who administer the recordset.

    Raises:
        CommentNotFound: the record has no such comment.
        ActionForbidden: it is not one's own, and the caller does not administer the recordset.
    """
    context = target.context
    row = await _find_locked(target, comment_id)
    if not is_own(context.access, row["author_id"]):
        check_action(target.reached, "administer")
    changes = {"deleted_at": context.now, "deleted_by": context.member_id}
    await repository.update_comment(target.unit, comment_id, changes)
    await _tell(target, "comment.deleted", comment_id, before=row["text"])


async def get_comment(target: ReachedRecord, comment_id: UUID) -> Comment:
    """Return one comment of a record.

    Raises:
        CommentNotFound: the record has no such comment.
    """
    row = await repository.find_comment(target.unit, comment_id, record_id=target.record.id)
    if row is None:
        raise CommentNotFound
    return _comment(row)


async def _find_locked(target: ReachedRecord, comment_id: UUID) -> asyncpg.Record:
    row = await repository.find_comment(target.unit, comment_id, record_id=target.record.id, lock=True)
    if row is None:
        raise CommentNotFound
    return row


async def _tell(
    target: ReachedRecord, what: str, comment_id: UUID, *, before: str | None = None, after: str | None = None
) -> None:
    def facts(text: str | None) -> dict[str, Any] | None:
        if text is None:
            return None
        return {"record_id": str(target.record.id), "recordset_id": str(target.reached.recordset.id), "text": text}

    await record(
        target.context, type=what, entity="comment", entity_id=comment_id, before=facts(before), after=facts(after)
    )


def _comment(row: asyncpg.Record) -> Comment:
    return Comment(
        id=row["id"],
        record_id=row["record_id"],
        text=row["text"],
        author=Author(id=row["author_id"], full_name=row["author_name"], avatar_url=row["author_avatar_url"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        version=row["version"],
    )
