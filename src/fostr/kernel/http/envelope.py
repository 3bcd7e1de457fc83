"""The envelope of the tenant and automation families: `success` beside `data` or `error`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Generic, Literal, TypeVar

from pydantic import BaseModel

if TYPE_CHECKING:
    from starlette.requests import Request

Data = TypeVar("Data")

ENVELOPED: Final = "fostr_enveloped"


class Success(BaseModel, Generic[Data]):
    """A good answer of an enveloped operation."""

    success: Literal[True]
    data: Data


class EnvelopedError(BaseModel):
    """What went wrong, inside the envelope."""

    code: str
    message: str


class Failure(BaseModel):
    """A refusal of an enveloped operation."""

    success: Literal[False]
    error: EnvelopedError


def succeed(data: Data) -> Success[Data]:
    """Put an answer into the envelope."""
    return Success(success=True, data=data)


def is_enveloped(request: Request) -> bool:
    """Say whether the operation that is being answered belongs to an enveloped family."""
    route = request.scope.get("route")
    return bool(getattr(getattr(route, "endpoint", None), ENVELOPED, False))


def enveloped(endpoint: Any) -> Any:
    """Mark an endpoint as one of an enveloped family, so that its refusals come in the envelope too."""
    setattr(endpoint, ENVELOPED, True)
    return endpoint


def enveloped_error(
    code: str,
    message: str | list[dict[str, Any]],
    *,
    request_id: str,
    fields: dict[str, Any],
) -> dict[str, Any]:
    """Return the body of an enveloped refusal; the code is in capitals, as that family writes it."""
    text = message if isinstance(message, str) else "; ".join(f"{f['loc'][-1]}: {f['msg']}" for f in message)
    return {
        "success": False,
        "error": {"code": code.upper(), "message": text, "request_id": request_id, **fields},
    }
