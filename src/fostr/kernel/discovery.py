"""Find the modules that play a role: every `tables`, `endpoints`, `permissions`, `events` or `tasks` of the product.

A resource is added by putting its files where they belong; no list needs to be kept.
"""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import fostr

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

ROOTS: Final = ("kernel", "domains")


@cache
def import_modules(role: str) -> Sequence[ModuleType]:
    """Import every module of that name in the kernel and the domains, in the order of their full names.

    The folders are searched once in a process, whoever asks.
    """
    source = Path(fostr.__file__).parent
    paths = sorted(path for root in ROOTS for path in (source / root).rglob(f"{role}.py"))
    return tuple(importlib.import_module(_module_name(path.relative_to(source))) for path in paths)


def _module_name(path: Path) -> str:
    return ".".join(("fostr", *path.with_suffix("").parts))
