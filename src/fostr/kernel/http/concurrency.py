"""Optimistic concurrency: a write may say which version it saw."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Header

from fostr.kernel.http.errors import BadRequest, StaleUpdate


class IfMatchInvalid(BadRequest):
    """The header is not a version."""

    code = "if_match_invalid"
    detail = 'If-Match takes a version, as in `If-Match: "3"`.'


async def read_if_match(
    if_match: Annotated[str | None, Header(description="The version that the caller saw, in quotes.")] = None,
) -> int | None:
    """Return the version of an `If-Match` header, or nothing when any version will do.

    Raises:
        IfMatchInvalid: the header holds something else.
    """
    if if_match is None or if_match.strip() == "*":
        return None
    text = if_match.strip().removeprefix("W/").strip('"')
    if not text.isdigit() or len(text) > 9:
        raise IfMatchInvalid
    return int(text)


ExpectedVersion = Annotated[int | None, Depends(read_if_match)]


def check_version(*, expected: int | None, current: int) -> None:
    """Refuse a write that was based on an older version.

    Raises:
        StaleUpdate: with both versions in the body.
    """
    if expected is not None and expected != current:
        raise StaleUpdate(expected_version=expected, current_version=current)
