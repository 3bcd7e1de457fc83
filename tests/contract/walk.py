"""Walk every operation: its guard, its path parameters, and a request that would succeed for the right person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from fastapi.routing import APIRoute

from fostr.kernel.http.routing import guard_kind

if TYPE_CHECKING:
    from fastapi import FastAPI


ENDLESS: Final = {"GET /api/v1/notifications/stream"}
"""What is answered for as long as the client listens. What it tells, and whom, has tests of its own."""


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation as the walk sees it.

    Attributes:
        guard: `workspace`, `account`, `public`, or None when the operation has no guard at all.
        document: its entry in the OpenAPI document.
    """

    method: str
    path: str
    guard: str | None
    document: dict[str, Any]

    @property
    def name(self) -> str:
        """Method and path, as tests are named."""
        return f"{self.method} {self.path}"

    @property
    def path_names(self) -> list[str]:
        """The names of the path parameters."""
        return [p["name"] for p in self.document.get("parameters", []) if p["in"] == "path"]

    @property
    def required_query(self) -> list[str]:
        """The names of the query parameters that cannot be left out."""
        return [p["name"] for p in self.document.get("parameters", []) if p["in"] == "query" and p.get("required")]

    @property
    def writes(self) -> bool:
        """Whether the method may change anything."""
        return self.method != "GET"


def list_operations(app: FastAPI, document: dict[str, Any]) -> list[Operation]:
    """Return every operation of the application."""
    return [
        Operation(
            method,
            route.path_format,
            guard_kind(route.dependant),
            document["paths"][route.path_format][method.lower()],
        )
        for route in app.router.routes
        if isinstance(route, APIRoute)
        for method in sorted(route.methods or ())
    ]


def body_schema(operation: Operation, document: dict[str, Any]) -> dict[str, Any] | None:
    """Return the schema of an operation's JSON body, or None when it takes none."""
    content = operation.document.get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema")
    while schema is not None and "properties" not in schema:
        # A body that may be left out is one of two: itself, or null.
        reference = schema.get("$ref") or next((one["$ref"] for one in schema.get("anyOf", []) if "$ref" in one), None)
        if reference is None:
            return schema
        schema = document["components"]["schemas"][reference.rpartition("/")[2]]
    return schema


def example_body(operation: Operation, document: dict[str, Any]) -> Any:
    """Return the example of an operation's JSON body, or None when it takes none."""
    schema = body_schema(operation, document)
    if schema is None:
        return None
    examples = schema.get("examples")
    assert examples, f"{operation.name}: the body's schema has no example"
    return examples[0]
