"""From the tree of a formula to SQL.

No record can make the SQL fail: what cannot be computed, such as a division by zero, a square root of a negative
number or a number beyond all bounds, has no value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fostr.domains.records.formulas.functions import FUNCTIONS
from fostr.domains.records.formulas.reading import read_formula
from fostr.domains.records.formulas.tree import Constant, FormulaInvalid, Reference
from fostr.domains.records.formulas.typing import Typed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fostr.domains.records.formulas.tree import Node
    from fostr.domains.records.formulas.typing import Compilation


def compile_formula(text: str, compilation: Compilation) -> Typed:
    """Return a formula as SQL on `records r`.

    Raises:
        FormulaInvalid: it cannot be read, names a field or a function that there is not, or its parts do not fit.
    """
    return _compile(read_formula(text), compilation)


def _compile(node: Node, compilation: Compilation) -> Typed:
    if isinstance(node, Constant):
        return _constant(node, compilation)
    if isinstance(node, Reference):
        return compilation.find(node.name, node.position)
    function = FUNCTIONS.get(node.name)
    if function is None:
        raise FormulaInvalid(f"There is no function {node.name[:50]}.", node.position)
    count = len(node.arguments)
    if not function.least <= count <= function.most:
        raise FormulaInvalid(f"{node.name} takes {function.arity}, not {count}.", node.position)
    return function.write(compilation, [_compile(one, compilation) for one in node.arguments], node.position)


def _constant(node: Constant, compilation: Compilation) -> Typed:
    value, position = node.value, node.position
    if isinstance(value, bool):
        return Typed("boolean", "true" if value else "false", position, constant=value)
    if isinstance(value, str):
        return Typed("text", f"{compilation.bind(value)}::text", position, constant=value)
    return Typed("number", f"{compilation.bind(value)}::numeric", position, constant=value)


@dataclass(frozen=True, slots=True)
class Named:
    """A formula whose references are keys, and those keys."""

    text: str
    keys: tuple[str, ...]


def name_by_keys(text: str, find_key: Callable[[str], str | None]) -> Named:
    """Return a formula with keys in place of the names of fields, so that renaming a field leaves it as it is.

    Args:
        text: the formula.
        find_key: returns the key of the field with a name or key.

    Raises:
        FormulaInvalid: it cannot be read, or names a field that there is not.
    """
    pieces: list[str] = []
    keys: dict[str, None] = {}
    done = 0
    for reference in sorted(_references(read_formula(text)), key=lambda one: one.position):
        key = find_key(reference.name)
        if key is None:
            raise FormulaInvalid(f"There is no field {reference.name[:200]!r}.", reference.position)
        pieces += [text[done : reference.position], f"{{{key}}}"]
        done = reference.end
        keys[key] = None
    return Named("".join([*pieces, text[done:]]), tuple(keys))


def _references(tree: Node) -> Iterator[Reference]:
    left: list[Node] = [tree]
    while left:
        node = left.pop()
        if isinstance(node, Reference):
            yield node
        elif not isinstance(node, Constant):
            left += node.arguments
