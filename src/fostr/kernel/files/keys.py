"""Keys of files: `<workspace id>/<segment>/…`, in one spelling, that can lead nowhere else.

What belongs to an account, and so to no workspace, begins with the account's id instead; no two ids are alike.

A key holds no name that a person chose: those belong into the database, and into the address that is signed.
"""

import re
from typing import Final
from uuid import UUID

from fostr.kernel.http.errors import BadRequest

_LONGEST: Final = 512
# Neither dots at the ends nor two in a row, no sign that any file system or URL treats specially.
_SEGMENT: Final = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*", re.ASCII)
_LONGEST_SEGMENT: Final = 128


class InvalidFileKey(BadRequest):
    """The key of a file is not one that this server makes."""

    code = "invalid_file_key"
    detail = "This is not the key of a file."


def make_key(workspace: UUID, *segments: str) -> str:
    """Return the key of a file of this workspace, as `make_key(workspace, "imports", f"{new_id()}.csv")`."""
    key = "/".join((str(workspace), *segments))
    check_key(key, workspace=workspace)
    return key


def check_key(key: str, *, workspace: UUID | None = None) -> None:
    """Raise InvalidFileKey unless the key is well formed and, where one is given, of this workspace."""
    first, *rest = key.split("/")
    if len(key) > _LONGEST or not rest or not all(_is_segment(segment) for segment in rest):
        raise InvalidFileKey
    owner = _read_workspace(first)
    if workspace is not None and owner != workspace:
        raise InvalidFileKey


def get_workspace(key: str) -> UUID:
    """Return the workspace that a key belongs to; raise InvalidFileKey for anything else."""
    check_key(key)
    return _read_workspace(key.partition("/")[0])


def _is_segment(segment: str) -> bool:
    return len(segment) <= _LONGEST_SEGMENT and _SEGMENT.fullmatch(segment) is not None


def _read_workspace(segment: str) -> UUID:
    try:
        workspace = UUID(segment)
    except ValueError:
        raise InvalidFileKey from None
    # UUID() reads braces, "urn:uuid:" and capitals as well; a file has one spelling of its key.
    if str(workspace) != segment:
        raise InvalidFileKey
    return workspace
