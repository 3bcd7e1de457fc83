"""From the rules that limit a caller to the SQL condition on the records within their reach."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fostr.domains.records.query.refusals import FilterInvalid
from fostr.domains.records.rules.conditions import compile_rule
from fostr.kernel.db.sql import Fragment, join_and

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fostr.domains.records.fields.model import Recordset
    from fostr.domains.records.rules.rule import Limits, RowRule
    from fostr.kernel.http.context import Context

EVERYTHING: Final = Fragment("true", {})
NOTHING: Final = Fragment("false", {})


def restrict(context: Context, recordset: Recordset, limits: Limits, *, action: str) -> Fragment:
    """Return the condition on records `r` of a recordset that the rules of a caller set for an action.

    It is written anew for every request: what it says of the viewer and of today must not be kept.
    """
    groups = limits.bounding(action)
    if not groups:
        return EVERYTHING
    return join_and([_any_of(group, recordset=recordset, context=context) for group in groups])


def _any_of(rules: Iterable[RowRule], *, recordset: Recordset, context: Context) -> Fragment:
    conditions = [_compile(rule, recordset=recordset, context=context) for rule in rules]
    text = " or ".join(f"({condition.text})" for condition in conditions)
    params = {name: value for condition in conditions for name, value in condition.params.items()}
    return Fragment(f"({text})", params)


def _compile(rule: RowRule, *, recordset: Recordset, context: Context) -> Fragment:
    try:
        return compile_rule(
            recordset,
            rule.condition,
            viewer=context.member_id,
            now=context.now,
            prefix=f"rule{rule.id.hex}",
        )
    except FilterInvalid:
        # A change of the fields that would bring this about is refused. Should one come all the same, a rule that
        # cannot be read lets nothing through.
        return NOTHING
