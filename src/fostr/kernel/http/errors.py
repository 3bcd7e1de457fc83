"""Refusals as classes: a status, a stable code, a sentence for people, and fields for programs."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

Responses: TypeAlias = dict[int | str, dict[str, Any]]


class ErrorBody(BaseModel):
    """What every refusal looks like."""

    model_config = ConfigDict(extra="allow")

    detail: str | list[dict[str, Any]] = Field(description="What went wrong; for bad input, one entry per fault.")
    code: str = Field(description="A stable word for programs.")
    request_id: str = Field(description="Names the request in the server's log.")


class FostrError(Exception):
    """A refusal that the caller can understand. Subclasses state status, code and sentence."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    detail: ClassVar[str] = "Something went wrong on the server."
    headers: Mapping[str, str] = MappingProxyType({})

    def __init__(self, detail: str | None = None, **fields: Any) -> None:
        """Refuse; `detail` replaces the class's sentence, `fields` go into the body beside it."""
        self.sentence = detail or self.detail
        self.fields = fields
        super().__init__(self.sentence)


class BadRequest(FostrError):
    """The request cannot be understood."""

    status = 400
    code = "bad_request"
    detail = "The request cannot be understood."


class MalformedBody(BadRequest):
    """The body is not what its content type says."""

    code = "malformed_body"
    detail = "The body cannot be read."


class WorkspaceRequired(BadRequest):
    """No workspace was named."""

    code = "workspace_required"
    detail = "Name a workspace in the X-Workspace-Id header."


class Unauthorized(FostrError):
    """No valid credential was given."""

    status = 401
    code = "unauthorized"
    detail = "Sign in, or send a valid credential."
    headers = MappingProxyType({"WWW-Authenticate": "Bearer"})


class TokenExpired(Unauthorized):
    """The access token was good, and is over."""

    code = "token_expired"
    detail = "The access token has expired; refresh it."


class Forbidden(FostrError):
    """The caller may not do this."""

    status = 403
    code = "forbidden"
    detail = "You may not do this."


class ScopeInsufficient(Forbidden):
    """The credential's scope is too small."""

    code = "pat_scope_insufficient"
    detail = "The credential's scope does not cover this operation."


class Impersonating(Forbidden):
    """Somebody else acts in the name of the person."""

    code = "impersonating"
    detail = "This is for the person alone, not for somebody who acts in their name."


class ModuleDisabled(Forbidden):
    """The workspace has switched the part of the product off."""

    code = "module_disabled"
    detail = "This part of the product is switched off in the workspace."


class CrossSiteRequest(Forbidden):
    """A browser sent a cookie along with a request that another site made."""

    code = "cross_site_request"
    detail = "The request came from another site."


class NotFound(FostrError):
    """There is no such thing, or the caller may not know of it."""

    status = 404
    code = "not_found"
    detail = "There is no such thing."


class Conflict(FostrError):
    """The state of things does not allow this."""

    status = 409
    code = "conflict"
    detail = "The present state does not allow this."


class StaleUpdate(Conflict):
    """Somebody else changed the thing first."""

    code = "stale_update"
    detail = "Somebody else changed this in the meantime."


class TooLarge(FostrError):
    """The body is larger than allowed."""

    status = 413
    code = "body_too_large"
    detail = "The body is larger than allowed."


class Unprocessable(FostrError):
    """The input is well formed and wrong."""

    status = 422
    code = "unprocessable"
    detail = "The input is wrong."


class InvalidInput(Unprocessable):
    """The input does not fit its schema."""

    code = "validation_failed"
    detail = "The input does not fit the schema."


class TooMany(FostrError):
    """A limit was reached."""

    status = 429
    code = "too_many_requests"
    detail = "Too many requests; try again later."


class Unavailable(FostrError):
    """Something that the operation needs is not there."""

    status = 503
    code = "unavailable"
    detail = "The service is not available."


class DatabaseUnavailable(Unavailable):
    """The database does not answer."""

    code = "database_unavailable"
    detail = "The database does not answer; try again shortly."
    headers = MappingProxyType({"Retry-After": "1"})


def raises(*errors: type[FostrError]) -> Responses:
    """Declare on an operation the refusals that it can answer with.

    Refusals with the same status share one entry, whose examples name each code.
    """
    responses: Responses = {}
    for error in errors:
        entry = responses.setdefault(error.status, _entry())
        entry["description"] = "; ".join(filter(None, [entry["description"], f"`{error.code}`: {error.detail}"]))
        examples = entry["content"]["application/json"]["examples"]
        examples[error.code] = {"value": {"detail": error.detail, "code": error.code, "request_id": EXAMPLE_REQUEST_ID}}
    return responses


def _entry() -> dict[str, Any]:
    return {"model": ErrorBody, "description": "", "content": {"application/json": {"examples": {}}}}


def merge_responses(left: Responses, right: Responses) -> Responses:
    """Join two declarations; where both have a status, their sentences and examples are put together."""
    merged = dict(left)
    for status, entry in right.items():
        if status not in merged or "content" not in entry or "content" not in merged[status]:
            merged[status] = entry
            continue
        mine, examples = merged[status], entry["content"].get("application/json", {}).get("examples", {})
        mine["content"]["application/json"]["examples"].update(examples)
        if entry["description"] not in mine["description"]:
            mine["description"] = f"{mine['description']}; {entry['description']}"
    return merged


EXAMPLE_REQUEST_ID = "0192f0c1a2b37c4d8e9f001122334455"
