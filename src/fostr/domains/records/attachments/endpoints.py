"""Operations on the attachments of a record."""

from typing import Annotated
from uuid import UUID

from fastapi import File, UploadFile

from fostr.domains.records.attachments import service
from fostr.domains.records.attachments.schemas import (
    Attachment,
    AttachmentExpected,
    AttachmentIds,
    Attachments,
    AttachmentUpload,
    FieldForm,
)
from fostr.domains.records.attachments.service import AttachmentNotFound
from fostr.domains.records.fields.shaping import FieldReadOnly, FieldValuesInvalid
from fostr.domains.records.modules import RECORDS
from fostr.domains.records.records.reach import ReachedRecord, RecordNotFound, record_in_path
from fostr.domains.records.records.service import FieldsChanging
from fostr.domains.records.recordsets.reach import ActionForbidden, Reached, RecordsetNotFound, recordset_in_path
from fostr.kernel.files.receiving import FileExists
from fostr.kernel.files.sniffing import FileTypeMismatch
from fostr.kernel.files.store import FileMissing, FileTooLarge
from fostr.kernel.http.errors import raises
from fostr.kernel.http.paging import LimitedSlice, Page
from fostr.kernel.http.routing import Router

router = Router(prefix="/crud/records/{record_id}/attachments", tags=["CRUD - Record Attachments"], module=RECORDS)
batch = Router(prefix="/recordsets/{recordset}/attachments", tags=["CRUD - Record Attachments"], module=RECORDS)

Viewed = Annotated[ReachedRecord, record_in_path("view_records")]
Edited = Annotated[ReachedRecord, record_in_path("edit")]
Shown = Annotated[Reached, recordset_in_path("view_records")]

REFUSALS = (RecordNotFound, ActionForbidden, FieldValuesInvalid, FieldReadOnly, FieldsChanging)
FILE_REFUSALS = (FileTooLarge, FileTypeMismatch)


@router.get("", responses=raises(RecordNotFound, ActionForbidden))
async def list(target: Viewed, part: LimitedSlice) -> Page[Attachment]:  # noqa: A001 - endpoints are bare verbs
    """List the attachments of a record.

    The oldest come first, each with signed addresses of the file and, for pictures, of a small one. Those that a
    hidden field lists are left out.
    """
    return await service.list_attachments(target, part=part)


@router.post("", status_code=201, responses=raises(*REFUSALS, *FILE_REFUSALS, FileExists))
async def create(
    target: Edited,
    file: Annotated[UploadFile, File(description="The file; what it is, is told by its bytes.")],
    field: FieldForm = None,
) -> Attachment:
    """Attach a file to a record.

    With `field`, the field lists it, which makes a version of the record. A file that is something else than its name
    says is refused. Needs `can_edit` on the recordset, or `can_edit_own` for one's own records.
    """
    return await service.create_attachment(target, file, field=field)


@router.post("/signed-url", status_code=201, responses=raises(*REFUSALS))
async def expect(target: Edited, data: AttachmentExpected) -> AttachmentUpload:
    """Ask for an address to which a browser can send a file by itself.

    Complete the attachment once the file is there; one that never comes is forgotten after a day.
    """
    return await service.expect_attachment(target, data=data)


@router.post("/{attachment_id}/complete", responses=raises(*REFUSALS, *FILE_REFUSALS, AttachmentNotFound, FileMissing))
async def complete(target: Edited, attachment_id: UUID) -> Attachment:
    """Attach a file that was sent to its signed address."""
    return await service.complete_attachment(target, attachment_id)


@router.delete("/{attachment_id}", status_code=204, responses=raises(*REFUSALS, AttachmentNotFound))
async def delete(target: Edited, attachment_id: UUID) -> None:
    """Take an attachment away.

    The field that listed it does so no longer. Undoing that, or restoring the version before, brings the file back,
    until it is removed for good after 30 days unless the operator says otherwise.
    """
    await service.delete_attachment(target, attachment_id)


@batch.get("", responses=raises(RecordsetNotFound, ActionForbidden))
async def find(target: Shown, ids: AttachmentIds) -> Attachments:
    """Show attachments of many records at once.

    For tables of records: those among `ids` that belong to records which the caller may see.
    """
    return await service.find_attachments(target, ids=ids)
