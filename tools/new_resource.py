"""`python tools/new_resource.py DOMAIN NAME`: lay out a resource in the form of the reference one.

It makes a thing of a workspace with a name and a text, that can be listed, shown, created, changed and deleted, with
permissions, events and tests. What is made is an ordinary start: everything in it is meant to be changed.
"""

from __future__ import annotations

import argparse
import ast
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT: Final = Path(__file__).resolve().parents[1]
TEMPLATES: Final = ROOT / "tools" / "resource"
MODULES: Final = ("__init__", "endpoints", "schemas", "service", "repository", "tables", "events")
NAME: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
CATALOGUE: Final = "fostr.kernel.access.catalogue"
CATALOGUE_NAMES: Final = ("ROLES", "Permission", "register_permissions")

PERMISSIONS_OF_NEW_DOMAIN: Final = f'''\
"""What this domain adds to the catalogue of permissions."""

from {CATALOGUE} import {", ".join(CATALOGUE_NAMES)}
'''

NEXT_STEPS: Final = """\
Next:
  1. Say in tables.py what the thing really is, then in schemas.py, repository.py, service.py and events.py.
  2. make revision MESSAGE='add {things}'; read what it wrote, and {python} -m ruff format src/fostr/migrations
  3. make openapi
  4. {python} -m pytest {test}
  5. make check
"""


class Refused(Exception):
    """The resource cannot be laid out; the text says why."""


@dataclass(frozen=True)
class Resource:
    """A resource by its names.

    Attributes:
        domain: the domain's package.
        plural: its package and its table, such as `price_lists`.
        singular: one of them, such as `price_list`.
    """

    domain: str
    plural: str
    singular: str

    @property
    def folder(self) -> Path:
        return ROOT / "src" / "fostr" / "domains" / self.domain / self.plural

    @property
    def permissions(self) -> Path:
        return self.folder.parent / "permissions.py"

    @property
    def test(self) -> Path:
        return ROOT / "tests" / self.domain / f"test_{self.plural}.py"

    @property
    def path(self) -> str:
        return self.plural.replace("_", "-")

    def words(self) -> dict[str, str]:
        """Return what stands for each `$name` of a template."""
        thing, things = self.singular.replace("_", " "), self.plural.replace("_", " ")
        a_thing = f"{'an' if thing[0] in 'aeio' else 'a'} {thing}"
        return {
            "domain": self.domain,
            "plural": self.plural,
            "singular": self.singular,
            "Class": "".join(word.capitalize() for word in self.singular.split("_")),
            "thing": thing,
            "things": things,
            "Things": things.capitalize(),
            "a_thing": a_thing,
            "A_thing": a_thing.capitalize(),
            "path": self.path,
            "Tag": things.capitalize(),
        }


def singular_of(plural: str) -> str:
    """Return one of many, by the plain rules of English; others are given by `--singular`.

    Raises:
        Refused: the word does not look like a plural.
    """
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("shes", "sh"), ("s", "")):
        if plural.endswith(ending) and not plural.endswith("ss"):
            return plural.removesuffix(ending) + instead
    raise Refused(f"A resource is named in the plural, such as price_lists. For {plural}, say --singular too.")


def check_free(resource: Resource) -> None:
    """Refuse names that are malformed or taken.

    Raises:
        Refused: with the reason.
    """
    for name in (resource.domain, resource.plural, resource.singular):
        if not NAME.fullmatch(name):
            raise Refused(f"{name!r} is no name: lower-case letters, digits and underscores.")
    if resource.plural == resource.singular:
        raise Refused("One of them and many of them need different names.")
    for path in (resource.folder, resource.test):
        if path.exists():
            raise Refused(f"{path.relative_to(ROOT)} is there already.")
    tables = re.compile(rf'_table\(\s*"{resource.plural}"')
    routes = re.compile(rf'prefix="/{resource.path}["/]')
    for module in sorted((ROOT / "src" / "fostr").rglob("*.py")):
        text = module.read_text()
        if tables.search(text) or routes.search(text):
            raise Refused(f"{module.relative_to(ROOT)} has a table or a path of that name already.")


def lay_out(resource: Resource) -> list[Path]:
    """Write the files of a resource and return them."""
    made = [resource.folder / f"{module}.py" for module in MODULES]
    for path in made:
        _write(path, _fill(f"{path.name}.txt", resource))
    _write(resource.test, _fill("test.py.txt", resource))
    package = resource.folder.parent / "__init__.py"
    if not package.exists():
        _write(package, f'"""{resource.domain.replace("_", " ").capitalize()}."""\n')
    before = resource.permissions.read_text() if resource.permissions.exists() else PERMISSIONS_OF_NEW_DOMAIN
    _write(resource.permissions, import_catalogue(before) + _fill("permissions.txt", resource))
    return [*made, resource.test, package, resource.permissions]


def import_catalogue(source: str) -> str:
    """Return a permissions module that imports all that new permissions are written with."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.ImportFrom) and node.module == CATALOGUE and node.end_lineno is not None:
            names = sorted({alias.name for alias in node.names} | set(CATALOGUE_NAMES))
            lines = source.splitlines(keepends=True)
            lines[node.lineno - 1 : node.end_lineno] = [f"from {CATALOGUE} import {', '.join(names)}\n"]
            return "".join(lines)
    raise Refused(f"The domain's permissions.py does not import {CATALOGUE}.")


def _fill(template: str, resource: Resource) -> str:
    return Template((TEMPLATES / template).read_text()).substitute(resource.words())


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _tidy(paths: Sequence[Path]) -> None:
    """Order imports and wrap lines, which depend on the names."""
    ruff = (sys.executable, "-m", "ruff")
    subprocess.run((*ruff, "check", "--quiet", "--fix", "--select", "I", *paths), cwd=ROOT, check=True)
    subprocess.run((*ruff, "format", "--quiet", *paths), cwd=ROOT, check=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Lay out what the command line names."""
    parser = argparse.ArgumentParser(prog="make new-resource", description="Lay out a resource like the reference one.")
    parser.add_argument("domain", help="the domain's package, such as records; it may be new")
    parser.add_argument("name", help="what there will be many of, such as price_lists")
    parser.add_argument("--singular", help="one of them, where English does not make it plain")
    given = parser.parse_args(arguments)
    try:
        singular: str = given.singular or singular_of(given.name)
        resource = Resource(domain=given.domain, plural=given.name, singular=singular)
        check_free(resource)
        made = lay_out(resource)
    except Refused as refusal:
        print(refusal, file=sys.stderr)
        return 2
    _tidy(made)
    for path in made:
        print(path.relative_to(ROOT))
    print(
        NEXT_STEPS.format(
            things=resource.plural.replace("_", " "), test=resource.test.relative_to(ROOT), python=".venv/bin/python"
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
