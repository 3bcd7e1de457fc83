"""Pictures drawn anew."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from fostr.kernel.files.images import MAX_PIXELS, ImageRefused, ImageTooManyPixels, Side, draw_squares
from tests.support.pictures import BLUE, RED, SVG, animation, bomb, is_near, photo, picture, save


async def draw(content: bytes, *, padded: bool = False) -> Image.Image:
    squares = await draw_squares(content, shape="pad" if padded else "crop")
    images = {side: Image.open(io.BytesIO(drawn)) for side, drawn in squares.items()}
    assert {side: image.size for side, image in images.items()} == {64: (64, 64), 256: (256, 256), 512: (512, 512)}
    assert {image.format for image in images.values()} == {"WEBP"}
    return images[Side.MIDDLE]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
async def test_four_kinds_are_taken(kind: str) -> None:
    drawn = await draw(picture(kind))
    assert is_near(drawn.getpixel((128, 128)), RED)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
async def test_pictures_without_colours_and_with_clear_parts_are_taken(mode: str) -> None:
    assert (await draw(save(Image.new(mode, (90, 90)), "PNG"))).size == (256, 256)
    assert is_near((await draw(save(Image.new("CMYK", (90, 90)), "JPEG"))).getpixel((9, 9)), (255, 255, 255))


async def test_a_photo_is_upright_and_tells_nothing_of_camera_and_place() -> None:
    taken = Image.open(io.BytesIO(photo()))
    assert taken.getexif().get_ifd(0x8825)[2] == (52.0, 31.0, 12.0)
    for squares in (await draw_squares(photo(), shape="crop"), await draw_squares(photo(), shape="pad")):
        for drawn in squares.values():
            image = Image.open(io.BytesIO(drawn))
            side = image.width
            assert is_near(image.getpixel((side // 2, side // 4)), RED)
            assert is_near(image.getpixel((side // 2, side * 3 // 4)), BLUE)
            assert not image.getexif()
            assert not {"exif", "xmp", "icc_profile", "comment"} & image.info.keys()
            assert b"Harbour" not in drawn
            assert b"EXIF" not in drawn


async def test_what_stands_behind_the_end_is_left_behind() -> None:
    polyglot = picture() + b"<script>alert(1)</script>PK\x03\x04"
    for drawn in (await draw_squares(polyglot, shape="crop")).values():
        assert b"script" not in drawn


async def test_of_an_animation_the_first_frame_is_shown() -> None:
    drawn = await draw(animation())
    assert is_near(drawn.getpixel((128, 128)), RED)
    assert getattr(drawn, "n_frames", 1) == 1


async def test_a_wide_picture_is_cropped_or_padded() -> None:
    wide = Image.new("RGB", (400, 100), BLUE)
    wide.paste(RED, (150, 0, 250, 100))
    content = save(wide, "PNG")
    cropped, padded = await draw(content), await draw(content, padded=True)
    assert is_near(cropped.getpixel((20, 20)), RED)
    assert padded.getpixel((128, 10))[3] == 0  # pyright: ignore[reportIndexIssue, reportOptionalSubscript]
    assert is_near(padded.getpixel((10, 128)), BLUE)


@pytest.mark.parametrize(
    ("width", "height"), [(30_000, 30_000), (100_000, 3_000), (5_001, 5_000), (2**31 - 1, 2**31 - 1)]
)
async def test_what_would_fill_the_memory_is_not_decoded(width: int, height: int) -> None:
    assert width * height > MAX_PIXELS
    assert len(bomb(width, height)) < 1000
    with pytest.raises(ImageTooManyPixels):
        await draw_squares(bomb(width, height), shape="crop")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a picture",
        SVG,
        b"<html></html>",
        b"%PDF-1.7",
        picture()[:60],
        picture("JPEG")[:400],
        picture("GIF")[:20],
        picture("WEBP")[:30],
        picture("BMP"),
        picture("TIFF"),
        picture("ICO", size=(32, 32)),
        bomb(100, 100)[:-30],
        b"GIF89a" + b"\xff" * 200,
        b"\xff\xd8\xff\xe0" + b"\0" * 200,
    ],
    ids=[
        *["nothing", "text", "svg", "html", "pdf", "cut png", "cut jpeg", "cut gif", "cut webp", "bmp", "tiff", "ico"],
        *["cut chunks", "bad gif", "bad jpeg"],
    ],
)
async def test_what_is_no_such_picture_or_broken_is_refused(content: bytes) -> None:
    with pytest.raises(ImageRefused):
        await draw_squares(content, shape="crop")
