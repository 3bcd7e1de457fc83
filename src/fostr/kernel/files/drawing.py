"""Decode a picture that cannot be trusted, and draw it anew in squares; by Pillow, in a thread of `images`."""

import io
from collections.abc import Callable
from typing import Final, TypeVar

from PIL import Image, ImageOps

from fostr.kernel.files.images import MAX_PIXELS, ImageRefused, ImageTooManyPixels, Shape, Side, Thumbnail

FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF")
"""What is tried, by the first bytes. SVG is not among them and may never be: it is a program."""

_QUALITY: Final = 85
_ORIENTATION: Final = 0x0112
_TURNED: Final = frozenset({5, 6, 7, 8})
"""Orientations (EXIF 2.3, tag 0x0112) that lie on their side."""


_Drawn = TypeVar("_Drawn")


def draw(content: bytes, shape: Shape) -> dict[Side, bytes]:
    """Return a picture as WebP in each `Side`; it raises what `draw_squares` raises."""
    square = _decode(content, lambda image: _square(image, shape))
    return {side: _encode(square.resize((side, side), Image.Resampling.LANCZOS)) for side in Side}


def _square(image: Image.Image, shape: Shape) -> Image.Image:
    # A JPEG can be decoded at an eighth of its size, in a fraction of the time and memory.
    image.draft("RGB", (2 * Side.LARGE, 2 * Side.LARGE))
    return _SHAPES[shape](_to_colours(ImageOps.exif_transpose(image)), Side.LARGE)


def draw_small(content: bytes) -> Thumbnail:
    """Return a small picture of a picture; it raises what `draw_thumbnail` raises."""
    return _decode(content, _shrink)


def _decode(content: bytes, draw_it: Callable[[Image.Image], _Drawn]) -> _Drawn:
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            _check_pixels(image)
            return draw_it(image)
    except ImageTooManyPixels:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        # Pillow's own limits, which lie higher; the warning is raised where warnings are errors.
        raise ImageTooManyPixels(max_pixels=MAX_PIXELS) from None
    except Exception as error:
        # Whatever it is: hostile bytes make the decoders raise all that they can.
        raise ImageRefused from error


def _shrink(image: Image.Image) -> Thumbnail:
    stated = image.size
    # A JPEG can be decoded at an eighth of its size, in a fraction of the time and memory.
    image.draft("RGB", (2 * Side.LARGE, 2 * Side.LARGE))
    is_turned = image.getexif().get(_ORIENTATION, 1) in _TURNED
    upright = _to_colours(ImageOps.exif_transpose(image))
    upright.thumbnail((Side.LARGE, Side.LARGE), Image.Resampling.LANCZOS)
    width, height = reversed(stated) if is_turned else stated
    return Thumbnail(content=_encode(upright), width=width, height=height)


def _check_pixels(image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise ImageTooManyPixels(max_pixels=MAX_PIXELS)


def _to_colours(image: Image.Image) -> Image.Image:
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _crop(image: Image.Image, side: int) -> Image.Image:
    return ImageOps.fit(image, (side, side), Image.Resampling.LANCZOS)


def _pad(image: Image.Image, side: int) -> Image.Image:
    return ImageOps.pad(image.convert("RGBA"), (side, side), Image.Resampling.LANCZOS, color=(0, 0, 0, 0))


_SHAPES: Final[dict[Shape, Callable[[Image.Image, int], Image.Image]]] = {"crop": _crop, "pad": _pad}


def _encode(image: Image.Image) -> bytes:
    drawn = io.BytesIO()
    image.save(drawn, "WEBP", quality=_QUALITY)
    return drawn.getvalue()
