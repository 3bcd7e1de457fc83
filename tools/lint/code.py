"""Rules about Python: where SQL, commits, clients, clocks and ids may stand, and how tests may not cheat."""

import ast
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from tools.lint.rule import Rule
from tools.lint.source import Source

_PRODUCT = ("src/*.py",)
_ALL_PYTHON = ("*.py",)

# A statement by its opening; prose begins with a capital and is left alone (see `_is_statement`).
_STATEMENT = re.compile(
    r"""
      select\s+ (?: .*\sfrom\s | [\d'(:*] | \w+\s*\( )
    | with\s+ (?:recursive\s+)? \w+\s* (?:\([^)]*\)\s*)? as\s
    | insert\s+into\s | delete\s+from\s | merge\s+into\s | truncate\s+table\s | lock\s+table\s
    | update\s+ [\w.{}"]+\s+ (?:(?:as\s+)?\w+\s+)? set\s
    | copy\s+ .+\s (?:from|to)\s+ (?:stdin|stdout)
    | (?:create|alter|drop)\s+ (?:(?:or\s+replace|unique|temp|temporary|unlogged|materialized)\s+)*
      (?:table|view|index|schema|role|extension|function|trigger|type|sequence|database|policy)\s
    | grant\s+ (?:select|insert|update|delete|usage|all|create)\b
    | set\s+ (?:local|session)\s
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_SQL_COMMENTS = re.compile(r"\s*(?:--[^\n]*\n\s*|/\*.*?\*/\s*)*", re.DOTALL)
_STAR = re.compile(r"(?:\b(?:select|returning)\s+(?:distinct\s+|all\s+)?|,\s*)(?:\w+\.)?\*(?!\s*\d)", re.IGNORECASE)

_CLIENTS = {
    "aiohttp", "aiosmtplib", "ftplib", "http.client", "httpcore", "httpcore2", "httpx", "httpx2", "requests",
    "smtplib", "socket", "urllib.request", "urllib3", "websockets",
}  # fmt: skip
_CONNECTS = {"create_connection", "open_connection", "open_unix_connection"}
_CLOCKS = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns"}
_IDS = {"uuid1", "uuid4", "uuid6", "uuid7"}
_NAMES = {"base", "common", "helper", "helpers", "manager", "managers", "misc", "util", "utils"}
_PATCHES = {"unittest.mock", "mock", "pytest_mock"}
_PATCHING = {"monkeypatch.setattr", "monkeypatch.delattr", "monkeypatch.setitem", "monkeypatch.delitem"}


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return "?"


def _end(dotted: str, *, of: int) -> str:
    return ".".join(dotted.split(".")[-of:])


def _imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Each imported module by its whole name, and each name imported from one by module and name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def _references(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield node.lineno, _dotted(node)


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _strings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Each string literal, with `{}` for what an f-string fills in; docstrings are left out."""
    passed: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            passed.add(id(node.value))
        elif isinstance(node, ast.JoinedStr):
            passed.update(id(part) for part in node.values)
            yield node.lineno, "".join(_literal(part) for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in passed:
            yield node.lineno, node.value


def _literal(part: ast.expr) -> str:
    return str(part.value) if isinstance(part, ast.Constant) else "{}"


def _is_statement(text: str) -> bool:
    bare = _SQL_COMMENTS.sub("", text, count=1)
    word = bare.split(maxsplit=1)[0] if bare.strip() else ""
    return (word.islower() or word.isupper()) and _STATEMENT.match(bare) is not None


def _shorten(text: str) -> str:
    return " ".join(text.split())[:60]


def find_statements(source: Source) -> Iterator[tuple[int, str]]:
    for line, text in _strings(source.tree):
        if _is_statement(text):
            yield line, _shorten(text)


def find_stars(source: Source) -> Iterator[tuple[int, str]]:
    for line, text in _strings(source.tree):
        if _is_statement(text) and _STAR.search(text):
            yield line, _shorten(text)


def find_commits(source: Source) -> Iterator[tuple[int, str]]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and re.search(r"\.(commit|rollback)$", _dotted(node.func)):
            yield node.lineno, f"{_dotted(node.func)}()"


def find_clients(source: Source) -> Iterator[tuple[int, str]]:
    for line, name in _imports(source.tree):
        if any(f"{name}.".startswith(f"{client}.") for client in _CLIENTS):
            yield line, f"imports {name}"
    for line, name in _references(source.tree):
        if _end(name, of=1) in _CONNECTS:
            yield line, name


def find_clocks(source: Source) -> Iterator[tuple[int, str]]:
    for line, name in (*_references(source.tree), *_imports(source.tree)):
        if _end(name, of=2) in _CLOCKS:
            yield line, name


def find_ids(source: Source) -> Iterator[tuple[int, str]]:
    for line, name in (*_references(source.tree), *_imports(source.tree)):
        if _end(name, of=1) in _IDS:
            yield line, name


def find_vague_names(source: Source) -> Iterator[tuple[int, str]]:
    for part in PurePosixPath(source.path).with_suffix("").parts:
        words = part.lower().split("_")
        if part.lower() in _NAMES or words[-1] in _NAMES - {"base"}:
            yield 1, part


def find_long_endpoints(source: Source) -> Iterator[tuple[int, str]]:
    for function in _functions(source.tree):
        body = function.body[1:] if ast.get_docstring(function) is not None else function.body
        lines = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
        if lines >= 15:
            yield function.lineno, f"{function.name} has a body of {lines} lines"


def find_patches(source: Source) -> Iterator[tuple[int, str]]:
    for line, name in _imports(source.tree):
        if any(f"{name}.".startswith(f"{patch}.") for patch in _PATCHES):
            yield line, f"imports {name}"
    for line, name in _references(source.tree):
        if name in _PATCHING or name.startswith("mocker."):
            yield line, name
    yield from _find_assignments(source.tree)


def _find_assignments(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Find what sets an attribute of something imported from the product: a patch by another name."""
    ours = {
        alias.asname or alias.name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
        if (getattr(node, "module", None) or alias.name).split(".")[0] == "fostr"
    }
    for node in ast.walk(tree):
        target: ast.expr | None = None
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del):
            target = node.value
        elif isinstance(node, ast.Call) and _dotted(node.func) in {"setattr", "delattr"} and node.args:
            target = node.args[0]
        if target is not None and _dotted(target).split(".")[0] in ours:
            yield target.lineno, f"sets an attribute of {_dotted(target)}"


RULES = (
    Rule(
        name="sql-only-in-repositories",
        reason="What touches a table is found, and its isolation judged, in the repositories.",
        covers=_PRODUCT,
        spares=(
            "*/repository.py",
            "*/repository/*.py",
            "*/tables.py",
            "src/fostr/migrations/*",
            "src/fostr/kernel/access/*",
            "src/fostr/kernel/auth/*",
            "src/fostr/kernel/db/*",
            "src/fostr/kernel/events/*",
            "src/fostr/kernel/http/health.py",
            "src/fostr/kernel/http/idempotency.py",
            "src/fostr/kernel/jobs/*",
            "src/fostr/kernel/limits*",
        ),
        find=find_statements,
    ),
    Rule(
        name="no-select-star",
        reason="A column added while two versions run would change the rows under a cached statement.",
        covers=_PRODUCT,
        find=find_stars,
    ),
    Rule(
        name="no-commit-outside-the-edge",
        reason="One request or job is one transaction; a commit half way keeps half of it after an error.",
        covers=_PRODUCT,
        spares=(
            "src/fostr/migrations/*",
            "src/fostr/kernel/db/*",
            "src/fostr/kernel/http/routing.py",
            "src/fostr/kernel/jobs/*",
        ),
        find=find_commits,
    ),
    Rule(
        name="no-outbound-client",
        reason="An address given by a user is fetched by kernel/outbound alone, which refuses private ones.",
        covers=_PRODUCT,
        spares=(
            "src/fostr/kernel/outbound*",
            # These speak to addresses that the operator has set, or to this machine itself.
            "src/fostr/cli.py",
            "src/fostr/integrations/*",
            "src/fostr/kernel/ai/*",
            "src/fostr/kernel/db/*",
            "src/fostr/kernel/http/health.py",
            "src/fostr/kernel/mail/*",
            "src/fostr/supervisor/*",
        ),
        find=find_clients,
    ),
    Rule(
        name="no-naive-now",
        reason="Time is asked of kernel/clock, so that tests can travel; only ids follow the machine's.",
        covers=_PRODUCT,
        spares=("src/fostr/kernel/clock.py", "src/fostr/kernel/ids.py"),
        find=find_clocks,
    ),
    Rule(
        name="uuid-from-ids",
        reason="Ids are ordered by time; one made elsewhere would scatter over every index.",
        covers=_PRODUCT,
        spares=("src/fostr/kernel/ids.py",),
        find=find_ids,
    ),
    Rule(
        name="no-vague-module",
        reason="A module is named for what is in it; these names attract what belongs elsewhere.",
        covers=_ALL_PYTHON,
        find=find_vague_names,
    ),
    Rule(
        name="short-endpoints",
        reason="An endpoint wires a guard to a use case in under 15 lines; the service decides.",
        covers=("*/endpoints.py", "*/endpoints/*.py"),
        find=find_long_endpoints,
    ),
    Rule(
        name="no-patching",
        reason="A test that replaces a part of the product no longer tests it.",
        covers=("tests/*.py", "bench/*.py"),
        find=find_patches,
    ),
)
