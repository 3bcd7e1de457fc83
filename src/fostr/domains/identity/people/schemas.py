"""People by their id, as they are asked for; they are answered as profiles."""

from pydantic import ConfigDict, Field

from fostr.domains.identity.accounts.schemas import UserUpdate
from fostr.kernel.http.bodies import Email


class PersonUpdate(UserUpdate):
    """What changes about a person: their account, and their role in the workspace."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"full_name": "Ada King", "title": "Countess of Lovelace", "role": "member"}]}
    )

    email: Email = Field(default="", description="Another address; it counts as not verified until it is.")
    role: str = Field(default="", min_length=1, max_length=60, description="Their role in this workspace.")
