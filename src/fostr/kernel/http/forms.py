"""Forms of our own pages: who may send them, what they hold, and how they are shown again when they are refused.

Another site can have a browser send a form to us. It cannot read a page of ours, so every form carries a token from the
page that it stood on, signed, and bound to what the browser keeps: the session of who is signed in, or else a cookie of
its own. That holds for signing in as well, or somebody could be signed in to an account that is not theirs.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import urlsplit

from fastapi import Depends, Request, Response
from pydantic import BaseModel, ValidationError
from starlette.datastructures import UploadFile
from starlette.responses import HTMLResponse

from fostr.kernel.auth.principals import Principal
from fostr.kernel.crypto.signing import is_signed, sign
from fostr.kernel.http.context import PublicContext
from fostr.kernel.http.cookies import cookie_name
from fostr.kernel.http.errors import (
    CrossSiteRequest,
    Forbidden,
    FostrError,
    MalformedBody,
    Responses,
    TooLarge,
    Unauthorized,
    Unprocessable,
    raises,
)
from fostr.kernel.http.guards import Public, SignedIn, check_same_site, identify
from fostr.kernel.http.pages import PLAIN, render_page

Data = TypeVar("Data", bound=BaseModel)

HOME: Final = "/workspace-selector"
"""Where people go who are signed in and wanted nothing else."""
TOKEN: Final = "form_token"  # noqa: S105 - the name of a field
PURPOSE: Final = "form token"
COOKIE: Final = "fostr_form"
MOST_FILE_BYTES: Final = 8 * 1024**2
"""Pages take pictures, which are smaller; an operation says so when it is given more."""

FORMS: Final = {**PLAIN, "form-action": "'self'"}
"""What a page with a form may load and send."""
SCRIPTED: Final = {**FORMS, "script-src": "'self'", "connect-src": "'self'"}
"""The same for a page that speaks to a device by a script of ours."""

LEADS_ON: Final[Responses] = {303: {"description": "Leads to another page: to sign in, or to where this goes on."}}

_NEVER_SHOWN: Final = re.compile(r"password|code|token")
"""Names of fields whose values do not go back into a page; a link's token does, by the page's own doing."""
_OWN_PATH: Final = re.compile(r"/(?![/\\])[^\\\s\x00-\x1f\x7f]*")


class FormNotOurs(Forbidden):
    """The form did not come from a page that this server gave to this browser."""

    code = "form_token_invalid"
    detail = "This form could not be checked. Open the page again, with cookies allowed, and send it once more."


class FormRefused(Exception):
    """Ends a request whose form is shown again: nothing of what it did is kept."""

    def __init__(self, response: Response) -> None:
        """Carry the page."""
        self.response = response
        super().__init__()


FORM_REFUSALS: Final = (MalformedBody, TooLarge, FormNotOurs, CrossSiteRequest)


@dataclass(frozen=True, slots=True)
class Visit:
    """A browser at a page of ours.

    Attributes:
        person: who is signed in, if anybody is.
        is_own: whether the page is for people who are signed in, and the token is bound to their session.
        token: what forms on the page send back.
        cookie: what the token is bound to, when the browser has to be given it yet.
        is_secure: whether this server is reached by https.
    """

    person: Principal | None
    is_own: bool
    token: str = field(repr=False)
    cookie: str | None = field(repr=False)
    is_secure: bool


@dataclass(frozen=True, slots=True)
class Form:
    """A form that came from a page of ours.

    Attributes:
        visit: the browser, for showing the page again.
        values: what its fields hold.
        files: what was chosen in its fields for files, cut off after `MOST_FILE_BYTES`.
    """

    visit: Visit
    values: Mapping[str, str] = field(repr=False)
    files: Mapping[str, bytes] = field(repr=False)

    def read(self, schema: type[Data], *, kept: tuple[str, ...] = ()) -> Data:
        """Return what a form holds, as an operation takes it; what was left empty counts as left out.

        Args:
            schema: what the operation takes.
            kept: fields that mean something when they are empty.

        Raises:
            ValidationError: something is missing or wrong; `FormPage.refusals` shows it beside its field.
        """
        given = {name: self.values[name] for name in schema.model_fields if name in self.values}
        return schema.model_validate({name: value for name, value in given.items() if value or name in kept})


@dataclass(frozen=True, slots=True)
class FormPage:
    """A page with a form.

    Attributes:
        template: a file of the console's pages.
        here: the address that the form is sent to.
        places: beside which field a refusal stands, by its code; any other stands above the form.
        policy: what the page may load and send.
    """

    template: str
    here: str
    places: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    policy: Mapping[str, str] = field(default_factory=lambda: MappingProxyType(FORMS))

    def show(
        self,
        visit: Visit,
        *,
        status: int = 200,
        values: Mapping[str, str] = MappingProxyType({}),
        faults: Mapping[str, str] = MappingProxyType({}),
        **facts: Any,
    ) -> HTMLResponse:
        """Return the page, filled in with `values`, and with what is wrong about them."""
        response = render_page(
            self.template,
            policy=self.policy,
            here=self.here,
            form_token=visit.token,
            visit=visit,
            values=values,
            faults=faults,
            **facts,
        )
        response.status_code = status
        # Addresses of these pages may hold a link's token. Other sites get no referrer; ours have to tell their origin.
        response.headers["Referrer-Policy"] = "same-origin"
        _give_cookie(response, visit)
        return response

    @contextmanager
    def refusals(self, form: Form, **facts: Any) -> Generator[None]:
        """Show the form again when what is done with it is refused; passwords have to be typed again."""
        try:
            yield
        except ValidationError as error:
            refused, faults = Unprocessable(), _explain(error)
        except FostrError as error:
            refused, faults = error, {self.places.get(error.code, ""): error.sentence}
        else:
            return
        values = {name: value for name, value in form.values.items() if not _NEVER_SHOWN.search(name)}
        response = self.show(form.visit, status=refused.status, values=values, faults=faults, **facts)
        response.headers.update(refused.headers)
        raise FormRefused(response)


def _explain(error: ValidationError) -> dict[str, str]:
    faults: dict[str, str] = {}
    for fault in error.errors(include_url=False, include_input=False):
        name = str(fault["loc"][0]) if fault["loc"] else ""
        faults.setdefault(name, _sentence(fault["type"], fault["msg"], dict(fault.get("ctx") or {})))
    return faults


def _sentence(kind: str, message: str, limits: dict[str, Any]) -> str:
    if kind in {"missing", "string_too_short"}:
        least = limits.get("min_length", 1)
        return "Fill this in." if least <= 1 else f"This takes at least {least} characters."
    if kind in {"string_too_long", "too_long"}:
        return f"This takes at most {limits['max_length']} characters."
    return message.removeprefix("Value error, ")


async def begin_visit(request: Request, context: Public) -> Visit:
    """Guard of pages that anybody may see; forms on them are bound to a cookie."""
    kept = _read_cookie(request, context)
    cookie = kept or secrets.token_urlsafe(24)
    return Visit(
        person=await find_person(request, context),
        is_own=False,
        token=_make_token(context, f"cookie {cookie}"),
        cookie=None if kept else cookie,
        is_secure=_is_secure(context),
    )


async def begin_own_visit(context: SignedIn) -> Visit:
    """Guard of pages for people who are signed in; forms on them are bound to their session."""
    return Visit(
        person=context.principal,
        is_own=True,
        token=_make_token(context, f"session {context.principal.credential_id}"),
        cookie=None,
        is_secure=_is_secure(context),
    )


async def find_person(request: Request, context: PublicContext) -> Principal | None:
    """Return who is signed in at a page that does not ask for it."""
    try:
        return (await identify(request, context.unit, wanted=None)).principal
    except Unauthorized:
        return None


async def read_form(request: Request, context: Public, visit: Annotated[Visit, Depends(begin_visit)]) -> Form:
    """Guard of forms that anybody may send.

    Raises:
        CrossSiteRequest: another site had it sent.
        FormNotOurs: it has not the token of a page that was shown to this browser.
    """
    await check_same_site(request)
    cookie = _read_cookie(request, context)
    return await _read(request, context, visit, subject=f"cookie {cookie}" if cookie else None)


async def read_own_form(request: Request, context: SignedIn, visit: Annotated[Visit, Depends(begin_own_visit)]) -> Form:
    """Guard of forms of people who are signed in; it refuses like `read_form`."""
    await check_same_site(request)
    return await _read(request, context, visit, subject=f"session {context.principal.credential_id}")


async def _read(request: Request, context: PublicContext, visit: Visit, *, subject: str | None) -> Form:
    async with request.form(max_fields=50, max_files=2) as given:
        values = {name: value for name, value in given.items() if isinstance(value, str)}
        uploads = {name: value for name, value in given.items() if isinstance(value, UploadFile)}
        # A browser sends a file without a name for a field that was left empty.
        files = {name: await value.read(MOST_FILE_BYTES + 1) for name, value in uploads.items() if value.filename}
    if subject is None or not _is_ours(context, values.pop(TOKEN, ""), subject):
        raise FormNotOurs
    return Form(visit=visit, values=values, files=files)


def _make_token(context: PublicContext, subject: str) -> str:
    # Another one for each page, so that nothing can be learnt by comparing pages.
    nonce = secrets.token_urlsafe(12)
    return f"{nonce}.{sign(context.runtime.keys, {'nonce': nonce, 'subject': subject}, purpose=PURPOSE)}"


def _is_ours(context: PublicContext, token: str, subject: str) -> bool:
    nonce, _, signature = token.partition(".")
    fields = {"nonce": nonce, "subject": subject}
    return is_signed(context.runtime.keys, fields, signature=signature, purpose=PURPOSE)


def _is_secure(context: PublicContext) -> bool:
    return context.settings.public_url.startswith("https:")


def _read_cookie(request: Request, context: PublicContext) -> str | None:
    return request.cookies.get(cookie_name(COOKIE, is_secure=_is_secure(context)))


def _give_cookie(response: Response, visit: Visit) -> None:
    if visit.cookie is not None:
        response.set_cookie(
            cookie_name(COOKIE, is_secure=visit.is_secure),
            visit.cookie,
            path="/",
            secure=visit.is_secure,
            httponly=True,
            samesite="lax",
        )


def own_path(given: str | None) -> str:
    """Return where to go on: a path on this server, or home in place of anything else."""
    if given is None or len(given) > 1000 or not _OWN_PATH.fullmatch(given):
        return HOME
    parts = urlsplit(given)
    return HOME if parts.scheme or parts.netloc else given


def describe_form(*required: str, optional: tuple[str, ...] = (), file: str | None = None) -> dict[str, Any]:
    """Return the OpenAPI description of a form's body."""
    names = (TOKEN, *required, *optional)
    properties: dict[str, Any] = {name: {"type": "string"} for name in names}
    if file is not None:
        properties[file] = {"type": "string", "format": "binary"}
    media = "multipart/form-data" if file is not None else "application/x-www-form-urlencoded"
    schema = {"type": "object", "properties": properties, "required": [TOKEN, *required, *([file] if file else [])]}
    return {"requestBody": {"required": True, "content": {media: {"schema": schema}}}}


def describe_refusals(*errors: type[FostrError]) -> Responses:
    """Declare the refusals of an operation that takes a form."""
    return raises(*FORM_REFUSALS, Unprocessable, *errors)


Visitor = Annotated[Visit, Depends(begin_visit)]
"""Anybody with a browser."""

OwnVisit = Annotated[Visit, Depends(begin_own_visit)]
"""Somebody who is signed in, with a browser."""

VisitorForm = Annotated[Form, Depends(read_form)]
"""A form of anybody's."""

OwnForm = Annotated[Form, Depends(read_own_form)]
"""A form of somebody who is signed in."""
