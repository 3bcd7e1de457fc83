"""The conditions that views keep: read without what has come loose since they were written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from fostr.domains.records.query.conditions import compile_condition
from fostr.domains.records.query.refusals import FilterInvalid

if TYPE_CHECKING:
    from fostr.domains.records.fields.model import Recordset
    from fostr.kernel.access.evaluator import FieldMask

ANYBODY: Final = UUID(int=0)
"""Stands for whoever will look, where it is only asked whether a condition can be used at all."""


@dataclass(frozen=True, slots=True)
class PrunedTree:
    """A tree of conditions without those that cannot be used.

    Attributes:
        tree: what is left; None for nothing.
        lost: what the conditions that were left out are about.
    """

    tree: dict[str, Any] | None
    lost: tuple[str, ...]


def check_tree(tree: dict[str, Any], *, recordset: Recordset, mask: FieldMask, part: str) -> None:
    """Refuse a tree that cannot be used.

    Raises:
        FilterInvalid: naming the part of the configuration, and the place in the tree.
    """
    compile_condition(recordset, mask=mask, tree=tree, viewer=ANYBODY, parameter=part)


def prune_tree(tree: dict[str, Any], *, recordset: Recordset, mask: FieldMask) -> PrunedTree:
    """Return a tree as if the conditions that cannot be used had never been in it."""
    lost: list[str] = []
    kept = _prune(tree, lost, recordset=recordset, mask=mask)
    return PrunedTree(tree=kept, lost=tuple(lost))


def _prune(node: dict[str, Any], lost: list[str], *, recordset: Recordset, mask: FieldMask) -> dict[str, Any] | None:
    if "not" in node:
        inner = _prune(node["not"], lost, recordset=recordset, mask=mask)
        return None if inner is None else {"not": inner}
    for word in ("and", "or"):
        if word in node:
            kept = [_prune(child, lost, recordset=recordset, mask=mask) for child in node[word]]
            left = [child for child in kept if child is not None]
            return {word: left} if left else None
    try:
        check_tree(node, recordset=recordset, mask=mask, part="filters")
    except FilterInvalid:
        lost.append(str(node.get("field", "")))
        return None
    return node or None
