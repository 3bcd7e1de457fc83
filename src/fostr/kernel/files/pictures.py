"""Pictures of people and workspaces: kept in three sizes, and shown by an address that stays the same.

The address goes into columns, feeds and other people's pages, so it must not end after an hour as signed ones do. It
holds 128 random bits instead, is given out by the operations that show the person or the workspace, and leads on to a
signed address. Taking the picture away, or replacing it, ends it.
"""

import asyncio
import re
import secrets
from datetime import timedelta
from typing import Final, Literal, TypeAlias
from uuid import UUID

from fostr.kernel.files.images import Side
from fostr.kernel.files.keys import make_key
from fostr.kernel.files.store import FileMissing, FileStore

PATH: Final = "/api/v1/files/pictures"
SHOWN_FOR: Final = timedelta(hours=1)
MEDIA_TYPE: Final = "image/webp"

Kind: TypeAlias = Literal["avatar", "logo"]

_ID: Final = re.compile(r"(avatar|logo)-[0-9a-f]{32}", re.ASCII)


async def put_picture(store: FileStore, squares: dict[Side, bytes], *, owner_id: UUID, kind: Kind) -> str:
    """Keep a picture, and return its id.

    Args:
        store: where it is kept.
        squares: what `draw_squares` made of an upload.
        owner_id: the workspace that it belongs to, or the account, which belongs to no workspace.
        kind: what it is a picture of.
    """
    picture_id = f"{kind}-{secrets.token_hex(16)}"
    for side, drawn in squares.items():
        await store.put(_key(owner_id, picture_id, side), drawn, content_type=MEDIA_TYPE)
    return picture_id


async def sign_picture(store: FileStore, *, owner_id: UUID, picture_id: str, side: Side = Side.MIDDLE) -> str:
    """Return an address that shows a picture for an hour.

    Raises:
        FileMissing: there is no such picture.
    """
    if not _ID.fullmatch(picture_id):
        raise FileMissing
    key = _key(owner_id, picture_id, side)
    if not await store.exists(key):
        raise FileMissing
    return await store.sign_download(key, expires_in=SHOWN_FOR, content_type=MEDIA_TYPE, inline=True)


async def delete_picture(store: FileStore, address: str | None, *, owner_id: UUID, kind: Kind) -> None:
    """Remove the picture behind an address, when it is of this owner and kind; any other address is let be.

    People may set these addresses to whatever they like. So only what can be nothing else than the thing's own former
    picture may be removed: one of another owner or kind is somebody's who still shows it.
    """
    picture_id = _read_address(address or "", owner_id=owner_id)
    if picture_id is not None and picture_id.startswith(f"{kind}-"):
        await asyncio.gather(*(store.delete(_key(owner_id, picture_id, side)) for side in Side))


def picture_address(public_url: str, *, owner_id: UUID, picture_id: str) -> str:
    """Return the address of a picture that stays the same for as long as it is there."""
    return f"{public_url}{PATH}/{owner_id}/{picture_id}"


def own_picture(public_url: str, address: str | None) -> str | None:
    """Return the path of a picture that is kept here, or nothing: our pages load none from elsewhere."""
    path = (address or "").removeprefix(public_url)
    return path if path.startswith(f"{PATH}/") else None


def _read_address(address: str, *, owner_id: UUID) -> str | None:
    # By its path alone: the server may have been known by another name when it was made.
    before, found, picture_id = address.partition(f"{PATH}/{owner_id}/")
    return picture_id if before and found and _ID.fullmatch(picture_id) else None


def _key(owner_id: UUID, picture_id: str, side: Side) -> str:
    return make_key(owner_id, "pictures", f"{picture_id}-{side:d}.webp")
