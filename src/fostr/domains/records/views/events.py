"""What happens to saved views."""

from uuid import UUID

from pydantic import BaseModel

from fostr.kernel.events.catalogue import EventType, register_events

VIEWS_REASSIGNED = "views.reassigned"


class ViewFacts(BaseModel):
    """What an event tells of a view: not what it filters by, which not everybody may know."""

    recordset_id: UUID
    name: str
    type: str
    visibility: str
    owner_id: UUID | None
    is_default: bool
    is_locked: bool


class ViewsReassigned(BaseModel):
    """Which views went from one member to another."""

    from_member_id: UUID
    to_member_id: UUID
    count: int
    view_ids: list[UUID]


register_events(
    [
        EventType("view.created", entity="view", schema=ViewFacts, summary="A view of a recordset was saved."),
        EventType("view.updated", entity="view", schema=ViewFacts, summary="A view of a recordset was changed."),
        EventType("view.deleted", entity="view", schema=ViewFacts, summary="A view of a recordset was deleted."),
        EventType(
            VIEWS_REASSIGNED,
            entity="member",
            schema=ViewsReassigned,
            summary="All views of a member went to another.",
            phrase="handed over {count:view} of {name} to {to}",
        ),
    ]
)
