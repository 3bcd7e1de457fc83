"""The import contracts of pyproject.toml, tried on a made-up product: what each refuses and what passes."""

import subprocess
import sys
from pathlib import Path

import pytest

from tools.lint.source import ROOT

LAYERS = "The product is layered; the kernel knows no domain"
DOMAINS = "Domains meet only at public.py"
INTEGRATIONS = "Integrations do not know each other"
RESOURCES = "Inside a resource: endpoints, tasks, service, repository, shape"

# A product that keeps every contract: file by file, what it imports.
PRODUCT = {
    "cli": "from fostr import app",
    "app": "from fostr.domains.records.comments import endpoints",
    "settings": "",
    "kernel.db.unit": "from fostr import settings",
    "domains.records.public": "from fostr.domains.records.comments import service",
    "domains.records.comments.endpoints": "from fostr.domains.records.comments import schemas, service",
    "domains.records.comments.tasks": "from fostr.domains.records.comments import service",
    "domains.records.comments.service": "from fostr.domains.records.comments import repository, rules",
    "domains.records.comments.repository": "from fostr.domains.records.comments import tables",
    "domains.records.comments.tables": "from fostr.kernel.db import unit",
    "domains.records.comments.schemas": "",
    "domains.records.comments.rules": "",
    "domains.maps.public": "",
    "domains.maps.layers.service": "from fostr.domains.records import public",
    "domains.maps.layers.tasks": "from fostr.integrations.osm import client",
    "integrations.osm.client": "from fostr.kernel.db import unit",
    "integrations.stripe.client": "",
}


def lint(folder: Path, *, product: dict[str, str]) -> str:
    for module, imports in product.items():
        file = folder / "fostr" / f"{module.replace('.', '/')}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(imports + "\n")
    for package in [path for path in folder.rglob("*") if path.is_dir()]:
        (package / "__init__.py").touch()
    program = "from importlinter.cli import lint_imports_command as lint; lint()"
    command = [sys.executable, "-c", program, "--no-cache", "--config", str(ROOT / "pyproject.toml")]
    environment = {"PYTHONPATH": f"{folder}:{ROOT}", "PATH": "", "NO_COLOR": "1", "COLUMNS": "200"}
    return subprocess.run(command, cwd=folder, env=environment, check=False, capture_output=True, text=True).stdout


def test_a_product_that_keeps_them_passes(tmp_path: Path) -> None:
    report = lint(tmp_path, product=PRODUCT)
    assert "Contracts: 4 kept, 0 broken." in report, report


@pytest.mark.parametrize(
    ("module", "imports", "contract"),
    [
        ("kernel.db.floor", "from fostr.domains.records import public", LAYERS),
        ("kernel.db.floor", "def f():\n    from fostr.domains.records import public", LAYERS),
        ("kernel.db.floor", "from fostr.integrations.osm import client", LAYERS),
        ("kernel.db.floor", "from fostr import app", LAYERS),
        ("integrations.stripe.client", "from fostr.domains.records import public", LAYERS),
        ("domains.maps.layers.service", "from fostr import app", LAYERS),
        ("drawer", "", LAYERS),
        ("domains.maps.layers.service", "from fostr.domains.records.comments import service", DOMAINS),
        ("domains.maps.layers.service", "from fostr.domains.records.comments import tables", DOMAINS),
        ("domains.maps.layers.service", "import fostr.domains.records", DOMAINS),
        ("domains.brand_new.logos.service", "from fostr.domains.records.comments import rules", DOMAINS),
        ("integrations.stripe.client", "from fostr.integrations.osm import client", INTEGRATIONS),
        (
            "domains.records.comments.service",
            "from fostr.domains.records.comments import endpoints",
            RESOURCES,
        ),
        (
            "domains.records.comments.repository",
            "from fostr.domains.records.comments import service",
            RESOURCES,
        ),
        (
            "domains.records.comments.tables",
            "from fostr.domains.records.comments import repository",
            RESOURCES,
        ),
        ("domains.records.comments.schemas", "from fostr.domains.records.comments import service", RESOURCES),
    ],
)
def test_a_trespass_breaks_the_contract(tmp_path: Path, module: str, imports: str, contract: str) -> None:
    report = lint(tmp_path, product=PRODUCT | {module: imports})
    assert f"{contract} BROKEN" in report, report
