"""Each rule of `tools/lint` finds what it is for, spares what it must, and is kept by the repository."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from tools.lint import RULES
from tools.lint.rule import Finding, check
from tools.lint.source import ROOT, Source, list_sources

SERVICE = "src/fostr/domains/records/comments/service.py"
REPOSITORY = "src/fostr/domains/records/comments/repository.py"
ENDPOINTS = "src/fostr/domains/records/comments/endpoints.py"
TEST = "tests/domains/records/comments/test_endpoints.py"


@dataclass(frozen=True)
class Example:
    """What a rule refuses and what it lets pass, each with the path it stands at."""

    rule: str
    refused: tuple[tuple[str, str], ...]
    passed: tuple[tuple[str, str], ...]


def function_of(lines: int) -> str:
    """Write a function of that many lines, the first of which is its `def`."""
    return "async def create() -> None:\n" + "    await write()\n" * (lines - 1)


EXAMPLES = (
    Example(
        rule="sql-only-in-repositories",
        refused=(
            (SERVICE, 'query = "select c.id from comments c where c.workspace_id = :workspace"'),
            (SERVICE, 'query = "\\n    -- the newest\\n    select c.id\\n    from comments c"'),
            (SERVICE, 'query = f"update comments set {assignments}"'),
            (SERVICE, 'query = "INSERT INTO comments (id) values (:id)"'),
            (SERVICE, 'query = "delete from comments c"'),
            (SERVICE, 'query = "with newest as (select 1) select count(*) from newest"'),
            (SERVICE, 'query = "select pg_notify(:channel, :payload)"'),
            (SERVICE, 'query = "create unique index i on comments (id)"'),
            ("src/fostr/domains/records/records_repository.py", 'query = "select 1"'),
            ("src/fostr/kernel/http/paging.py", 'query = "select count(*) from comments"'),
        ),
        passed=(
            (REPOSITORY, 'query = "select c.id from comments c where c.workspace_id = :workspace"'),
            ("src/fostr/domains/records/records/repository/search.py", 'query = "select 1"'),
            ("src/fostr/kernel/db/unit.py", 'query = "select 1"'),
            ("tests/kernel/test_unit.py", 'query = "select 1"'),
            (SERVICE, 'detail = "Select a column from the file, or update the mapping set before."'),
            (SERVICE, 'words = ["select", "update", "with", "delete"]'),
            (SERVICE, 'def f() -> None:\n    """select c.id from comments c"""'),
        ),
    ),
    Example(
        rule="no-select-star",
        refused=(
            (REPOSITORY, 'query = "select * from comments"'),
            (REPOSITORY, 'query = "select c.* from comments c"'),
            (REPOSITORY, 'query = "select c.id, m.* from comments c"'),
            (REPOSITORY, 'query = f"insert into {table} (id) values (:id) returning *"'),
        ),
        passed=(
            (REPOSITORY, 'query = "select count(*), c.size * 2, c.id from comments c"'),
            (REPOSITORY, 'patterns = "records, *"'),
        ),
    ),
    Example(
        rule="no-commit-outside-the-edge",
        refused=((SERVICE, "await context.unit.commit()"), (SERVICE, "await open().rollback()")),
        passed=(
            ("src/fostr/kernel/http/routing.py", "await unit.commit()"),
            (SERVICE, "context.unit.after_commit(send)"),
        ),
    ),
    Example(
        rule="no-outbound-client",
        refused=(
            (SERVICE, "import httpx2"),
            (SERVICE, "from urllib import request"),
            (SERVICE, "from urllib.request import urlopen"),
            (SERVICE, "def f() -> None:\n    import aiohttp"),
            (SERVICE, "from http import client"),
            (SERVICE, "reader, writer = await asyncio.open_connection(host, 80)"),
        ),
        passed=(
            ("src/fostr/kernel/outbound/client.py", "import httpx2"),
            ("src/fostr/integrations/stripe/client.py", "import httpx2"),
            (SERVICE, "from urllib.parse import urlsplit\nfrom http import HTTPStatus"),
        ),
    ),
    Example(
        rule="no-naive-now",
        refused=(
            (SERVICE, "moment = datetime.now(UTC)"),
            (SERVICE, "moment = datetime.datetime.utcnow()"),
            (SERVICE, "day = date.today()"),
            (SERVICE, "from time import time"),
            (SERVICE, "make = field(default_factory=datetime.now)"),
        ),
        passed=(
            ("src/fostr/kernel/clock.py", "moment = datetime.now(UTC)"),
            (SERVICE, "moment = clock.now()\nstart = time.monotonic()"),
        ),
    ),
    Example(
        rule="uuid-from-ids",
        refused=((SERVICE, "from uuid import UUID, uuid4"), (SERVICE, "key = uuid.uuid7()")),
        passed=(
            ("src/fostr/kernel/ids.py", "from uuid import uuid7"),
            (SERVICE, "from uuid import UUID, uuid5"),
        ),
    ),
    Example(
        rule="no-vague-module",
        refused=(
            ("src/fostr/kernel/utils.py", ""),
            ("src/fostr/common/text.py", ""),
            ("src/fostr/kernel/db/sql_helpers.py", ""),
            ("tests/base.py", ""),
        ),
        passed=(("src/fostr/kernel/db/database.py", ""), ("src/fostr/domains/knowledge/base_map.py", "")),
    ),
    Example(
        rule="short-endpoints",
        refused=((ENDPOINTS, function_of(16)),),
        passed=(
            (ENDPOINTS, function_of(15)),
            (ENDPOINTS, function_of(15).replace(":\n", ':\n    """Create\n\n    it.\n    """\n', 1)),
            (SERVICE, function_of(16)),
        ),
    ),
    Example(
        rule="no-patching",
        refused=(
            (TEST, "from unittest.mock import AsyncMock"),
            (TEST, "from unittest import mock"),
            (TEST, "def test(monkeypatch) -> None:\n    monkeypatch.setattr(service, 'now', f)"),
            (TEST, "def test(mocker) -> None:\n    mocker.patch('fostr.kernel.clock.now')"),
            (TEST, "from fostr.kernel import clock\nclock.now = f"),
            (TEST, "import fostr.kernel.clock\nfostr.kernel.clock.now = f"),
            (TEST, "from fostr.kernel import clock\nsetattr(clock, 'now', f)"),
        ),
        passed=(
            (TEST, "def test(monkeypatch) -> None:\n    monkeypatch.setenv('FOSTR_PORT', '1')"),
            (
                TEST,
                "from fostr.kernel import clock\nwith clock.travel(to=then):\n    box.moment = clock.now()",
            ),
        ),
    ),
    Example(
        rule="function-lines",
        refused=((SERVICE, function_of(61)), (TEST, function_of(61))),
        passed=((SERVICE, function_of(60)), ("src/fostr/migrations/versions/0001_first.py", function_of(61))),
    ),
    Example(
        rule="endpoints-lines",
        refused=((ENDPOINTS, "#\n" * 401), ("src/fostr/domains/a/b/endpoints/c.py", "#\n" * 401)),
        passed=((ENDPOINTS, "#\n" * 400), (REPOSITORY, "#\n" * 401)),
    ),
    Example(
        rule="service-lines",
        refused=((SERVICE, "#\n" * 501),),
        passed=((SERVICE, "#\n" * 500), (REPOSITORY, "#\n" * 501)),
    ),
    Example(
        rule="source-lines",
        refused=((REPOSITORY, "#\n" * 701), ("src/fostr/console/app.js", "//\n" * 701)),
        passed=((REPOSITORY, "#\n" * 700), ("src/fostr/console/vendor/maps.js", "//\n" * 701)),
    ),
    Example(rule="test-lines", refused=((TEST, "#\n" * 801),), passed=((TEST, "#\n" * 800),)),
    Example(
        rule="map-lines",
        refused=(("ARCHITECTURE.md", "-\n" * 151),),
        passed=(("ARCHITECTURE.md", "-\n" * 150), ("README.md", "-\n" * 151)),
    ),
    Example(
        rule="lock-without-address",
        refused=(
            ("requirements.lock", "six @ https" + "://example.com/six.whl"),
            ("requirements.lock", "--index-url example"),
        ),
        passed=(
            ("requirements.lock", "six==1.17.0 --hash=sha256:00"),
            ("README.md", "http" + "://localhost"),
        ),
    ),
    Example(
        rule="no-registry-host",
        refused=(("README.md", "from https" + "://py" + "pi.org/simple"),),
        passed=(("README.md", "from the Python package index"),),
    ),
    Example(
        rule="no-machine-path",
        refused=(
            ("README.md", "cd " + "/ho" + "me/ada/fostr"),
            ("bench/latest.json", f'{{"detail": "{ROOT}/data"}}'),
        ),
        passed=(("openapi.json", '"/api/v1/home/cards/": {}'), ("README.md", "cd fostr")),
    ),
)


def found(rule: str, *, path: str, text: str) -> list[Finding]:
    return [one for one in check(Source(path, text.encode()), rules=RULES) if one.rule in {rule, "parses"}]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.rule)
def test_a_rule_finds_what_it_is_for_and_spares_the_rest(example: Example) -> None:
    for path, text in example.refused:
        assert found(example.rule, path=path, text=text), f"{path} passed: {text[:80]}"
    for path, text in example.passed:
        assert not found(example.rule, path=path, text=text), f"{path} was refused: {text[:80]}"


def test_every_rule_has_an_example() -> None:
    assert [rule.name for rule in RULES] == list(dict.fromkeys(rule.name for rule in RULES))
    assert sorted(rule.name for rule in RULES) == sorted(example.rule for example in EXAMPLES)


@pytest.mark.parametrize("content", [b"def f(:\n", b"x = '\xff'\n", b"x = 1\0\n"])
def test_a_python_file_that_cannot_be_parsed_is_a_finding(content: bytes) -> None:
    assert [one.rule for one in check(Source(SERVICE, content), rules=RULES)] == ["parses"]


def test_a_finding_names_file_line_rule_and_what_is_there() -> None:
    text = '"""Comments."""\n\nquery = "select c.id from comments c"\n'
    (finding,) = found("sql-only-in-repositories", path=SERVICE, text=text)
    assert str(finding) == f"{SERVICE}:3: sql-only-in-repositories: select c.id from comments c"


def test_the_walk_sees_this_file() -> None:
    seen = {source.path for source in list_sources(ROOT)}
    assert {"tests/rules/test_rules.py", "pyproject.toml", "Makefile"} <= seen


def test_without_git_the_walk_reads_the_folder(tmp_path: Path) -> None:
    for path in (
        "src/a.py",
        ".ci/run",
        ".venv/lib/b.py",
        "src/__pycache__/a.pyc",
        ".ruff_cache/c",
        "data/secret.key",
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("")
    (tmp_path / "map.png").write_bytes(b"\x89PNG\0")
    assert [source.path for source in list_sources(tmp_path)] == [".ci/run", "src/a.py"]


def test_the_repository_keeps_the_rules() -> None:
    # All of them at once, so that each file is parsed once.
    assert [str(one) for source in list_sources(ROOT) for one in check(source, rules=RULES)] == []
