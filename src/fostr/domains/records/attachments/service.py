"""What happens to attachments: taken in, looked at, listed by a field, taken away."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, cast

from fostr.domains.records.attachments import repository
from fostr.domains.records.attachments.following import TYPE
from fostr.domains.records.attachments.schemas import Attachment, AttachmentUpload
from fostr.domains.records.fields.shaping import FieldReadOnly, FieldValuesInvalid
from fostr.domains.records.imports.uploads import clean_filename
from fostr.domains.records.query.selection import RecordQuery, select_records
from fostr.domains.records.records.schemas import RecordUpdate
from fostr.domains.records.records.service import lock_current, update_record
from fostr.kernel.events.outbox import record as record_event
from fostr.kernel.files.images import ImageRefused, ImageTooManyPixels, draw_thumbnail
from fostr.kernel.files.keys import make_key
from fostr.kernel.files.receiving import receive_upload
from fostr.kernel.files.sniffing import SNIFFED_BYTES, FileTypeMismatch, check_type
from fostr.kernel.http.errors import NotFound
from fostr.kernel.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    import asyncpg
    from fastapi import UploadFile

    from fostr.domains.records.attachments.schemas import AttachmentExpected
    from fostr.domains.records.records.reach import ReachedRecord
    from fostr.domains.records.recordsets.reach import Reached
    from fostr.kernel.files.store import FileStore
    from fostr.kernel.http.context import Context
    from fostr.kernel.http.paging import Page, Slice

SHOWN_FOR: Final = timedelta(hours=1)
SENT_WITHIN: Final = timedelta(hours=1)
LARGEST_PICTURE: Final = 25 * 1024**2
"""Bytes of a picture of which a small one is drawn."""
PICTURES: Final = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif"})
THUMBNAIL_TYPE: Final = "image/webp"


class AttachmentNotFound(NotFound):
    """The record has no such attachment."""

    code = "attachment_not_found"
    detail = "The record has no such attachment."


async def list_attachments(target: ReachedRecord, *, part: Slice) -> Page[Attachment]:
    """Return a part of a record's attachments, without those of fields that are hidden from the caller."""
    unit, record_id, hidden = target.unit, target.record.id, target.reached.mask.hidden
    rows = await repository.list_attachments(
        unit, record_id=record_id, hidden=hidden, limit=part.limit, offset=part.offset
    )
    total = await repository.count_attachments(unit, record_id=record_id, hidden=hidden)
    return part.page(await _show_all(target.context, rows), total=total)


async def find_attachments(reached: Reached, *, ids: Sequence[UUID]) -> list[Attachment]:
    """Return those of the named attachments that are of records which the caller may see."""
    selection = select_records(reached, RecordQuery())
    rows = await repository.list_attachments_of(reached.unit, selection.condition, ids=ids, hidden=reached.mask.hidden)
    return await _show_all(reached.context, rows)


async def create_attachment(target: ReachedRecord, upload: UploadFile, *, field: str | None) -> Attachment:
    """Attach a file that came in a form.

    Raises:
        FieldValuesInvalid: the field is none that lists attachments.
        FieldReadOnly: the caller may not change it.
        FileTooLarge, FileTypeMismatch: the file is not taken.
    """
    _check_field(target.reached, field)
    context = target.context
    attachment_id = new_id()
    key = make_key(context.workspace_id, "attachments", attachment_id.hex)
    store = context.runtime.files
    try:
        stored = await receive_upload(upload, store, key, max_bytes=context.settings.max_upload_bytes)
        values = _new(target, attachment_id, key, filename=clean_filename(upload.filename or ""), field=field)
        facts = {"size": stored.size, "content_type": stored.content_type, "sha256": stored.sha256}
        picture = await _draw(store, key, size=stored.size, content_type=stored.content_type)
        await repository.insert_attachment(target.unit, {**values, **facts, **picture, "is_ready": True})
        return await _finish(target, attachment_id)
    except BaseException:
        await _remove_files(store, key)
        raise


async def expect_attachment(target: ReachedRecord, *, data: AttachmentExpected) -> AttachmentUpload:
    """Return an address to which a browser can send a file by itself.

    Raises:
        FieldValuesInvalid: the field is none that lists attachments.
        FieldReadOnly: the caller may not change it.
    """
    _check_field(target.reached, data.field)
    context = target.context
    attachment_id = new_id()
    key = make_key(context.workspace_id, "attachments", attachment_id.hex)
    filename = clean_filename(data.filename)
    most = context.settings.max_upload_bytes
    await repository.insert_attachment(
        target.unit, _new(target, attachment_id, key, filename=filename, field=data.field)
    )
    url = await context.runtime.files.sign_upload(key, expires_in=SENT_WITHIN, max_bytes=most, filename=filename)
    path = f"/api/v1/crud/records/{target.record.id}/attachments/{attachment_id}/complete"
    return AttachmentUpload(
        attachment_id=attachment_id,
        upload_url=url,
        method="PUT",
        max_bytes=most,
        expires_at=context.now + SENT_WITHIN,
        complete_url=path,
    )


async def complete_attachment(target: ReachedRecord, attachment_id: UUID) -> Attachment:
    """Look at a file that was sent to its signed address, and attach it. Again, it answers the same.

    Raises:
        AttachmentNotFound: the record awaits no such file.
        FileMissing: it has not arrived.
        FileTooLarge, FileTypeMismatch: it is not taken; nothing is kept of it.
    """
    row = await _get_row(target, attachment_id)
    if row["is_ready"]:
        return await _show(target.context, row)
    context, store, key = target.context, target.context.runtime.files, row["key"]
    info = await store.check_upload(key, max_bytes=context.settings.max_upload_bytes)
    head = b"".join([chunk async for chunk in store.stream(key, end=min(SNIFFED_BYTES, info.size))])
    try:
        content_type = check_type(head, row["filename"]).media_type
    except FileTypeMismatch:
        await store.delete(key)
        raise
    facts = {"size": info.size, "content_type": content_type, "sha256": await _digest(store, key)}
    picture = await _draw(store, key, size=info.size, content_type=content_type)
    await repository.update_attachment(target.unit, attachment_id, {**facts, **picture, "is_ready": True})
    return await _finish(target, attachment_id)


