"""The words of the Makefile: listed by `make help`, and all that CI and the README ask for."""

import os
import re
import subprocess

import pytest

from tools.lint.source import ROOT

WORDS = {
    "help", "up", "demo", "test", "test-postgres", "fast", "check", "openapi", "migrate", "revision",
    "new-resource", "bench", "lock", "clean",
}  # fmt: skip


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    # The make that may be running these tests hands its own flags and variables down.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(["make", *arguments], cwd=ROOT, env=environment, check=False, capture_output=True, text=True)


def words_in(path: str) -> list[str]:
    return re.findall(r"^\s*make ([a-z-]+)", (ROOT / path).read_text(), flags=re.MULTILINE)


def test_help_lists_every_word_and_is_what_plain_make_says() -> None:
    listed = {line.split()[0]: line.split()[1:] for line in make("help").stdout.splitlines()}
    assert listed.keys() == WORDS
    assert all(listed.values())
    assert make().stdout == make("help").stdout


def test_ci_runs_check_and_then_test() -> None:
    assert words_in(".ci/run") == ["check", "test"]


def test_the_readme_asks_only_for_words_that_exist() -> None:
    asked = set(words_in("README.md"))
    assert {"up", "test"} <= asked <= WORDS


@pytest.mark.parametrize("word", ["test-postgres", "revision", "new-resource"])
def test_a_word_that_needs_more_says_so(word: str) -> None:
    # What the environment is made from is beside the point here.
    answer = make(word, "-o", "runtime", "-o", "dev", "DATABASE_URL=", "MESSAGE=", "DOMAIN=", "NAME=")
    assert answer.returncode == 2
    assert f"make {word} " in answer.stderr
