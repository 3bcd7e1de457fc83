"""`make new-resource` lays out a resource that holds to every rule and passes its own tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.support.server import SERVER
from tools.lint import RULES
from tools.lint.rule import check
from tools.lint.source import ROOT, Source
from tools.new_resource import Refused, import_catalogue, singular_of

COPIED: Final = ("src", "tests", "tools", "pyproject.toml", "ARCHITECTURE.md", "README.md", "openapi.json")
LEFT_OUT: Final = shutil.ignore_patterns("__pycache__", "vendor")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the repository that may be changed."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=LEFT_OUT)
        else:
            shutil.copy(source, tmp_path / name)
    return tmp_path


def run(copy: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a Python command of the copy, on the code of the copy."""
    environment = {name: value for name, value in os.environ.items() if name not in {SERVER, "PYTEST_XDIST_WORKER"}}
    environment |= {"PYTHONPATH": f"{copy / 'src'}{os.pathsep}{copy}", "FOSTR_DATA": str(copy / "data")}
    return subprocess.run(
        (sys.executable, *command), cwd=copy, env=environment, check=False, capture_output=True, text=True
    )


def done(copy: Path, *command: str) -> str:
    answer = run(copy, *command)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


def new_resource(copy: Path, *arguments: str) -> list[str]:
    """Lay out a resource and return the Python files that were written."""
    told = done(copy, "tools/new_resource.py", *arguments)
    assert "make revision" in told
    return [line for line in told.partition("\nNext:")[0].splitlines() if line.endswith(".py")]


def test_what_is_laid_out_is_clean(copy: Path) -> None:
    made = new_resource(copy, "records", "price_lists") + new_resource(copy, "harbour", "entries")
    assert "src/fostr/domains/records/price_lists/endpoints.py" in made
    assert "tests/harbour/test_entries.py" in made
    done(copy, "-m", "ruff", "check", *made)
    done(copy, "-m", "ruff", "format", "--check", *made)
    sources = [Source(path=path, content=(copy / path).read_bytes()) for path in made]
    assert [str(found) for source in sources for found in check(source, rules=RULES)] == []


@pytest.mark.slow
def test_its_types_hold_and_its_tests_pass(copy: Path) -> None:
    made = new_resource(copy, "records", "price_lists")
    done(copy, "-m", "pyright", "--pythonpath", sys.executable, *made)
    done(copy, "-m", "fostr", "revision", "-m", "add price lists")
    done(copy, "-m", "fostr", "openapi")
    document = (copy / "openapi.json").read_text()
    for verb in ("list", "get", "create", "update", "delete"):
        assert f'"records_price_lists_{verb}"' in document
    passed = done(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/records/test_price_lists.py")
    assert " passed" in passed


def test_what_is_taken_or_malformed_is_refused(copy: Path) -> None:
    new_resource(copy, "harbour", "berths")
    for arguments, reason in (
        (("records", "comments"), "is there already"),
        (("harbour", "berths"), "is there already"),
        (("harbour", "records"), "has a table or a path of that name already"),
        (("records", "berths"), "has a table or a path of that name already"),
        (("harbour", "Berths"), "is no name"),
        (("../harbour", "quays"), "is no name"),
        (("harbour", "sheep"), "say --singular too"),
    ):
        answer = run(copy, "tools/new_resource.py", *arguments)
        assert answer.returncode == 2, arguments
        assert reason in answer.stderr
    assert not (copy / "src/fostr/domains/harbour/quays").exists()


@pytest.mark.parametrize(
    ("plural", "singular"),
    [
        ("notes", "note"),
        ("price_lists", "price_list"),
        ("entries", "entry"),
        ("addresses", "address"),
        ("boxes", "box"),
        ("branches", "branch"),
    ],
)
def test_singulars(plural: str, singular: str) -> None:
    assert singular_of(plural) == singular


@pytest.mark.parametrize("word", ["sheep", "glass"])
def test_a_word_that_is_no_plain_plural_needs_its_singular(word: str) -> None:
    with pytest.raises(Refused, match="--singular"):
        singular_of(word)


def test_imports_of_a_permissions_module_are_completed() -> None:
    source = "from fostr.kernel.access.catalogue import (\n    BuiltInRole,\n    Permission,\n)\n\nX = 1\n"
    assert import_catalogue(source) == (
        "from fostr.kernel.access.catalogue import BuiltInRole, Permission, ROLES, register_permissions\n\nX = 1\n"
    )
    with pytest.raises(Refused):
        import_catalogue("X = 1\n")
