"""What can go wrong with an address that a user gave.

None of them tells a private address that is open from one that is closed, or a name that leads into a private
network from one that does not exist: nothing inside can be mapped from outside.
"""

from fostr.kernel.http.errors import FostrError, Unprocessable


class AddressRefused(Unprocessable):
    """The address does not lead to the public internet, by all that it resolves to, or is no web address."""

    code = "address_not_allowed"
    detail = "The address has to be an http or https address whose host is on the public internet."


class RedirectRefused(Unprocessable):
    """The other server sent us on to where we do not follow."""

    code = "redirect_not_allowed"
    detail = "The address redirects to somewhere else."


class HeaderRefused(Unprocessable):
    """A header that decides how a request is framed or routed, or that is not plain text, cannot be set."""

    code = "header_not_allowed"
    detail = "This header cannot be set, or not to this value."


class OutboundFailed(FostrError):
    """The other server could not be reached, or what it answered is not HTTP."""

    status = 502
    code = "outbound_failed"
    detail = "The other server could not be reached, or gave no proper answer."


class OutboundTimeout(FostrError):
    """The other server took too long."""

    status = 504
    code = "outbound_timeout"
    detail = "The other server took too long to answer."


class ResponseTooLarge(FostrError):
    """The other server answered with more than we take."""

    status = 502
    code = "response_too_large"
    detail = "The other server's answer is too large."
