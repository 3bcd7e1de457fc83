"""Operations on the row rules of a recordset."""

from typing import Annotated
from uuid import UUID

from fostr.domains.records.modules import RECORDS
from fostr.domains.records.query.filters import FilterInvalid
from fostr.domains.records.recordsets.reach import ActionForbidden, Reached, RecordsetNotFound, recordset_in_path
from fostr.domains.records.rules import service
from fostr.domains.records.rules.schemas import Preview, PreviewCreate, Rule, RuleCreate, RuleUpdate
from fostr.domains.records.rules.service import RuleNotFound, RuleRoleInvalid, TooManyRules
from fostr.kernel.http.concurrency import ExpectedVersion, IfMatchInvalid
from fostr.kernel.http.errors import StaleUpdate, raises
from fostr.kernel.http.paging import Page, Slice, numbered
from fostr.kernel.http.routing import Router
from fostr.kernel.jobs.behalf import MemberGone

router = Router(prefix="/recordsets/{recordset}/rules", tags=["Recordsets"], module=RECORDS)

Administered = Annotated[Reached, recordset_in_path("administer")]


@router.get("", responses=raises(RecordsetNotFound, ActionForbidden))
async def list(  # noqa: A001 - endpoints are bare verbs
    target: Administered, part: Annotated[Slice, numbered(size=100, most=500)]
) -> Page[Rule]:
    """List the rules about which records of a recordset are within whose reach.

    Where rules apply to somebody, only records that meet the condition of one of them are within their reach; what
    cannot be seen can neither be changed nor deleted. Owners and administrators of the workspace, the recordset's
    owner, and whoever has `can_admin` on it are never limited. Needs `can_admin` on the recordset.
    """
    return await service.list_rules(target, part=part)


@router.post(
    "",
    status_code=201,
    responses=raises(RecordsetNotFound, ActionForbidden, TooManyRules, RuleRoleInvalid, FilterInvalid),
)
async def create(target: Administered, data: RuleCreate) -> Rule:
    """Make a rule about which records are within whose reach.

    It holds from the next request on, in lists, single reads, searches, counts, exports, maps, history and comments
    alike. Its condition may use fields that are hidden from those whom it limits, and may name the viewer. Needs
    `can_admin` on the recordset.
    """
    return await service.create_rule(target, data=data)


@router.post("/preview", responses=raises(RecordsetNotFound, ActionForbidden, MemberGone))
async def preview(target: Administered, data: PreviewCreate) -> Preview:
    """Show what is within a member's reach.

    Tells how many records a member may see, change or delete, the first of them, and what decided. Changes nothing.
    Needs `can_admin` on the recordset.
    """
    return await service.preview_rules(target, data=data)


@router.patch(
    "/{rule_id}",
    responses=raises(
        RecordsetNotFound, ActionForbidden, RuleNotFound, RuleRoleInvalid, FilterInvalid, StaleUpdate, IfMatchInvalid
    ),
)
async def update(target: Administered, rule_id: UUID, data: RuleUpdate, expected_version: ExpectedVersion) -> Rule:
    """Change a rule, or switch it on or off.

    What is left out stays. With `If-Match` or `expected_version`, a rule that was changed in the meantime is left as
    it is. Needs `can_admin` on the recordset.
    """
    return await service.update_rule(target, rule_id, data=data, expected_version=expected_version)


@router.delete("/{rule_id}", status_code=204, responses=raises(RecordsetNotFound, ActionForbidden, RuleNotFound))
async def delete(target: Administered, rule_id: UUID) -> None:
    """Take a rule away.

    Whom no other rule limits reaches every record again that their grants allow. Needs `can_admin` on the recordset.
    """
    await service.delete_rule(target, rule_id)