async def delete_attachment(target: ReachedRecord, attachment_id: UUID) -> None:
    """Move an attachment to the trash, and take it out of the field that lists it.

    Raises:
        AttachmentNotFound: the record has none, or its field is hidden from the caller.
        FieldReadOnly: the caller may not change the field that lists it.
    """
    row = await _get_row(target, attachment_id)
    context = target.context
    if row["field"] is not None and row["field"] in target.reached.recordset.by_key:
        _check_field(target.reached, row["field"])
        await _list_in_field(target, row["field"], drop=attachment_id)
    await repository.bury(
        target.unit, [attachment_id], record_id=target.record.id, now=context.now, member_id=context.member_id
    )
    await _tell(target, "attachment.deleted", row)


def _check_field(reached: Reached, key: str | None) -> None:
    if key is None:
        return
    field = reached.recordset.by_key.get(key)
    if field is None or key in reached.mask.hidden or field.type != TYPE:
        raise FieldValuesInvalid(errors=[{"field": key, "reason": "is no field that lists attachments"}])
    if key in reached.mask.read_only:
        raise FieldReadOnly(field=key)


def _new(target: ReachedRecord, attachment_id: UUID, key: str, *, filename: str, field: str | None) -> dict[str, Any]:
    return {
        "id": attachment_id,
        "record_id": target.record.id,
        "recordset_id": target.record.recordset_id,
        "field": field,
        "key": key,
        "filename": filename,
        "uploaded_by": target.context.member_id,
        "created_at": target.context.now,
    }


async def _finish(target: ReachedRecord, attachment_id: UUID) -> Attachment:
    row = await _get_row(target, attachment_id)
    if row["field"] is not None:
        await _list_in_field(target, row["field"], add=attachment_id)
    await _tell(target, "attachment.created", row)
    return await _show(target.context, row)


async def _list_in_field(target: ReachedRecord, key: str, *, add: UUID | None = None, drop: UUID | None = None) -> None:
    # Locked first: two files that come at once are both listed.
    record = await lock_current(target, expected_version=None)
    listed = [text for text in cast("list[str]", record.field_values.get(key) or []) if text != str(drop)]
    if add is not None and str(add) not in listed:
        listed.append(str(add))
    await update_record(target, data=RecordUpdate(field_values={key: listed}))


async def _get_row(target: ReachedRecord, attachment_id: UUID) -> asyncpg.Record:
    row = await repository.find_attachment(target.unit, attachment_id, record_id=target.record.id)
    if row is None or row["field"] in target.reached.mask.hidden:
        raise AttachmentNotFound
    return row


async def _draw(store: FileStore, key: str, *, size: int, content_type: str) -> dict[str, Any]:
    """Draw a small picture of a picture; any other file, or one that cannot be drawn, has none."""
    if content_type not in PICTURES or size > LARGEST_PICTURE:
        return {}
    try:
        drawn = await draw_thumbnail(await store.get(key, max_bytes=LARGEST_PICTURE))
    except (ImageRefused, ImageTooManyPixels):
        return {}
    await store.put(thumbnail_key(key), drawn.content, content_type=THUMBNAIL_TYPE)
    return {"has_thumbnail": True, "width": drawn.width, "height": drawn.height}


def thumbnail_key(key: str) -> str:
    """Return the key of the small picture of a picture."""
    return f"{key}-512.webp"


async def _digest(store: FileStore, key: str) -> str:
    digest = hashlib.sha256()
    async for chunk in store.stream(key):
        digest.update(chunk)
    return digest.hexdigest()


async def _remove_files(store: FileStore, key: str) -> None:
    await store.delete(key)
    await store.delete(thumbnail_key(key))


async def _show_all(context: Context, rows: Sequence[asyncpg.Record]) -> list[Attachment]:
    return list(await asyncio.gather(*(_show(context, row) for row in rows)))


async def _show(context: Context, row: asyncpg.Record) -> Attachment:
    store = context.runtime.files
    url = await store.sign_download(
        row["key"], expires_in=SHOWN_FOR, filename=row["filename"], content_type=row["content_type"]
    )
    small = None
    if row["has_thumbnail"]:
        small = await store.sign_download(
            thumbnail_key(row["key"]), expires_in=SHOWN_FOR, content_type=THUMBNAIL_TYPE, inline=True
        )
    return Attachment(
        id=row["id"],
        record_id=row["record_id"],
        field=row["field"],
        filename=row["filename"],
        content_type=row["content_type"],
        size=row["size"],
        sha256=row["sha256"],
        width=row["width"],
        height=row["height"],
        download_url=url,
        thumbnail_url=small,
        uploaded_by=row["uploaded_by"],
        created_at=row["created_at"],
    )


async def _tell(target: ReachedRecord, what: str, row: asyncpg.Record) -> None:
    facts = {
        "record_id": str(row["record_id"]),
        "recordset_id": str(row["recordset_id"]),
        "field": row["field"],
        "filename": row["filename"],
        "size": row["size"],
        "content_type": row["content_type"],
    }
    is_new = what == "attachment.created"
    await record_event(
        target.context,
        type=what,
        entity="attachment",
        entity_id=row["id"],
        before=None if is_new else facts,
        after=facts if is_new else None,
    )
