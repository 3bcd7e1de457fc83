"""Keep the fields that rules hang on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fostr.domains.records.query.refusals import FilterInvalid
from fostr.domains.records.rules.conditions import compile_rule
from fostr.domains.records.rules.repository import list_conditions
from fostr.kernel.http.errors import Conflict

if TYPE_CHECKING:
    from fostr.domains.records.fields.model import Recordset
    from fostr.kernel.http.context import Context


class FieldUsedByRule(Conflict):
    """A rule about who sees which records hangs on a field that is to be removed, or to become something else."""

    code = "field_used_by_rule"
    detail = "A rule of the recordset uses the field; change or delete the rule first."


async def check_rules_fit(context: Context, recordset: Recordset) -> None:
    """Refuse a change of a recordset's fields after which one of its rules could not be read any more.

    Whoever removes fields or changes their types calls this with the recordset as it is going to be, its row locked.
    Rules that are switched off count: switched on again, they must mean what they meant.

    Raises:
        FieldUsedByRule: naming the rule.
    """
    for name, condition in await list_conditions(context.unit, recordset.id):
        try:
            compile_rule(recordset, condition, viewer=context.member_id, now=context.now, prefix="rule")
        except FilterInvalid as refusal:
            raise FieldUsedByRule(rule=name, reason=refusal.sentence) from None
