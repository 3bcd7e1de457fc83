"""Which kinds of things have rights of their own, and who can say what decided about one of them.

A domain that keeps grants on its objects registers a function in a module `explaining`, which is found by its name, so
that whoever asks why they may or may not do something is told by the same decision that the domain's operations make.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, TypeAlias

from fostr.kernel.discovery import import_modules

if TYPE_CHECKING:
    from fostr.kernel.access.access import Decision
    from fostr.kernel.http.context import Context

Explain: TypeAlias = "Callable[[Context, str, str], Awaitable[Decision | None]]"
"""Takes the request, the reference of an object and the name of a permission; answers None when the permission is not
about such objects, and refuses like any operation of the domain when the caller may not know of the object."""

ROLE: Final = "explaining"

_explainers: dict[str, Explain] = {}


def register_explainer(kind: str, explain: Explain) -> None:
    """Say who decides about objects of a kind, such as `recordset`.

    Raises:
        ValueError: another domain decides about them.
    """
    if _explainers.setdefault(kind, explain) is not explain:
        message = f"{kind} is explained twice"
        raise ValueError(message)


def find_explainer(kind: str) -> Explain | None:
    """Return who decides about objects of a kind, or None when they have no rights of their own."""
    import_modules(ROLE)
    return _explainers.get(kind)
