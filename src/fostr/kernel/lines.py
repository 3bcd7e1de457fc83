"""Texts that people wrote, as one line: for titles, subjects, and messages that others compose around them."""

from __future__ import annotations

from typing import Final

# Of the signs that nobody sees, those that turn the order of what stands around them: behind a name that has one, our
# own words would read backwards. What languages need within a word, or an emoji, stays.
_TURNING: Final = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)))
_CONTROL: Final = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0)), " ")
_SEEN: Final = str.maketrans({**_TURNING, **_CONTROL})


def one_line(text: str, *, longest: int) -> str:
    """Return a text in one line, without signs that steer how it is shown, cut where it is too long."""
    line = " ".join(text.translate(_SEEN).split())
    return line if len(line) <= longest else f"{line[: longest - 1].rstrip()}…"
