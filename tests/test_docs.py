"""The documents hold: what the README asks for works word by word, and what they name exists."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from fostr.settings import Settings
from tests.support.server import SERVER
from tools.lint.source import ROOT

DOCUMENTS: Final = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
PATIENCE: Final = 240
"""Seconds until something that must happen counts as not happening; the machine may be busy."""

WORD: Final = re.compile(r"^(?:[A-Z_]+=\S+ )*make ([a-z-]+)")


def name_of(document: Path) -> str:
    return document.relative_to(ROOT).as_posix()


def blocks_of(document: Path) -> list[str]:
    """Return what a document gives a reader to type, as it stands."""
    return re.findall(r"^```bash\n(.*?)^```", document.read_text(), flags=re.MULTILINE | re.DOTALL)


def prose_of(document: Path) -> str:
    return re.sub(r"^```.*?^```", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)


class Installation:
    """`fostr up` on a free port and a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.said = folder / "said.txt"
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("FOSTR_", SERVER))}
        kept.pop("DATABASE_URL", None)
        self.environment = {**kept, "FOSTR_DATA": str(folder / "data"), "FOSTR_PORT": "0"}
        with self.said.open("wb") as said:
            self.process = subprocess.Popen(
                (sys.executable, "-m", "fostr", "up"),
                env={**self.environment, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                cwd=ROOT,
                stdout=said,
                stderr=subprocess.STDOUT,
                process_group=0,
            )

    def await_address(self) -> str:
        """Return where it runs, once it says so."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.process.poll() is None:
            if found := re.search(r"runs at (http://\S+)\. Ctrl-C", self.said.read_text()):
                return found[1]
            time.sleep(0.1)
        raise AssertionError(self.said.read_text())

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE)


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    # Not below pytest's folder, which each run of pytest closes to everybody but root: the server is not root.
    with tempfile.TemporaryDirectory(prefix="fostr-readme-", ignore_cleanup_errors=True) as folder:
        started = Installation(Path(folder))
        try:
            yield started
            assert started.stop() == 0
        finally:
            if started.process.poll() is None:
                os.killpg(started.process.pid, signal.SIGKILL)
                started.process.wait()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="the README speaks by curl")
def test_the_readme_can_be_followed_word_by_word(installation: Installation, tmp_path: Path) -> None:
    # The words of make are tested by themselves; here the installation runs already.
    typed = [block for block in blocks_of(ROOT / "README.md") if not all(map(WORD.match, block.splitlines()))]
    assert len(typed) >= 10
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / ".curlrc").write_text("max-time = 120\n")
    script = "\n".join(("set -euo pipefail", *typed))
    followed = subprocess.run(
        ("bash", "-c", script),
        cwd=tmp_path,
        env={**installation.environment, "FOSTR": installation.await_address(), "CURL_HOME": str(tmp_path)},
        check=False,
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
    )
    said = followed.stdout + followed.stderr
    assert followed.returncode == 0, said + installation.said.read_text()[-4000:]

    assert "latitude number" in said
    assert said.count("event: completed") == 2
    assert '"imported_rows":3376' in said
    found = json.loads((tmp_path / "found.json").read_text())
    names = [record["field_values"]["name"] for record in found["items"]]
    assert len(names) == 5
    assert names == sorted(names)
    assert {record["field_values"]["state"] for record in found["items"]} == {"CA"}
    lines = [json.loads(line) for line in said.splitlines() if line.startswith(('{"id"', '{"__meta__"'))]
    mapped = [line["fields"]["iata"] for line in lines if "lat" in line]
    assert {"SFO", "OAK", "SJC"} <= set(mapped)
    assert {"__meta__": {"count": len(mapped), "truncated": False}} in lines
    assert '"operation":"update"' in said
    with (tmp_path / "california.csv").open(encoding="utf-8-sig") as file:
        exported = list(csv.DictReader(file))
    assert len(exported) == 205
    assert '"undone":1' in said
    assert "Ada Lovelace Municipal" not in {row["name"] for row in exported}


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text()):
        assert (document.parent / target).exists(), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_places_inside_of_pages_exist(document: Path) -> None:
    for target, place in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", document.read_text()):
        text = ((document.parent / target) if target else document).read_text()
        titles = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
        assert place in {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_words_of_the_makefile_exist(document: Path) -> None:
    words = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    lines = [line for block in blocks_of(document) for line in block.splitlines()]
    asked = {found[1] for line in lines if (found := WORD.match(line))}
    asked |= set(re.findall(r"`make ([a-z-]+)", prose_of(document)))
    assert asked <= words


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_settings_that_are_named_exist(document: Path) -> None:
    known = {f"FOSTR_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"\bFOSTR_[A-Z_]+\b", document.read_text())) <= known


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_files_that_are_named_exist(document: Path) -> None:
    roots = (ROOT, ROOT / "src" / "fostr")
    for named in re.findall(r"`((?:src|tests|tools|kernel|docs|domains)/[\w./-]+)`", prose_of(document)):
        assert any((root / f"{named}{ending}").exists() for root in roots for ending in ("", ".py")), named


def test_every_decision_is_listed_and_has_its_parts() -> None:
    folder = ROOT / "docs" / "adr"
    files = sorted(path.name for path in folder.glob("[0-9]*.md"))
    assert re.findall(r"\]\((\d{4}-[a-z-]+\.md)\)", (folder / "README.md").read_text()) == files
    for name in files:
        text = (folder / name).read_text()
        assert text.startswith(f"# {int(name[:4])}. ")
        assert all(f"**{part}" in text for part in ("Decided.", "Why", "Refused.")), name


def test_codes_of_errors_that_are_named_exist() -> None:
    source = "".join(path.read_text() for path in (ROOT / "src" / "fostr").rglob("*.py"))
    codes = set(re.findall(r'code(?:: ClassVar\[str\])? = "([a-z_]+)"', source))
    table = (ROOT / "docs" / "errors.md").read_text().partition("| status |")[2].partition("\n\n")[0]
    named = set(re.findall(r"`([a-z_]+)`", table))
    assert len(named) > 15
    assert named - codes == set()
