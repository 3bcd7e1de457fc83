"""What bodies of requests are made of: partial updates, and texts that mean the same everywhere."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final

import email_validator
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    HttpUrl,
    StringConstraints,
    TypeAdapter,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

# An installation inside a company may well use .local or .test; only the operator's mail server has to know them.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()

_WEB_ADDRESS: Final = TypeAdapter(HttpUrl)


class Partial(BaseModel):
    """A body of PATCH: what is left out stays as it is.

    Fields have defaults so that they can be left out; nobody reads those, and the API page does not show them.
    """

    model_config = ConfigDict(extra="forbid")

    def changes(self) -> dict[str, Any]:
        """Return what was sent."""
        return self.model_dump(exclude_unset=True)

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Describe the body without its defaults."""
        schema = handler(core_schema)
        described = handler.resolve_ref_schema(schema)
        for field in described.get("properties", {}).values():
            field.pop("default", None)
        return schema


def _normalise_email(value: str) -> str:
    try:
        return email_validator.validate_email(value, check_deliverability=False).normalized.lower()
    except email_validator.EmailNotValidError as error:
        raise ValueError(str(error)) from None


def _to_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        # The year 9999 in Honolulu is the year 10000 here, which nothing that comes after could hold.
        raise ValueError("the time lies outside of the years 1 to 9999, in UTC") from None


def _normalise_web_address(value: str) -> str:
    return str(_WEB_ADDRESS.validate_python(value))


Email = Annotated[
    str,
    Field(min_length=3, max_length=254, json_schema_extra={"format": "email"}),
    AfterValidator(_normalise_email),
]
"""An e-mail address, in lower case."""

WebAddress = Annotated[
    str, Field(max_length=2000, json_schema_extra={"format": "uri"}), AfterValidator(_normalise_web_address)
]
"""An address on the web, by http or https."""

Moment = Annotated[AwareDatetime, AfterValidator(_to_utc)]
"""A point in time, with its zone; in UTC from here on."""

Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
"""A short text that names something."""

Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
"""A short text, possibly empty."""

Prose = Annotated[str, StringConstraints(strip_whitespace=True, max_length=5000)]
"""A longer text, possibly empty."""
