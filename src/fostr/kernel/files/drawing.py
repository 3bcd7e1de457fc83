"""Decode a picture that cannot be trusted, and draw it anew in squares; by Pillow, in a thread of `images`."""

import io
from collections.abc import Callable
from typing import Final

from PIL import Image, ImageOps

from fostr.kernel.files.images import MAX_PIXELS, ImageRefused, ImageTooManyPixels, Shape, Side

FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF")
"""What is tried, by the first bytes. SVG is not among them and may never be: it is a program."""

_QUALITY: Final = 85


def draw(content: bytes, shape: Shape) -> dict[Side, bytes]:
    """Return a picture as WebP in each `Side`; it raises what `draw_squares` raises."""
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            _check_pixels(image)
            # A JPEG can be decoded at an eighth of its size, in a fraction of the time and memory.
            image.draft("RGB", (2 * Side.LARGE, 2 * Side.LARGE))
            square = _SHAPES[shape](_to_colours(ImageOps.exif_transpose(image)), Side.LARGE)
    except ImageTooManyPixels:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        # Pillow's own limits, which lie higher; the warning is raised where warnings are errors.
        raise ImageTooManyPixels(max_pixels=MAX_PIXELS) from None
    except Exception as error:
        # Whatever it is: hostile bytes make the decoders raise all that they can.
        raise ImageRefused from error
    return {side: _encode(square.resize((side, side), Image.Resampling.LANCZOS)) for side in Side}


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
