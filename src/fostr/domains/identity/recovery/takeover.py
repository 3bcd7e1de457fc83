"""Put everybody else out of an account whose person has just proved that its address is theirs."""

from fostr.domains.identity.accounts.repository import Person
from fostr.domains.identity.recovery import repository
from fostr.domains.identity.sessions.entering import end_all_sessions
from fostr.kernel.http.context import PublicContext


async def shut_out_others(context: PublicContext, *, person: Person, reason: str) -> None:
    """End every session; and what else opens the account, if nobody had proved the address before.

    Somebody may have signed up with another's address and waited for its owner to come: then the tokens and passkeys
    of the account are not the owner's.
    """
    await end_all_sessions(context.unit, user_id=person.id, reason=reason, now=context.now)
    if not person.is_verified:
        await repository.revoke_tokens(context.unit, user_id=person.id, now=context.now)
        await repository.delete_passkeys(context.unit, user_id=person.id)
