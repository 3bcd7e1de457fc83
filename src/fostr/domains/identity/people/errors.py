"""How operations on other people's accounts are refused."""

from fostr.kernel.http.errors import Forbidden


class AccountShared(Forbidden):
    """The account is used in other workspaces too, whose people did not ask for the change."""

    code = "account_shared"
    detail = "This person is in other workspaces too; what their account shows is theirs to change."


class EmailPersonal(Forbidden):
    """The person uses the account already."""

    code = "email_personal"
    detail = "This person has used the account already; its e-mail address is theirs to change."


class AccountOfSuperuser(Forbidden):
    """The person administers the server."""

    code = "account_of_superuser"
    detail = "This person administers the server; only somebody who does so too changes their account."
