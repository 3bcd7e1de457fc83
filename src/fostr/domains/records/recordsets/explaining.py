"""Say what decided about a permission on one recordset, for those who ask why."""

from fostr.domains.records.permissions import RECORDSET_POLICY
from fostr.domains.records.recordsets.reach import RecordsetNotFound, parse_reference, reach_recordset
from fostr.kernel.access.access import Decision
from fostr.kernel.access.explaining import register_explainer
from fostr.kernel.http.context import Context


async def explain(context: Context, reference: str, permission: str) -> Decision | None:
    """Return the decision about what a permission allows on a recordset; None when it is not about recordsets.

    Where row rules limit it to some of the records, the reason says so.

    Raises:
        RecordsetNotFound: it is not there, or the caller may not see it.
    """
    actions = {rule.permission: action for action, rule in RECORDSET_POLICY.actions.items()}
    if permission not in actions:
        return None
    reached = await reach_recordset(context, parse_reference(reference), None)
    if not reached.decide("view"):
        raise RecordsetNotFound
    return reached.explain(actions[permission])


register_explainer("recordset", explain)
