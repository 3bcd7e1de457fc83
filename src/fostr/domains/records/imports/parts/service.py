"""Uploads in parts: each part is a file of its own until all of them are joined into one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fostr.domains.records.imports import starting, uploads
from fostr.domains.records.imports.parts import repository, schemas
from fostr.domains.records.imports.parts.limits import KEPT_FOR, LARGEST_PART, MOST_PARTS
from fostr.kernel.files.keys import make_key
from fostr.kernel.files.store import FileTooLarge
from fostr.kernel.http.errors import Conflict, Unprocessable
from fostr.kernel.ids import new_id

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Sequence
    from uuid import UUID

    import asyncpg

    from fostr.domains.records.imports.repository import UploadedFile
    from fostr.domains.records.imports.schemas import FileAnalysis
    from fostr.kernel.files import FileStore
    from fostr.kernel.http.context import Context

_MEDIA_TYPE = "application/octet-stream"


class UploadCompleted(Conflict):
    """The parts were joined already."""

    code = "upload_completed"
    detail = "The upload is complete; its parts cannot be changed any more."


class PartsMissing(Unprocessable):
    """Not all parts have arrived."""

    code = "upload_parts_missing"
    detail = "Some parts have not arrived."


async def begin(context: Context, data: schemas.PartedUploadCreate) -> schemas.PartedUpload:
    """Note a file that is going to come in parts."""
    file_id = new_id()
    await uploads.note_file(
        context,
        file_id,
        make_key(context.workspace_id, "imports", file_id.hex),
        filename=uploads.clean_filename(data.filename),
        size=None,
    )
    return await show(context, file_id)


async def show(context: Context, upload_id: UUID) -> schemas.PartedUpload:
    """Return an upload and what of it has arrived.

    Raises:
        FileMissing: there is none, or it is somebody else's.
    """
    file = await _get(context, upload_id)
    return schemas.PartedUpload(
        upload_id=file.id,
        file_uri=uploads.make_uri(file.id),
        filename=file.filename,
        max_bytes=context.settings.max_upload_bytes,
        max_part_bytes=LARGEST_PART,
        max_parts=MOST_PARTS,
        parts=[_describe(row) for row in await repository.list_parts(context.unit, file.id)],
        expires_at=await repository.get_created_at(context.unit, file.id) + KEPT_FOR,
    )


async def _get(context: Context, upload_id: UUID) -> UploadedFile:
    return await uploads.get_file(context, uploads.make_uri(upload_id))


def _describe(row: asyncpg.Record | dict[str, Any]) -> schemas.Part:
    return schemas.Part(number=row["number"], size=row["size"], sha256=row["sha256"])


async def receive_part(context: Context, upload_id: UUID, number: int, content: AsyncIterable[bytes]) -> schemas.Part:
    """Store a part, in place of one that had its number.

    Raises:
        FileMissing: there is no such upload, or it is somebody else's.
        UploadCompleted: its parts were joined already.
        FileTooLarge: the part is too large, or the file would be.
    """
    # In a transaction that ends here: none stays open for as long as somebody sends.
    async with context.open_unit() as unit:
        file = await _get(replace(context, unit=unit), upload_id)
    if file.size is not None:
        raise UploadCompleted
    files = context.runtime.files
    # A key of its own: whichever of two parts with one number is noted last is the one that is there.
    key = f"{file.key}.{number}.{new_id().hex}"
    stored = await files.put(key, content, content_type=_MEDIA_TYPE, max_bytes=LARGEST_PART)
    try:
        replaced = await _keep_part(context, file, number, key=key, size=stored.size, sha256=stored.sha256)
    except BaseException:
        await files.delete(key)
        raise
    if replaced is not None:
        context.unit.after_commit(lambda: files.delete(replaced))
    return schemas.Part(number=number, size=stored.size, sha256=stored.sha256)


async def _keep_part(
    context: Context, file: UploadedFile, number: int, *, key: str, size: int, sha256: str
) -> str | None:
    if not await repository.lock_upload(context.unit, file.id):
        raise UploadCompleted
    others = [row["size"] for row in await repository.list_parts(context.unit, file.id) if row["number"] != number]
    if sum(others) + size > context.settings.max_upload_bytes:
        raise FileTooLarge(max_bytes=context.settings.max_upload_bytes)
    return await repository.save_part(context.unit, file.id, number, key=key, size=size, sha256=sha256, now=context.now)


async def complete(context: Context, upload_id: UUID, data: schemas.PartedUploadComplete) -> FileAnalysis:
    """Join the parts of an upload, and tell what is in the file.

    Raises:
        FileMissing: there is no such upload, or it is somebody else's.
        UploadCompleted: its parts were joined already.
        PartsMissing: some have not arrived, or there are more than was said.
        FileTypeMismatch, FileEmpty, FileUnreadable, FileTypeUnsupported, TooManyColumns: what a file can be refused
        for.
    """
    file = await _get(context, upload_id)
    if not await repository.lock_upload(context.unit, file.id):
        raise UploadCompleted
    parts = await repository.list_parts(context.unit, file.id)
    numbers, wanted = {row["number"] for row in parts}, set(range(1, data.parts + 1))
    if numbers != wanted:
        raise PartsMissing(missing=sorted(wanted - numbers)[:100], unknown=sorted(numbers - wanted)[:100])
    files, most = context.runtime.files, context.settings.max_upload_bytes
    keys = [row["key"] for row in parts]
    await files.put(file.key, _chain(files, keys), content_type=_MEDIA_TYPE, max_bytes=most)
    analysis = await uploads.ensure_analysis(context, file, starting.reading_options(data.options))
    await repository.delete_parts(context.unit, file.id)
    context.unit.after_commit(lambda: _delete(files, keys))
    return analysis


async def _chain(files: FileStore, keys: Sequence[str]) -> AsyncGenerator[bytes]:
    for key in keys:
        async for chunk in files.stream(key):
            yield chunk


async def _delete(files: FileStore, keys: Sequence[str]) -> None:
    for key in keys:
        await files.delete(key)


async def abandon(context: Context, upload_id: UUID) -> None:
    """Forget an upload that is not complete, with its parts.

    Raises:
        FileMissing: there is none, or it is somebody else's.
        UploadCompleted: its parts were joined already.
    """
    file = await _get(context, upload_id)
    if not await repository.lock_upload(context.unit, file.id):
        raise UploadCompleted
    keys = [file.key, *await repository.delete_parts(context.unit, file.id)]
    await repository.delete_upload(context.unit, file.id)
    files = context.runtime.files
    context.unit.after_commit(lambda: _delete(files, keys))
