"""Examples of what events tell, made from the schemas of their types."""

from __future__ import annotations

from typing import Any, Final

_TEXTS: Final = {
    "uuid": "0192f0c1-a2b3-7c4d-8e9f-001122334455",
    "date-time": "2030-01-01T12:00:00Z",
    "date": "2030-01-01",
    "time": "12:00:00",
    "duration": "PT1H",
    "email": "somebody@example.com",
    "uri": "https://example.com/",
}
_DEEPEST: Final = 8


def make_example(schema: dict[str, Any]) -> Any:
    """Return a value that fits a JSON schema as pydantic writes them."""
    return _make(schema, schema.get("$defs", {}), 0)


def _make(schema: dict[str, Any], known: dict[str, Any], depth: int) -> Any:
    if "$ref" in schema:
        return _make(known[schema["$ref"].rpartition("/")[2]], known, depth + 1)
    for key in ("const", "default"):
        if schema.get(key) is not None:
            return schema[key]
    if schema.get("enum"):
        return schema["enum"][0]
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return _choose(schema[key], known, depth)
    return _make_typed(schema, known, depth)


def _choose(choices: list[dict[str, Any]], known: dict[str, Any], depth: int) -> Any:
    can_end = any(choice.get("type") == "null" for choice in choices)
    if can_end and depth > _DEEPEST:
        return None
    return _make(next(choice for choice in choices if choice.get("type") != "null"), known, depth + 1)


def _make_typed(schema: dict[str, Any], known: dict[str, Any], depth: int) -> Any:
    match schema.get("type"):
        case "object":
            properties: dict[str, Any] = schema.get("properties", {})
            return {name: _make(inner, known, depth + 1) for name, inner in properties.items()}
        case "array":
            return _make_items(schema, known, depth)
        case "string":
            text = _TEXTS.get(schema.get("format", ""), "example")
            return text.ljust(schema.get("minLength", 0), "x")[: schema.get("maxLength", len(text))]
        case "integer" | "number":
            return max(1, schema.get("minimum", 1), schema.get("exclusiveMinimum", 0) + 1)
        case "boolean":
            return True
        case _:
            return None


def _make_items(schema: dict[str, Any], known: dict[str, Any], depth: int) -> list[Any]:
    if "prefixItems" in schema:
        return [_make(item, known, depth + 1) for item in schema["prefixItems"]]
    if "items" not in schema or depth > _DEEPEST:
        return []
    return [_make(schema["items"], known, depth + 1)]
