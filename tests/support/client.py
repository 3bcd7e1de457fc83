"""The client of the tests: it speaks HTTP, and holds every answer against the OpenAPI document."""

from __future__ import annotations

import json
from itertools import count
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import httpx2
import jsonschema_rs
from starlette.routing import Match

if TYPE_CHECKING:
    from fastapi import FastAPI

    from tests.support.cast import Person

Response: TypeAlias = httpx2.Response
BASE: Final = "http://fostr.test"

_hosts: Final = count(1)


def new_host() -> tuple[str, int]:
    """Return an address to come from that no other client of this process has: what counts by address counts alone."""
    number = next(_hosts)
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}", 40000


class AnswerUndocumented(AssertionError):
    """An answer that the OpenAPI document does not foresee, or foresees otherwise."""


class AnswerChecker:
    """Checks answers against the document; validators are made once for each schema."""

    def __init__(self, app: FastAPI, document: dict[str, Any]) -> None:
        """Bind to an application and its document."""
        self._app = app
        self._document = document
        self._validators: dict[str, jsonschema_rs.Validator] = {}

    def template(self, method: str, path: str) -> str | None:
        """Return the path template of the operation that answers a request."""
        scope: dict[str, Any] = {"type": "http", "method": method, "path": path, "root_path": "", "headers": []}
        for route in self._app.router.routes:
            match, _ = route.matches(scope)
            if match == Match.FULL:
                return getattr(route, "path_format", None)
        return None

    def check(self, response: Response) -> None:
        """Refuse an answer that is not documented.

        Raises:
            AnswerUndocumented: the status is not declared, or the body does not fit its schema.
        """
        request = response.request
        template = self.template(request.method, request.url.path)
        operation = self._document["paths"].get(template or "", {}).get(request.method.lower())
        if operation is None:
            return
        declared = operation["responses"].get(str(response.status_code))
        where = f"{request.method} {template} → {response.status_code}"
        if declared is None:
            raise AnswerUndocumented(f"{where} is not declared: {response.text[:500]}")
        media = response.headers.get("content-type", "").partition(";")[0]
        schema = declared.get("content", {}).get(media, {}).get("schema")
        if schema and media == "application/json":
            self._validate(where, schema, response)

    def _validate(self, where: str, schema: dict[str, Any], response: Response) -> None:
        key = json.dumps(schema)
        if key not in self._validators:
            whole = {**schema, "components": self._document["components"]}
            self._validators[key] = jsonschema_rs.validator_for(whole)
        validator = self._validators[key]
        errors = [f"{list(e.instance_path)}: {e.message}" for e in validator.iter_errors(response.json())]
        if errors:
            raise AnswerUndocumented(f"{where}: {errors[:5]}")


class Client:
    """Sends requests as a person of the cast, or as nobody."""

    def __init__(self, inner: httpx2.AsyncClient, checker: AnswerChecker, headers: dict[str, str]) -> None:
        """Wrap a client."""
        self.inner = inner
        self.checker = checker
        self.headers = headers

    def as_(self, person: Person, *, workspace: Any = None) -> Client:
        """Return a client that acts as somebody, in their own workspace unless another is named."""
        return self.with_token(person.token, workspace=workspace or person.workspace_id)

    def with_token(self, token: str, *, workspace: Any = None) -> Client:
        """Return a client that sends a credential, and a workspace when one is named."""
        headers = {"Authorization": f"Bearer {token}"}
        if workspace is not None:
            headers["X-Workspace-Id"] = str(workspace)
        return Client(self.inner, self.checker, headers)

    def anonymous(self) -> Client:
        """Return a client that sends no credential."""
        return Client(self.inner, self.checker, {})

    async def request(self, method: str, path: str, **options: Any) -> Response:
        """Send a request and check the answer."""
        given: dict[str, str] = options.pop("headers", None) or {}
        headers = {**self.headers, **given}
        response = await self.inner.request(method, path, headers=headers, **options)
        await response.aread()
        self.checker.check(response)
        return response

    async def get(self, path: str, **options: Any) -> Response:
        """Send a GET."""
        return await self.request("GET", path, **options)

    async def post(self, path: str, **options: Any) -> Response:
        """Send a POST."""
        return await self.request("POST", path, **options)

    async def patch(self, path: str, **options: Any) -> Response:
        """Send a PATCH."""
        return await self.request("PATCH", path, **options)

    async def put(self, path: str, **options: Any) -> Response:
        """Send a PUT."""
        return await self.request("PUT", path, **options)

    async def delete(self, path: str, **options: Any) -> Response:
        """Send a DELETE."""
        return await self.request("DELETE", path, **options)


def refusal(response: Response) -> tuple[int, str]:
    """Return the status and the code of a refusal, for comparing both at once."""
    return response.status_code, response.json()["code"]
