"""How long a link is good for that is handed on, and how often links may be made."""

from datetime import timedelta
from typing import Final

from fostr.domains.workspaces.members.password_reset.errors import MemberResetThrottled
from fostr.kernel.limits.limit import Limit

HANDED_ON_FOR: Final = timedelta(hours=24)

PER_ACCOUNT: Final = Limit(MemberResetThrottled, per="account", most=10, window=timedelta(hours=1))
PER_MEMBER: Final = Limit(MemberResetThrottled, per="member", most=60, window=timedelta(hours=1))
