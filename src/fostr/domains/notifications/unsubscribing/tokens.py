"""What stands in the links by which people end mail: who, what, and until when, signed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from fostr.kernel.crypto.signing import is_signed, sign

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fostr.kernel.crypto.keys import KeyRing
    from fostr.kernel.runtime import Runtime

EVERYTHING: Final = ("all",)
"""Stands for every type that is not critical; no type has this name."""
VALID_FOR: Final = timedelta(days=90)
POST_PATH: Final = "/api/v1/notifications/unsubscribe"
PAGE_PATH: Final = "/unsubscribe"

_PURPOSE: Final = "notification unsubscribe"
_PARTS: Final = 5


@dataclass(frozen=True, slots=True)
class Ending:
    """What somebody wants no more mail of.

    Attributes:
        workspace_id: from where.
        member_id: who they are there.
        types: names of types of notifications, or `EVERYTHING`.
        expires: the second since 1970 from which the link is over.
    """

    workspace_id: UUID
    member_id: UUID
    types: tuple[str, ...]
    expires: int


@dataclass(frozen=True, slots=True)
class EndingAddresses:
    """Where mail of some types is ended.

    Attributes:
        post: by one POST, as mail programs send it (RFC 8058).
        page: by a person, who looks first.
    """

    post: str
    page: str


def ending_addresses(
    runtime: Runtime, *, workspace_id: UUID, member_id: UUID, types: Sequence[str], now: datetime
) -> EndingAddresses:
    """Return where a member ends mail of some types, or of `EVERYTHING`."""
    # Cut to days, so that mails of one day have one link, and nothing tells when exactly each was written.
    end = (now + VALID_FOR).astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    token = _write(runtime.keys, Ending(workspace_id, member_id, tuple(types), int(end.timestamp())))
    public_url = runtime.settings.public_url
    return EndingAddresses(f"{public_url}{POST_PATH}?token={token}", f"{public_url}{PAGE_PATH}?token={token}")


def read_token(keys: KeyRing, token: str, *, now: datetime) -> Ending | None:
    """Return what a token says; None when it was not made here, was altered, or is over."""
    parts = token.split(".")
    if len(parts) != _PARTS:
        return None
    try:
        ending = Ending(UUID(parts[0]), UUID(parts[1]), tuple(parts[2].split("~")), int(parts[3]))
    except ValueError:
        return None
    if not is_signed(keys, _fields(ending), signature=parts[4], purpose=_PURPOSE):
        return None
    return ending if now.timestamp() < ending.expires else None


def _write(keys: KeyRing, ending: Ending) -> str:
    signature = sign(keys, _fields(ending), purpose=_PURPOSE)
    types = "~".join(ending.types)
    return f"{ending.workspace_id.hex}.{ending.member_id.hex}.{types}.{ending.expires}.{signature}"


def _fields(ending: Ending) -> dict[str, str | int | None]:
    return {
        "workspace": ending.workspace_id.hex,
        "member": ending.member_id.hex,
        "types": "~".join(ending.types),
        "expires": ending.expires,
    }
