"""Files that wait to be imported: received, looked through, and removed after a while."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import timedelta
from pathlib import PurePath
from typing import TYPE_CHECKING, Final
from uuid import UUID

from fostr.domains.records.imports import repository, schemas
from fostr.domains.records.imports.analysis import Analysis, analyse
from fostr.domains.records.imports.local import open_local
from fostr.domains.records.imports.readers.opening import ReadingOptions
from fostr.kernel.files.keys import make_key
from fostr.kernel.files.receiving import receive_upload
from fostr.kernel.files.store import FileMissing
from fostr.kernel.ids import new_id

if TYPE_CHECKING:
    from fastapi import UploadFile

    from fostr.domains.records.imports.repository import UploadedFile
    from fostr.kernel.http.context import Context

SIGNED_FOR: Final = timedelta(hours=1)
LONGEST_FILENAME: Final = 255

_URI: Final = "upload:"


async def receive(context: Context, upload: UploadFile, options: ReadingOptions) -> schemas.FileAnalysis:
    """Store a file that came in a form, and tell what is in it.

    Raises:
        FileTooLarge, FileTypeMismatch, FileEmpty, FileUnreadable, FileTypeUnsupported, TooManyColumns: what a file can
        be refused for; it is not kept then.
    """
    filename = clean_filename(upload.filename or "")
    file_id = new_id()
    key = make_key(context.workspace_id, "imports", file_id.hex)
    files, most = context.runtime.files, context.settings.max_upload_bytes
    stored = await receive_upload(upload, files, key, max_bytes=most)
    try:
        await note_file(context, file_id, key, filename=filename, size=stored.size)
        return await _analyse(context, await _get_file(context, file_id), options, size=stored.size)
    except BaseException:
        await files.delete(key)
        raise


async def expect(context: Context, data: schemas.UploadRequest) -> schemas.SignedUpload:
    """Return an address to which a browser can send a file by itself."""
    filename = clean_filename(data.filename)
    file_id = new_id()
    key = make_key(context.workspace_id, "imports", file_id.hex)
    most = context.settings.max_upload_bytes
    await note_file(context, file_id, key, filename=filename, size=None)
    url = await context.runtime.files.sign_upload(key, expires_in=SIGNED_FOR, max_bytes=most, filename=filename)
    return schemas.SignedUpload(
        file_uri=make_uri(file_id),
        upload_url=url,
        method="PUT",
        max_bytes=most,
        expires_at=context.now + SIGNED_FOR,
    )


async def note_file(context: Context, file_id: UUID, key: str, *, filename: str, size: int | None) -> None:
    """Note a file that the caller has uploaded, or, without a size, is going to."""
    await repository.create_file(
        context.unit,
        id=file_id,
        key=key,
        filename=filename,
        size=size,
        uploaded_by=context.member_id,
        now=context.now,
    )


async def look_through(context: Context, file_uri: str, options: ReadingOptions) -> schemas.FileAnalysis:
    """Tell what is in a file that was uploaded, read as the options say.

    Raises:
        FileMissing: there is no such file, it is somebody else's, or it has not arrived yet.
        FileTooLarge, FileTypeMismatch, FileEmpty, FileUnreadable, FileTypeUnsupported, TooManyColumns: what a file can
        be refused for.
    """
    return await ensure_analysis(context, await get_file(context, file_uri), options)


async def ensure_analysis(context: Context, file: UploadedFile, options: ReadingOptions) -> schemas.FileAnalysis:
    """Return what is in a file, which is read again when it was read with other options."""
    if file.analysis is not None and file.options == asdict(options):
        return schemas.FileAnalysis.model_validate(file.analysis)
    info = await context.runtime.files.check_upload(file.key, max_bytes=context.settings.max_upload_bytes)
    return await _analyse(context, file, options, size=info.size)


async def get_file(context: Context, file_uri: str) -> UploadedFile:
    """Return a file that the caller has uploaded; administrators reach everybody's.

    Raises:
        FileMissing: there is none.
    """
    try:
        file_id = UUID(file_uri.removeprefix(_URI))
    except ValueError:
        raise FileMissing from None
    file = await _get_file(context, file_id)
    if file.uploaded_by != context.member_id and not context.access.is_administrator:
        raise FileMissing
    return file


async def _get_file(context: Context, file_id: UUID) -> UploadedFile:
    file = await repository.find_file(context.unit, file_id)
    if file is None:
        raise FileMissing
    return file


async def _analyse(context: Context, file: UploadedFile, options: ReadingOptions, *, size: int) -> schemas.FileAnalysis:
    async with open_local(context.runtime.files, file.key) as local:
        found = await asyncio.to_thread(analyse, local, file.filename, options)
    answer = _describe(file, found, size=size)
    await repository.keep_analysis(
        context.unit, file.id, size=size, options=asdict(options), analysis=answer.model_dump(mode="json")
    )
    return answer


def _describe(file: UploadedFile, found: Analysis, *, size: int) -> schemas.FileAnalysis:
    lat, lng = found.find_column("lat"), found.find_column("lng")
    return schemas.FileAnalysis(
        file_uri=make_uri(file.id),
        filename=file.filename,
        size=size,
        total_rows=found.total_rows,
        source=schemas.FileSource.model_validate(found.source.as_document()),
        columns=[
            schemas.FileColumn(
                index=column.index,
                name=column.name,
                original_name=column.original_name,
                key=column.key,
                type=column.inferred.type,
                decimal=column.inferred.decimal,
                date_order=column.inferred.date_order,
                role=column.role,
                empty_share=column.empty_share,
                examples=column.examples,
            )
            for column in found.columns
        ],
        sample_rows=found.sample_rows,
        map=schemas.PlaceColumns(lat_column=lat.name, lng_column=lng.name) if lat and lng else None,
        notes=[schemas.FileNote(**asdict(note)) for note in found.notes],
    )


def make_uri(file_id: UUID) -> str:
    """Return what callers name an uploaded file by."""
    return f"{_URI}{file_id}"


def clean_filename(name: str) -> str:
    """Return the last part of a file's name, without what cannot be shown."""
    last = PurePath(name.replace("\\", "/")).name
    shown = "".join(character for character in last if character.isprintable()).strip()
    return shown[-LONGEST_FILENAME:] or "file"
