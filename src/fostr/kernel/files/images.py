"""Pictures that people upload: bounded, judged by their content, and drawn anew without what else they carry.

What is stored was made here, pixel by pixel. Nothing of the upload itself is kept: no position of the camera, no colour
profile, no bytes behind the end that another program might run.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from typing import Annotated, Final, Literal, TypeAlias

from fastapi import File, UploadFile

from fostr.kernel.files.store import FileTooLarge
from fostr.kernel.http.errors import Unprocessable

MAX_IMAGE_BYTES: Final = 5 * 1024**2
MAX_PIXELS: Final = 25_000_000


class Side(IntEnum):
    """The sides of the squares that are made, in pixels."""

    SMALL = 64
    MIDDLE = 256
    LARGE = 512


Shape: TypeAlias = Literal["crop", "pad"]
"""How a picture becomes square: by its middle, or with clear margins."""


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A small picture of a picture, as WebP; `width` and `height` are those of the picture itself, in pixels."""

    content: bytes
    width: int
    height: int


# A picture of the most pixels takes about 100 MB while it is drawn. Two at a time are enough for what people upload.
_THREADS: Final = 2


class ImageRefused(Unprocessable):
    """The file is no picture of a kind that is taken, or is broken."""

    code = "image_refused"
    detail = "The file is no JPEG, PNG, WebP or GIF picture, or is broken."


class ImageTooManyPixels(Unprocessable):
    """The picture would take too much memory to draw."""

    code = "image_too_many_pixels"
    detail = f"The picture has more than {MAX_PIXELS // 1_000_000} million pixels."


IMAGE_REFUSALS: Final = (ImageRefused, ImageTooManyPixels, FileTooLarge)
"""How an uploaded picture may be refused, for the operations that take one."""

ImageUpload = Annotated[UploadFile, File(description="JPEG, PNG, WebP or GIF, up to 5 MB and 25 million pixels.")]


async def draw_upload(upload: UploadFile, *, shape: Shape) -> dict[Side, bytes]:
    """Draw an uploaded picture like `draw_squares`.

    Raises:
        FileTooLarge: it has more than `MAX_IMAGE_BYTES`.
    """
    if upload.size is not None and upload.size > MAX_IMAGE_BYTES:
        raise FileTooLarge(max_bytes=MAX_IMAGE_BYTES)
    content = await upload.read(MAX_IMAGE_BYTES + 1)
    if len(content) > MAX_IMAGE_BYTES:
        raise FileTooLarge(max_bytes=MAX_IMAGE_BYTES)
    return await draw_squares(content, shape=shape)


async def draw_squares(content: bytes, *, shape: Shape) -> dict[Side, bytes]:
    """Return a picture as WebP in each `Side`, upright, of an animation the first frame.

    Raises:
        ImageRefused: the content is no picture that is taken.
        ImageTooManyPixels: it is too large; that is known before it is decoded.
    """
    return await asyncio.get_running_loop().run_in_executor(_threads(), lambda: _draw(content, shape))


async def draw_thumbnail(content: bytes) -> Thumbnail:
    """Return a small picture of a picture, upright, its longer side `Side.LARGE` at most; of an animation the first.

    Raises:
        ImageRefused: the content is no picture that is taken.
        ImageTooManyPixels: it is too large; that is known before it is decoded.
    """
    return await asyncio.get_running_loop().run_in_executor(_threads(), lambda: _draw_thumbnail(content))


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="images")


def _draw(content: bytes, shape: Shape) -> dict[Side, bytes]:
    # Pillow takes time to load, and most processes never draw.
    from fostr.kernel.files.drawing import draw

    return draw(content, shape)


def _draw_thumbnail(content: bytes) -> Thumbnail:
    from fostr.kernel.files.drawing import draw_small

    return draw_small(content)
