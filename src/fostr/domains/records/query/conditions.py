"""Conditions that hold groups of others: as filters of lists, in views, and in the rules on which rows somebody sees.

A condition is one of these, as JSON:
`{"and": [condition, …]}`, `{"or": [condition, …]}`, `{"not": condition}`, or
`{"field": key, "op": operator, "value": operand}`, where the key is that of a field, or the name of what every record
has, such as `@owner_id` (see `subjects.ATTRIBUTES`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from fostr.domains.records.fields.types import ValueRefused
from fostr.domains.records.query.moments import find_clock
from fostr.domains.records.query.operators import OPERATORS, Builder, find_operator
from fostr.domains.records.query.refusals import FilterInvalid
from fostr.domains.records.query.subjects import find_subject
from fostr.kernel import clock
from fostr.kernel.db.sql import Fragment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from uuid import UUID

    from fostr.domains.records.fields.model import Recordset
    from fostr.kernel.access.evaluator import FieldMask

DEEPEST: Final = 5
MOST_CONDITIONS: Final = 50
PARAMETER: Final = "filters"
GROUPS: Final = ("and", "or", "not")
_LEAF: Final = frozenset({"field", "op", "value"})


@dataclass(frozen=True, slots=True)
class _Scope:
    """What the conditions of one tree have in common."""

    recordset: Recordset
    mask: FieldMask
    builder: Builder
    parameter: str


def compile_condition(
    recordset: Recordset,
    *,
    mask: FieldMask,
    tree: object,
    viewer: UUID | None,
    prefix: str = "c",
    now: datetime | None = None,
    time_zone: str | None = None,
    parameter: str = PARAMETER,
) -> Fragment:
    """Return the SQL on `records r` that a condition stands for; it is true or false, or missing, which is false.

    Args:
        recordset: whose fields are named.
        mask: fields that whoever asks may not see cannot be named. For a rule that binds others, nothing is masked:
            it was somebody with a sight of the fields who wrote it.
        tree: the condition, as it came out of JSON; an empty object is always true.
        viewer: the member whom operands such as `{"$viewer": "member_id"}` mean.
        prefix: letters that begin the names of the parameters. Conditions that stand in one statement have different
            ones; the workspace is always `:workspace`.
        now: the present, for relative dates.
        time_zone: whose days are meant; UTC unless it is said.
        parameter: what a refusal calls the condition.

    Raises:
        FilterInvalid: naming the place in the tree, and of a condition the field and the operators that it has.
        TimeZoneUnknown: there is no such zone.
    """
    builder = Builder(prefix, find_clock(now or clock.now(), time_zone), viewer)
    scope = _Scope(recordset, mask, builder, parameter)
    if tree == {}:
        return Fragment("true", {})
    text = _write(scope, tree, path="", depth=1)
    return Fragment(text, builder.params)


def list_names(tree: object) -> list[str]:
    """Return what the conditions of a tree are about, keys of fields and names of attributes, each once.

    Whoever keeps a condition asks this, to know what it hangs on. What is no condition is passed over.
    """
    return list(dict.fromkeys(_names(tree, depth=1)))


def _names(node: object, *, depth: int) -> Iterator[str]:
    if not isinstance(node, dict) or depth > DEEPEST:
        return
    given = cast("dict[str, Any]", node)
    if isinstance(given.get("field"), str):
        yield given["field"]
    for group in GROUPS:
        children = given.get(group)
        for child in cast("list[Any]", children) if isinstance(children, list) else [children]:
            yield from _names(child, depth=depth + 1)


def _write(scope: _Scope, node: object, *, path: str, depth: int) -> str:
    if not isinstance(node, dict):
        raise _refuse(scope, path, "A condition is a JSON object.")
    given = cast("dict[str, Any]", node)
    if depth > DEEPEST:
        raise _refuse(scope, path, f"Groups are nested deeper than {DEEPEST}.")
    if given.keys() == {"not"}:
        # What is missing is false, and so its opposite true.
        return f"(({_write(scope, given['not'], path=_join(path, 'not'), depth=depth + 1)}) is not true)"
    if given.keys() in ({"and"}, {"or"}):
        return _write_group(scope, next(iter(given)), given, path=path, depth=depth)
    return _write_leaf(scope, given, path=path)


def _write_group(scope: _Scope, word: str, given: dict[str, Any], *, path: str, depth: int) -> str:
    children = given[word]
    if not isinstance(children, list):
        raise _refuse(scope, _join(path, word), f"A group is a list: {word!r}.")
    if not children:
        if word == "or":
            raise _refuse(scope, _join(path, word), "A choice between no conditions says nothing.")
        return "true"
    places = enumerate(cast("list[Any]", children))
    written = [_write(scope, child, path=_join(path, f"{word}[{place}]"), depth=depth + 1) for place, child in places]
    return f"({f' {word} '.join(written)})"


def _write_leaf(scope: _Scope, given: dict[str, Any], *, path: str) -> str:
    name, operator = given.get("field"), given.get("op")
    if given.keys() != _LEAF or not isinstance(name, str) or not isinstance(operator, str):
        raise _refuse(scope, path, 'A condition is {"field", "op", "value"}, or one of "and", "or", "not".')
    if scope.builder.conditions >= MOST_CONDITIONS:
        raise _refuse(scope, path, f"There are more than {MOST_CONDITIONS} conditions.")
    subject = find_subject(name, recordset=scope.recordset, mask=scope.mask)
    if subject is None:
        raise _refuse(scope, path, f"There is no field {name!r}.", field=name)
    found = find_operator(subject, operator)
    if found is None:
        operators = list(OPERATORS[subject.kind])
        raise _refuse(scope, path, f"Field {name!r} has no operator {operator!r}.", field=name, operators=operators)
    try:
        return scope.builder.write(subject, found, given["value"])
    except ValueRefused as refusal:
        raise _refuse(scope, path, f"{given['value']!r} {refusal}.", field=name) from None


def _join(path: str, step: str) -> str:
    return f"{path}.{step}" if path else step


def _refuse(scope: _Scope, path: str, sentence: str, **fields: Any) -> FilterInvalid:
    return FilterInvalid(sentence, parameter=scope.parameter, path=path, **fields)
