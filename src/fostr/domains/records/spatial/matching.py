"""The whole computation of a spatial filter: what it compares, how, and until when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from fostr.domains.records.spatial.buffers import widen_places
from fostr.domains.records.spatial.distances import mark_near
from fostr.domains.records.spatial.predicates import compare

if TYPE_CHECKING:
    from fostr.domains.records.spatial.places import Deadline, Places
    from fostr.domains.records.spatial.shapes import Marks

Operation: TypeAlias = Literal["intersects", "within", "contains", "within_distance"]


@dataclass(frozen=True, slots=True)
class Relation:
    """How targets are to stand to sources.

    Attributes:
        operation: the relation.
        metres: how much wider the sources are made before; for `within_distance` how far away a target may lie.
        is_excluded: whether the targets are wanted that do not stand so to any source.
    """

    operation: Operation
    metres: float
    is_excluded: bool


def match(relation: Relation, sources: Places, targets: Places, *, deadline: Deadline) -> tuple[Places, Marks]:
    """Return the targets in their final order, and which of them are wanted.

    Raises:
        TooSlow: the deadline passed.
        TooDetailed: the edges have too many positions.
    """
    targets, sources = targets.spread_poles(), sources.spread_poles()
    if not sources.count or not targets.count:
        return targets, np.full(targets.count, relation.is_excluded)
    return targets, _stand(relation, sources, targets, deadline) ^ relation.is_excluded


def _stand(relation: Relation, sources: Places, targets: Places, deadline: Deadline) -> Marks:
    operation, metres = relation.operation, relation.metres
    if operation == "within_distance" or (operation == "intersects" and metres > 0):
        return _near(sources, targets, metres, deadline)
    if operation == "within" and metres > 0 and not len(targets.shapes):
        return _near(sources, targets, metres, deadline)
    widened = widen_places(sources, metres, deadline=deadline) if metres > 0 else sources
    return compare(operation, widened, targets, deadline=deadline)


def _near(sources: Places, targets: Places, metres: float, deadline: Deadline) -> Marks:
    matched = compare("intersects", sources, targets, deadline=deadline)
    mark_near(sources, targets, metres, matched, deadline=deadline)
    return matched
