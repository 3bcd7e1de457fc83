"""How operations on invitations are refused."""

from fostr.kernel.http.errors import Conflict, NotFound, Unprocessable
from fostr.kernel.limits.limit import LimitReached


class InvitationNotFound(NotFound):
    """There is no such invitation: never made, over, replaced by a newer one, withdrawn or accepted."""

    code = "invitation_not_found"
    detail = "There is no such invitation, or it is not valid any more. Ask for a new one."


class InvitationUsed(Conflict):
    """The invitation, or the account, was changed while this was being done."""

    code = "invitation_used"
    detail = "The invitation was accepted, or replaced, at the same moment."


class AlreadyInvited(Conflict):
    """The person has an invitation that they have not accepted yet; `member_id` says who they are."""

    code = "already_invited"
    detail = "This person is invited already; send the invitation again, or withdraw it first."


class AccountClosed(Conflict):
    """The account of that address is closed."""

    code = "account_closed"
    detail = "The account of this address is closed."


class ActivationRequired(Conflict):
    """The link was handed on by somebody, which does not show that the address is the person's."""

    code = "activation_required"
    detail = "Confirm your address by the link of an activation mail first; then accept the invitation."


class MessageHasAddress(Unprocessable):
    """A message to somebody who may not know the sender has an address of the web in it."""

    code = "message_has_address"
    detail = "A message cannot hold an address of the web: it is mailed to people who do not know this server."


class InvitationThrottled(LimitReached):
    """Too many invitations were sent."""

    code = "invitation_throttled"
    detail = "Too many invitations were sent; try again later."
