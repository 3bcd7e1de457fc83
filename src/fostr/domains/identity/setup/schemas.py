"""What the first administrator gives."""

from pydantic import ConfigDict, Field

from fostr.domains.identity.accounts.schemas import SignUp


class Setup(SignUp):
    """The first administrator's account and workspace."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "token": "fos_set_1nUuv0Lq8WcYj5VtZ3eXk7mRb2sHd9aGp4fTyQiOwNzCxM0vEr",
                    "email": "ada@example.com",
                    "password": "Loom-and-Card-1843",
                    "full_name": "Ada Lovelace",
                    "company_name": "Analytical Engines",
                }
            ]
        }
    )

    token: str = Field(max_length=200, description="What stands behind `#token=` in the printed link.")
