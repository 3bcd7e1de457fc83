"""What forms about the second factor hold."""

from pydantic import BaseModel

from fostr.domains.identity.accounts.schemas import GivenPassword


class PasswordGiven(BaseModel):
    """A password as proof."""

    password: GivenPassword
