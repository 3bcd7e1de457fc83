"""The command line: exit codes, and what a person reads when something is wrong."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fostr import __version__
from fostr.cli import main
from tests.support.places import open_place


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    monkeypatch.setenv("FOSTR_DATA", str(tmp_path / "data"))
    return monkeypatch


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"fostr {__version__}\n"


@pytest.mark.parametrize("arguments", [[], ["fly"], ["revision"], ["up", "--loud"]])
def test_wrong_call_is_explained(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("usage: fostr")


def test_wrong_setting_is_explained(environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    environment.setenv("FOSTR_PORT", "many")
    assert main(["migrate"]) == 2
    assert "FOSTR_PORT: " in capsys.readouterr().err


def test_database_that_is_not_there_is_explained(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    environment.setenv("DATABASE_URL", f"postgresql://login:hidden@/x?host={tmp_path}")
    assert main(["migrate"]) == 1
    said = capsys.readouterr().err
    assert "The database does not let us in" in said
    assert "hidden" not in said


def test_page_of_settings_is_what_the_code_says() -> None:
    assert main(["settings", "--check"]) == 0


@pytest.mark.slow
def test_openapi_document_is_what_the_code_says() -> None:
    assert main(["openapi", "--check"]) == 0


@pytest.mark.slow
def test_migrations_and_tables_agree() -> None:
    assert main(["check-migrations"]) == 0


@pytest.mark.slow
def test_migrate_makes_the_embedded_database_and_is_done_the_second_time() -> None:
    command = [sys.executable, "-m", "fostr", "migrate"]
    paths = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with open_place() as place:
        for _ in range(2):
            environment = {**paths, "FOSTR_DATA": str(place)}
            done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
            assert (done.returncode, done.stdout, done.stderr) == (0, "The database is up to date.\n", "")
        assert (place / "postgres" / "PG_VERSION").exists()
