"""The parts of the product that a workspace can switch off, registered by the domains.

A router names the module that it belongs to; the guards refuse its operations where the module is switched off.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fostr.kernel.discovery import import_modules

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from pydantic import BaseModel

ROLE: Final = "modules"
"""The name of the files in which domains register their modules."""


@dataclass(frozen=True, slots=True)
class Module:
    """A part of the product.

    Attributes:
        name: unique; it stands in addresses and in the database, so it is not changed lightly.
        label: what people call it.
        description: what it is for, in a sentence.
        is_enabled: whether it is switched on where a workspace has not said otherwise.
        settings: what can be set about it, with defaults; None when nothing can.
    """

    name: str
    label: str
    description: str
    is_enabled: bool = True
    settings: type[BaseModel] | None = None


_modules: dict[str, Module] = {}


def register_module(module: Module) -> Callable[[], None]:
    """Add a module to the product; return a function that takes it away again, which tests need.

    Raises:
        ValueError: the name is taken by another module.
    """
    if _modules.setdefault(module.name, module) != module:
        message = f"module {module.name} is registered twice"
        raise ValueError(message)
    return lambda: _forget(module.name)


def _forget(name: str) -> None:
    del _modules[name]


def find_module(name: str) -> Module | None:
    """Return a module by its name, or nothing when this version of the program does not have it."""
    import_modules(ROLE)
    return _modules.get(name)


def list_modules() -> list[Module]:
    """Return every module by name."""
    import_modules(ROLE)
    return sorted(_modules.values(), key=lambda module: module.name)


def is_enabled(module: Module, switched: Collection[str]) -> bool:
    """Say whether a module is switched on, by the names of those that a workspace switched the other way."""
    return module.is_enabled is not (module.name in switched)
