"""How long acting in somebody's name goes."""

from datetime import timedelta
from typing import Final, Literal, TypeAlias

from fostr.domains.identity.impersonation.errors import ImpersonationThrottled
from fostr.kernel.limits.limit import Limit

PURPOSE: Final = "impersonation"
EXCHANGED_WITHIN: Final = timedelta(minutes=15)
LASTS: Final = timedelta(minutes=60)
"""The whole of it: refreshing tokens does not make it longer."""

ASKED: Final = Limit(ImpersonationThrottled, per="account", most=30, window=timedelta(hours=1))

EndedReason: TypeAlias = Literal["signed_out", "ended_by_workspace", "session_ended", "expired"]
