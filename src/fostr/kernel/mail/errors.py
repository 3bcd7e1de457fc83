"""How operations on mail are refused, and how sending fails."""

from fostr.kernel.http.errors import Conflict, NotFound, Unavailable, Unprocessable


class MailNotFound(NotFound):
    """There is no such mail."""

    code = "mail_not_found"
    detail = "There is no such mail."


class MailNotSendable(Conflict):
    """It is sent, or under way, or its text is deleted."""

    code = "mail_not_sendable"
    detail = "This mail was sent, is being sent, or its text is deleted already."


class MailNotConfigured(Unavailable):
    """The operator has set no mail server."""

    code = "mail_not_configured"
    detail = "No mail server is set (FOSTR_SMTP_URL), so mail is kept here and not sent."


class MailDeferred(Unavailable):
    """The mail server did not take it now, and may later."""

    code = "mail_deferred"
    detail = "The mail server did not take the mail; it will be tried again."


class MailRefused(Unprocessable):
    """The mail server will not take it, now or later."""

    code = "mail_refused"
    detail = "The mail server refused the mail."
