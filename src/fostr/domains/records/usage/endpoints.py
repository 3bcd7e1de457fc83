"""The operation that advises on promoting fields."""

from typing import Annotated

from fostr.domains.records.modules import RECORDS
from fostr.domains.records.recordsets.reach import ActionForbidden, Reached, RecordsetNotFound, recordset_in_path
from fostr.domains.records.usage import service
from fostr.domains.records.usage.schemas import PromotionSuggestions
from fostr.kernel.http.errors import raises
from fostr.kernel.http.routing import Router

router = Router(prefix="/recordsets/{recordset}", tags=["Recordsets"], module=RECORDS)

Administered = Annotated[Reached, recordset_in_path("administer")]


@router.get("/promotion-suggestions", responses=raises(RecordsetNotFound, ActionForbidden))
async def suggest_promotions(target: Administered) -> PromotionSuggestions:
    """Suggest which fields to promote, by how lists were filtered and sorted in the last 30 days.

    A promoted field has an index, which filters and sorts use and every write fills. What lists ask for is counted
    within a minute or two. To follow a suggestion, change the recordset with `is_promoted` on the field. Needs
    `can_admin` on the recordset.
    """
    return await service.suggest_promotions(target)
