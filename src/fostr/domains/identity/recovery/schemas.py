"""Recovery, as it is asked for."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from fostr.domains.identity.accounts.schemas import NewPassword
from fostr.kernel.http.bodies import Email


class PasswordResetRequest(BaseModel):
    """Whose password is forgotten."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"email": "ada@example.com"}]})

    email: Email


class PasswordReset(BaseModel):
    """A link, and the new password."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "token": "fos_lnk_1nUuv0Lq8WcYj5VtZ3eXk7mRb2sHd9aGp4fTyQiOwNzCxM0vEr",
                    "new_password": "Note-G-Bernoulli-7",
                }
            ]
        },
    )

    token: Annotated[str, Field(max_length=200, description="What stands behind `token=` in the mailed link.")]
    new_password: NewPassword
