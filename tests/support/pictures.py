"""Real pictures, made by Pillow, for tests of what people upload."""

from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING, Any, Final

from PIL import Image

if TYPE_CHECKING:
    from tests.support.client import Client, Response

RED: Final = (200, 30, 30)
BLUE: Final = (30, 30, 200)
SVG: Final = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def picture(
    kind: str = "PNG", *, size: tuple[int, int] = (300, 200), colour: Any = RED, mode: str = "RGB", **options: Any
) -> bytes:
    """Return a picture of one colour."""
    return save(Image.new(mode, size, colour), kind, **options)


def save(image: Image.Image, kind: str, **options: Any) -> bytes:
    """Return an image as a file."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def photo() -> bytes:
    """Return a JPEG as phones make it: lying on its side, with the place where it was taken.

    Upright, its upper half is red and its lower half blue.
    """
    upright = Image.new("RGB", (200, 200), RED)
    upright.paste(BLUE, (0, 100, 200, 200))
    exif = Image.Exif()
    exif[0x0112] = 6  # To be shown turned a quarter to the right.
    exif[0x010F] = "Harbour Cameras"
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 36.0)})
    return save(upright.transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif, quality=95, comment=b"at home")


def animation() -> bytes:
    """Return a GIF whose first frame is red and whose second is blue."""
    frames = [Image.new("RGB", (100, 100), colour) for colour in (RED, BLUE)]
    return save(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=100)


def bomb(width: int = 30_000, height: int = 30_000) -> bytes:
    """Return a PNG of a few hundred bytes that claims to be huge."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 10_000)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


async def upload(client: Client, path: str, content: bytes, *, name: str = "me.png") -> Response:
    """Send a picture."""
    return await client.post(path, files={"file": (name, content, "image/png")})


async def see(client: Client, address: str, *, size: int | None = None) -> Image.Image:
    """Return the picture behind an address, as somebody who is not signed in sees it."""
    path = address.removeprefix("http://fostr.test") + (f"?size={size}" if size else "")
    led = await client.anonymous().get(path)
    assert led.status_code == 302, led.text
    shown = await client.anonymous().get(led.headers["location"].removeprefix("http://fostr.test"))
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/webp")
    assert shown.headers["content-disposition"] == "inline"
    return Image.open(io.BytesIO(shown.content))


def is_near(seen: Any, wanted: tuple[int, int, int]) -> bool:
    """Say whether a colour survived being compressed."""
    return all(abs(a - b) < 25 for a, b in zip(seen[:3], wanted, strict=True))
