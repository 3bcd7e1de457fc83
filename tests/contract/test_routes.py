"""What holds for every operation, whoever writes the next one."""

from __future__ import annotations

import inspect
from typing import Any, Final

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from fostr.kernel.http.document import read_openapi, render_openapi
from fostr.kernel.http.routing import walk_calls
from tests.contract.walk import Operation, body_schema, example_body, list_operations
from tests.support.cast import Cast
from tests.support.client import Client, refusal

WITHOUT_GUARD: Final = {"GET /health", "GET /api/v1/health"}
"""Liveness touches nothing, so it takes nothing."""

PUBLIC: Final = {
    "GET /api/v1/auth/activation/validate",
    "GET /api/v1/auth/signup/jobs/{job_id}/stream",
    "GET /api/v1/files/pictures/{owner_id}/{picture_id}",
    "GET /api/v1/files/signed/{key}",
    "HEAD /api/v1/files/signed/{key}",
    "PUT /api/v1/files/signed/{key}",
    "GET /api/v1/import/error-reports/{job_id}/download",
    "GET /api/v1/public/tables/{share_token}",
    "GET /api/v1/public/tables/{share_token}/download",
    "GET /api/v1/public/tables/{share_token}/rows",
    "GET /api/v1/notifications/unsubscribe",
    "GET /api/v1/ready",
    "GET /api/v1/workspaces/invitation-details",
    "GET /setup",
    "GET /",
    "HEAD /",
    "GET /accept-invitation",
    "GET /activate",
    "GET /activate/again",
    "GET /forgot-password",
    "GET /reset-password",
    "GET /sign-in",
    "GET /sign-in/code",
    "GET /sign-up",
    "GET /unsubscribe",
    "POST /accept-invitation",
    "POST /activate",
    "POST /activate/again",
    "POST /forgot-password",
    "POST /reset-password",
    "POST /sign-in",
    "POST /sign-in/code",
    "POST /sign-up",
    "POST /unsubscribe",
    "POST /api/v1/auth/activation/complete",
    "POST /api/v1/auth/activation/resend",
    "POST /api/v1/auth/clerk/check-user",
    "POST /api/v1/auth/impersonate/exchange",
    "POST /api/v1/auth/login",
    "POST /api/v1/auth/login/second-factor",
    "POST /api/v1/auth/passkeys/begin",
    "POST /api/v1/auth/passkeys/sign-in",
    "POST /api/v1/auth/refresh",
    "POST /api/v1/auth/register",
    "POST /api/v1/auth/request-password-reset",
    "POST /api/v1/auth/reset-password",
    "POST /api/v1/auth/setup",
    "POST /api/v1/auth/signup",
    "POST /api/v1/auth/signup/async",
    "POST /api/v1/notifications/unsubscribe",
    "POST /api/v1/workspaces/accept-invitation",
}
"""Anybody may call these. Each has its own proof: a password, a token, or a signature in the address."""


@pytest.fixture(scope="session")
def operations(app: FastAPI, openapi: dict[str, Any]) -> list[Operation]:
    return list_operations(app, openapi)


def test_every_operation_has_a_guard(operations: list[Operation]) -> None:
    assert {o.name for o in operations if o.guard is None} - WITHOUT_GUARD == set()
    assert {o.name for o in operations if o.guard == "public"} - PUBLIC == set()


def test_nothing_that_an_operation_asks_for_runs_in_a_thread(app: FastAPI) -> None:
    # FastAPI hands what is no coroutine to a thread; the two switches cost more than most dependencies do.
    routes = [route for route in app.router.routes if isinstance(route, APIRoute)]
    calls = {call for route in routes for call in (route.endpoint, *walk_calls(route.dependant))}
    assert calls
    assert {call for call in calls if not inspect.iscoroutinefunction(call)} == set()


def test_every_operation_is_explained(operations: list[Operation]) -> None:
    for operation in operations:
        assert operation.document.get("summary"), operation.name
        assert operation.document.get("description"), operation.name
        assert operation.document.get("tags"), operation.name


def test_operation_ids_are_unique_and_plain(operations: list[Operation]) -> None:
    ids = [operation.document["operationId"] for operation in operations]
    assert len(ids) == len(set(ids))
    assert all(identifier.replace("_", "").isalnum() and identifier.islower() for identifier in ids)


def test_every_body_has_an_example(operations: list[Operation], openapi: dict[str, Any]) -> None:
    for operation in operations:
        example_body(operation, openapi)


def test_no_body_takes_a_misspelt_field_for_nothing(operations: list[Operation], openapi: dict[str, Any]) -> None:
    for operation in operations:
        schema = body_schema(operation, openapi)
        if schema is not None and "properties" in schema:
            assert schema.get("additionalProperties") is False, operation.name


def test_the_committed_document_is_current(openapi: dict[str, Any]) -> None:
    assert read_openapi() == render_openapi(openapi), "run `make openapi`"


async def test_nobody_gets_in_without_a_credential(client: Client, operations: list[Operation], cast: Cast) -> None:
    for operation in operations:
        if operation.guard not in {"workspace", "account"}:
            continue
        path = operation.path
        for name in operation.path_names:
            path = path.replace(f"{{{name}}}", str(cast.acme))
        query = dict.fromkeys(operation.required_query, str(cast.acme))
        for credential in (client.anonymous(), client.with_token("not-a-token", workspace=cast.acme)):
            response = await credential.request(operation.method, path, params=query)
            assert refusal(response) == (401, "unauthorized"), operation.name


async def test_unknown_paths_and_methods_are_refused_in_the_same_form(client: Client) -> None:
    assert refusal(await client.get("/api/v1/nothing-here")) == (404, "not_found")
    assert refusal(await client.get("/nothing-here")) == (404, "not_found")
    assert refusal(await client.delete("/api/v1/health")) == (405, "method_not_allowed")
