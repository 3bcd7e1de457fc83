"""What a request knows, and what every service takes first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from fostr.kernel.access.access import Access
    from fostr.kernel.auth.principals import Principal
    from fostr.kernel.db.unit import Unit
    from fostr.kernel.runtime import Runtime
    from fostr.settings import Settings


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """Where a request came from.

    Attributes:
        request_id: names the request in the log and in refusals.
        address: the client's address, or an empty string.
        user_agent: what the client calls itself, cut to 300 characters.
    """

    request_id: str
    address: str
    user_agent: str


@dataclass(frozen=True, slots=True)
class PublicContext:
    """A request by somebody who need not have signed in."""

    unit: Unit
    runtime: Runtime
    facts: RequestFacts
    now: datetime

    @property
    def settings(self) -> Settings:
        """The operator's choices."""
        return self.runtime.settings


@dataclass(frozen=True, slots=True)
class AccountContext(PublicContext):
    """A request by somebody who is signed in, outside of any workspace."""

    principal: Principal


@dataclass(frozen=True, slots=True)
class Context(AccountContext):
    """A request by a member of a workspace; the unit of work is bound to it."""

    access: Access

    @property
    def workspace_id(self) -> UUID:
        """The workspace in which everything happens."""
        return self.access.workspace_id

    @property
    def member_id(self) -> UUID:
        """The caller as a member of the workspace."""
        return self.access.member_id

    def open_unit(self) -> Unit:
        """Return a unit of work of its own in the same workspace, for a response that streams."""
        return self.runtime.database.unit(self.workspace_id)
