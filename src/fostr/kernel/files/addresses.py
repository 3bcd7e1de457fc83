"""Signed addresses: whoever holds one may read or write one file for a while, and nothing else."""

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Final, Literal
from urllib.parse import urlencode

from fostr.kernel import clock
from fostr.kernel.crypto.keys import KeyRing
from fostr.kernel.crypto.signing import is_signed, sign
from fostr.kernel.files.keys import get_workspace
from fostr.kernel.http.errors import Forbidden

_PURPOSE: Final = "file address"


class SignatureInvalid(Forbidden):
    """The address was not made by this server, or was altered."""

    code = "signature_invalid"
    detail = "The address is not one that this server signed."


class SignatureExpired(Forbidden):
    """The address was good once."""

    code = "signature_expired"
    detail = "The address has expired; ask for a new one."


@dataclass(frozen=True, slots=True)
class FileAddress:
    """What an address allows. All of it is signed, so that none of it can be changed by whoever holds it."""

    method: Literal["GET", "PUT"]
    key: str
    filename: str | None = None
    content_type: str | None = None
    inline: bool = False
    max_bytes: int | None = None


def sign_address(ring: KeyRing, address: FileAddress, *, expires_in: timedelta) -> str:
    """Return the query string of an address, signed for as long as stated."""
    expires_at = int((clock.now() + expires_in).timestamp())
    query = {
        "exp": expires_at,
        "name": address.filename,
        "type": address.content_type,
        "inline": "1" if address.inline else None,
        "max": address.max_bytes,
        "sig": sign(ring, _fields(address, expires_at), purpose=_PURPOSE),
    }
    return urlencode({name: value for name, value in query.items() if value is not None})


def check_address(ring: KeyRing, address: FileAddress, *, expires_at: int, signature: str) -> None:
    """Raise SignatureInvalid unless this server signed exactly this, SignatureExpired when it is over."""
    if not is_signed(ring, _fields(address, expires_at), signature=signature, purpose=_PURPOSE):
        raise SignatureInvalid
    if clock.now().timestamp() >= expires_at:
        raise SignatureExpired


def _fields(address: FileAddress, expires_at: int) -> dict[str, str | int | None]:
    workspace = str(get_workspace(address.key))
    return {**asdict(address), "workspace": workspace, "expires_at": expires_at}
