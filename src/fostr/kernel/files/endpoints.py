"""Signed addresses of files, and pictures: public, because the signature, or a random id, is the permission."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field

from fostr.kernel.files.addresses import FileAddress, SignatureExpired, SignatureInvalid
from fostr.kernel.files.images import Side
from fostr.kernel.files.keys import InvalidFileKey
from fostr.kernel.files.pictures import sign_picture
from fostr.kernel.files.receiving import FileExists, receive_file
from fostr.kernel.files.serving import RangeNotSatisfiable, serve_file
from fostr.kernel.files.sniffing import FileTypeMismatch
from fostr.kernel.files.store import FileMissing, FileStore, FileTooLarge
from fostr.kernel.http.errors import raises
from fostr.kernel.http.guards import Public
from fostr.kernel.http.routing import Router

router = Router(prefix="/files", tags=["Files"])

Expiry = Annotated[int, Query(description="When the address ends, in seconds since 1970.", examples=[1893456000])]
Signature = Annotated[str, Query(description="The server's signature of all the rest.")]
Name = Annotated[str | None, Query(max_length=1024, description="What the file is called.")]
MediaType = Annotated[str | None, Query(alias="type", max_length=256, description="The file's media type.")]

_CONTENT = {"*/*": {"schema": {"type": "string", "format": "binary"}}}
_UNCHANGED = {304: {"description": "The file is still the one that the caller has."}}
_ANSWERS = _UNCHANGED | {
    200: {"description": "The file.", "content": _CONTENT},
    206: {"description": "The range of the file that was asked for.", "content": _CONTENT},
}


class FileReceived(BaseModel):
    """A file that was uploaded."""

    key: str = Field(description="Where it is kept.")
    size: int = Field(description="Its bytes.")
    sha256: str = Field(description="Their SHA-256, in hexadecimal.")
    content_type: str = Field(description="What it is.")


async def read_store(context: Public) -> FileStore:
    """Return the process's file store, to anybody: what may be done with it, the signature says."""
    return context.runtime.files


Store = Annotated[FileStore, Depends(read_store)]


async def check_download(
    store: Store,
    key: str,
    exp: Expiry,
    sig: Signature,
    *,
    name: Name = None,
    media_type: MediaType = None,
    inline: Annotated[bool, Query(description="Whether a browser may show the file.")] = False,
) -> FileAddress:
    """Guard of downloads: this server signed the address, and it is not over."""
    address = FileAddress(method="GET", key=key, filename=name, content_type=media_type, inline=inline)
    store.check_address(address, expires_at=exp, signature=sig)
    return address


async def check_upload(
    store: Store,
    key: str,
    exp: Expiry,
    sig: Signature,
    max_bytes: Annotated[int, Query(alias="max", description="The most bytes that may be sent.")],
    *,
    name: Name = None,
    media_type: MediaType = None,
) -> FileAddress:
    """Guard of uploads: this server signed the address, and it is not over."""
    address = FileAddress(method="PUT", key=key, filename=name, content_type=media_type, max_bytes=max_bytes)
    store.check_address(address, expires_at=exp, signature=sig)
    return address


Download = Annotated[FileAddress, Depends(check_download)]
Upload = Annotated[FileAddress, Depends(check_upload)]


@router.get(
    "/pictures/{owner_id}/{picture_id}",
    status_code=302,
    response_class=RedirectResponse,
    responses={302: {"description": "Where the picture is for the next hour."}} | raises(FileMissing),
)
async def show(
    store: Store,
    owner_id: UUID,
    picture_id: Annotated[str, Path(max_length=40, description="The random part of its address.")],
    size: Annotated[Side, Query(description="The side of the square, in pixels.")] = Side.MIDDLE,
) -> RedirectResponse:
    """Show the picture of a person or a workspace.

    This is the address that stands in `avatar_url` and `logo_url`. It stays the same while the picture is there, and
    leads on to a signed address.
    """
    signed = await sign_picture(store, owner_id=owner_id, picture_id=picture_id, side=size)
    return RedirectResponse(signed, status_code=302, headers={"Cache-Control": "private, max-age=300"})


@router.get(
    "/signed/{key:path}",
    response_class=Response,
    responses=_ANSWERS | raises(InvalidFileKey, SignatureInvalid, SignatureExpired, FileMissing, RangeNotSatisfiable),
)
async def download(request: Request, store: Store, address: Download) -> Response:
    """Download a file by its signed address.

    Other operations hand out these addresses; they serve whoever holds them, signed in or not, until
    they end.
    One byte range may be asked for, and `If-None-Match` and `If-Range` are honoured.
    """
    return await _serve(request, store, address)


@router.head(
    "/signed/{key:path}",
    response_class=Response,
    responses=_UNCHANGED | raises(InvalidFileKey, SignatureInvalid, SignatureExpired, FileMissing),
)
async def probe(request: Request, store: Store, address: Download) -> Response:
    """Ask for a file's size, type and entity tag.

    The headers are those of the download by the same address.
    """
    return await _serve(request, store, address)


@router.put(
    "/signed/{key:path}",
    status_code=201,
    responses=raises(InvalidFileKey, SignatureInvalid, SignatureExpired, FileExists, FileTooLarge, FileTypeMismatch),
    openapi_extra={"requestBody": {"required": True, "content": _CONTENT}},
)
async def upload(request: Request, store: Store, address: Upload) -> FileReceived:
    """Upload a file to its signed address.

    The body is the file itself. It may have as many bytes as were agreed when the address was signed, has to
    be what its name says, and can be sent once.
    """
    stored = await receive_file(
        request,
        store,
        address.key,
        max_bytes=address.max_bytes or 0,
        filename=address.filename,
        content_type=address.content_type,
    )
    return FileReceived(key=stored.key, size=stored.size, sha256=stored.sha256, content_type=stored.content_type)


async def _serve(request: Request, store: FileStore, address: FileAddress) -> Response:
    return await serve_file(
        request,
        store,
        address.key,
        filename=address.filename,
        content_type=address.content_type,
        inline=address.inline,
    )
