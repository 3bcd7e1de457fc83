"""Turn every failure into the documented body; nothing of the program's inside ever shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import asyncpg
import orjson
import structlog
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from fostr.kernel.http.envelope import enveloped_error, is_enveloped
from fostr.kernel.http.errors import (
    BadRequest,
    Conflict,
    DatabaseUnavailable,
    Forbidden,
    FostrError,
    InvalidInput,
    MalformedBody,
    NotFound,
    TooLarge,
    Unauthorized,
    Unprocessable,
)
from fostr.kernel.http.forms import FormRefused
from fostr.kernel.http.middleware import LOGGED_PATH
from fostr.kernel.http.pages import refuse_page, wants_page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastapi import FastAPI
    from starlette.requests import Request

log = structlog.get_logger(__name__)


class MethodNotAllowed(FostrError):
    """The path exists, the method does not."""

    status = 405
    code = "method_not_allowed"
    detail = "This path does not take that method."


class TextNotStorable(Unprocessable):
    """A text holds a character that PostgreSQL cannot keep."""

    code = "text_not_storable"
    detail = "A text holds a character that cannot be stored, such as NUL."


class OutOfRange(Unprocessable):
    """A number or a date is outside of what can be stored."""

    code = "value_out_of_range"
    detail = "A number or a date is outside of what can be stored."


class Contended(Conflict):
    """Two writes got in each other's way; the request may be sent again."""

    code = "contended"
    detail = "Another write got in the way; send the request again."


_HTTP_ERRORS: dict[int, type[FostrError]] = {
    400: MalformedBody,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    405: MethodNotAllowed,
    413: TooLarge,
}

_DATABASE_ERRORS: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], type[FostrError]], ...] = (
    (
        (asyncpg.UntranslatableCharacterError, asyncpg.CharacterNotInRepertoireError),
        TextNotStorable,
    ),
    (
        (asyncpg.NumericValueOutOfRangeError, asyncpg.DatetimeFieldOverflowError),
        OutOfRange,
    ),
    ((asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.LockNotAvailableError), Contended),
    (
        (
            asyncpg.PostgresConnectionError,
            asyncpg.CannotConnectNowError,
            asyncpg.AdminShutdownError,
            asyncpg.CrashShutdownError,
            asyncpg.TooManyConnectionsError,
            asyncpg.QueryCanceledError,
            asyncpg.InterfaceError,
            asyncpg.InternalClientError,
            ConnectionError,
            TimeoutError,
        ),
        DatabaseUnavailable,
    ),
)


def install_handlers(app: FastAPI) -> None:
    """Register the handlers; the last one catches whatever the program did not foresee."""
    app.add_exception_handler(FostrError, _refused)
    app.add_exception_handler(FormRefused, _shown_again)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    for kinds, error in _DATABASE_ERRORS:
        for kind in kinds if isinstance(kinds, tuple) else (kinds,):
            app.add_exception_handler(kind, _database(error))  # pyright: ignore[reportArgumentType]
    app.add_exception_handler(Exception, _unforeseen)


def render(request: Request, error: FostrError, *, detail: str | list[dict[str, Any]] | None = None) -> Response:
    """Return the answer for a refusal: a page for people, else JSON, in the envelope of its family if it has one."""
    if wants_page(request):
        return refuse_page(request, error)
    sentence = detail if detail is not None else error.sentence
    request_id = request.scope.get("fostr.request_id", "")
    if is_enveloped(request):
        body = enveloped_error(error.code, sentence, request_id=request_id, fields=error.fields)
    else:
        body = {"detail": sentence, "code": error.code, "request_id": request_id, **error.fields}
    content = orjson.dumps(body, default=str, option=orjson.OPT_NON_STR_KEYS)
    return Response(content, status_code=error.status, media_type="application/json", headers=dict(error.headers))


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, FostrError)  # noqa: S101 - registered for this class
    return render(request, error)


async def _shown_again(request: Request, error: Exception) -> Response:
    del request
    assert isinstance(error, FormRefused)  # noqa: S101
    return error.response


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    faults: Sequence[Any] = error.errors()
    shown = [{"loc": list(f["loc"]), "msg": f["msg"], "type": f["type"]} for f in faults]
    return render(request, InvalidInput(), detail=shown)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    kind = _HTTP_ERRORS.get(error.status_code, BadRequest)
    response = render(request, kind())
    response.status_code = error.status_code
    response.headers.update(dict(error.headers or {}))
    return response


def _database(kind: type[FostrError]) -> Any:
    async def handle(request: Request, error: Exception) -> Response:
        log.warning(
            "database_refused",
            code=kind.code,
            error=type(error).__name__,
            exc_info=kind is DatabaseUnavailable,
        )
        return render(request, kind())

    return handle


async def _unforeseen(request: Request, error: Exception) -> Response:
    log.error("unforeseen_failure", path=request.scope.get(LOGGED_PATH, request.url.path), exc_info=error)
    return render(request, FostrError())
