"""An account comes into the hands of whoever got a mail at its address, by a link that is not its own."""

from uuid import UUID

from fostr.domains.identity.accounts import announcing
from fostr.domains.identity.accounts import repository as accounts
from fostr.domains.identity.accounts.events import ACTIVATED
from fostr.domains.identity.activation.rules import PURPOSE
from fostr.domains.identity.links.errors import LinkInvalid
from fostr.domains.identity.passwords.service import RESET_PURPOSE
from fostr.domains.identity.recovery.takeover import shut_out_others
from fostr.kernel.auth.links import void_links
from fostr.kernel.http.context import PublicContext


async def take_possession(context: PublicContext, *, user_id: UUID, password_hash: str, full_name: str = "") -> None:
    """Set the password of an account for somebody who has just shown by a mailed link that its address is theirs.

    Everybody else is put out of it, and its own links are void.

    Args:
        context: the request.
        user_id: the account.
        password_hash: of `hash_new_password`, made before the transaction began.
        full_name: what the person is called; empty: as before.

    Raises:
        LinkInvalid: the account is closed or gone.
    """
    person = await accounts.find_person(context.unit, user_id=user_id)
    if person is None:
        raise LinkInvalid
    if person.has_password:
        await shut_out_others(context, person=person, reason="activated")
    await accounts.verify_user(
        context.unit, user_id=user_id, password_hash=password_hash, full_name=full_name, now=context.now
    )
    for purpose in (PURPOSE, RESET_PURPOSE):
        await void_links(context.unit, purpose=purpose, user_id=user_id)
    await announcing.announce(
        context.unit, type=ACTIVATED, user_id=user_id, after={"email": person.email, "how": "activation"}
    )
