"""Size budgets, without exceptions: what is over its budget splits by noun or by use case."""

import ast
from collections.abc import Callable, Iterator

from tools.lint.rule import Rule
from tools.lint.source import Source

# Alembic writes revisions, and whoever made a vendored library keeps its sizes.
_NOT_WRITTEN_HERE = ("src/fostr/migrations/versions/*", "*/vendor/*")
_TESTS = ("tests/*.py",)
_ENDPOINTS = ("*/endpoints.py", "*/endpoints/*.py")
_SERVICES = ("*/service.py", "*/service/*.py")


def _find_long_functions(source: Source) -> Iterator[tuple[int, str]]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > 60:
                yield node.lineno, f"{node.name} has {lines} lines of 60"


def _find_over(limit: int) -> Callable[[Source], Iterator[tuple[int, str]]]:
    def find(source: Source) -> Iterator[tuple[int, str]]:
        lines = len(source.content.splitlines())
        if lines > limit:
            yield limit + 1, f"has {lines} lines of {limit}"

    return find


RULES = (
    Rule(
        name="function-lines",
        reason="A function has one level of abstraction and fits on a screen: 60 lines.",
        covers=("*.py",),
        spares=_NOT_WRITTEN_HERE,
        find=_find_long_functions,
    ),
    Rule(
        name="endpoints-lines",
        reason="About six operations make a resource: 400 lines of endpoints.",
        covers=_ENDPOINTS,
        spares=_TESTS,
        find=_find_over(400),
    ),
    Rule(
        name="service-lines",
        reason="A service of more than 500 lines holds more than one use case's family.",
        covers=_SERVICES,
        spares=_TESTS,
        find=_find_over(500),
    ),
    Rule(
        name="source-lines",
        reason="A reader holds one noun in mind: 700 lines.",
        covers=("*.py", "*.js", "*.css"),
        spares=(*_TESTS, *_ENDPOINTS, *_SERVICES, *_NOT_WRITTEN_HERE),
        find=_find_over(700),
    ),
    Rule(
        name="test-lines",
        reason="Tests split by use case before they reach 800 lines.",
        covers=_TESTS,
        find=_find_over(800),
    ),
    Rule(
        name="map-lines",
        reason="ARCHITECTURE.md is a map with links, not an encyclopaedia: 150 lines.",
        covers=("ARCHITECTURE.md",),
        find=_find_over(150),
    ),
)
