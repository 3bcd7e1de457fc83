"""Operations on uploads in parts."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Request

from fostr.domains.records.imports.endpoints import FILE_REFUSALS, Importing
from fostr.domains.records.imports.parts import service
from fostr.domains.records.imports.parts.limits import MOST_PARTS
from fostr.domains.records.imports.parts.schemas import Part, PartedUpload, PartedUploadComplete, PartedUploadCreate
from fostr.domains.records.imports.parts.service import PartsMissing, UploadCompleted
from fostr.domains.records.imports.schemas import FileAnalysis
from fostr.domains.records.modules import RECORDS
from fostr.kernel.files.store import FileMissing, FileTooLarge
from fostr.kernel.http.errors import raises
from fostr.kernel.http.routing import Router

router = Router(prefix="/import/upload/parts", tags=["Recordset Import"], module=RECORDS)

UploadId = Annotated[UUID, Path(description="The upload.")]
Number = Annotated[int, Path(ge=1, le=MOST_PARTS, description="The part's place in the file, from 1.")]

_BODY = {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}


@router.post("")
async def create(context: Importing, data: PartedUploadCreate) -> PartedUpload:
    """Begin to upload a file in parts.

    For files that are too large to be sent again whenever a connection is lost. Send each part to its number, in any
    order and as often as is needed, then complete the upload. What is not completed is removed after a day.
    """
    return await service.begin(context, data)


@router.get("/{upload_id}", responses=raises(FileMissing))
async def get(context: Importing, upload_id: UploadId) -> PartedUpload:
    """Get which parts have arrived.

    An upload goes on with the others, also from another machine.
    """
    return await service.show(context, upload_id)


@router.put(
    "/{upload_id}/{number}",
    responses=raises(FileMissing, UploadCompleted, FileTooLarge),
    openapi_extra={"requestBody": {"required": True, **_BODY}},
)
async def update(context: Importing, request: Request, upload_id: UploadId, number: Number) -> Part:
    """Send a part.

    The body is the part itself. Sent again, it takes the place of what came before.
    """
    return await service.receive_part(context, upload_id, number, request.stream())


@router.post("/{upload_id}/complete", responses=raises(*FILE_REFUSALS, FileMissing, UploadCompleted, PartsMissing))
async def complete(context: Importing, upload_id: UploadId, data: PartedUploadComplete) -> FileAnalysis:
    """Join the parts and see what is in the file.

    The answer is that of an upload in one piece. A file that is refused can be completed again with other options.
    """
    return await service.complete(context, upload_id, data)


@router.delete("/{upload_id}", status_code=204, responses=raises(FileMissing, UploadCompleted))
async def delete(context: Importing, upload_id: UploadId) -> None:
    """Abandon an upload.

    Its parts are removed.
    """
    await service.abandon(context, upload_id)
