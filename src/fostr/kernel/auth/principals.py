"""The caller as the rest of the program sees it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

CredentialKind: TypeAlias = Literal["session", "jwt", "pat", "api_key", "job"]
"""How a caller showed who they are; `job` is work that goes on after the request that asked for it."""
ScopeName: TypeAlias = Literal["read", "write", "admin"]


class Scope(IntEnum):
    """What a credential may be used for; each level includes the ones below."""

    READ = 1
    WRITE = 2
    ADMIN = 3

    @classmethod
    def parse(cls, name: str) -> Scope:
        """Return the scope that is called `name` in lower case."""
        return cls[name.upper()]

    @property
    def label(self) -> ScopeName:
        """The scope's name as it is written in the API."""
        return _LABELS[self]


_LABELS: Final[dict[Scope, ScopeName]] = {Scope.READ: "read", Scope.WRITE: "write", Scope.ADMIN: "admin"}


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is calling, and by which credential.

    Attributes:
        kind: how the caller showed who they are.
        user_id: the person behind the credential.
        credential_id: the session or the token.
        scope: the most that the credential allows; it never widens what the person may do.
        is_superuser: whether the person administers the installation.
        acting_as: the administrator who impersonates the person, when somebody does.
        authenticated_at: when the person behind a session last showed who they are; None for anything else.
    """

    kind: CredentialKind
    user_id: UUID
    credential_id: UUID
    scope: Scope
    is_superuser: bool
    acting_as: UUID | None
    email: str
    full_name: str
    authenticated_at: datetime | None = None
