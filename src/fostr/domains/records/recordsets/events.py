"""What happens to recordsets."""

from uuid import UUID

from pydantic import BaseModel

from fostr.kernel.events.catalogue import EventType, register_events


class FieldFacts(BaseModel):
    """What an event tells of a field."""

    key: str
    name: str
    type: str
    is_required: bool
    options: dict[str, object]
    hidden_from: list[str]
    read_only_for: list[str]
    is_promoted: bool


class RecordsetFacts(BaseModel):
    """What an event tells of a recordset; the fields only where they change."""

    slug: str
    name: str
    description: str
    type: str
    mode: str
    icon: str | None
    color: str | None
    settings: dict[str, object]
    owner_id: UUID | None
    is_active: bool
    fields: list[FieldFacts] | None = None


register_events(
    [
        EventType(f"recordset.{happened}", entity="recordset", schema=RecordsetFacts, summary=summary)
        for happened, summary in (
            ("created", "A recordset was made."),
            ("updated", "A recordset was changed."),
            ("trashed", "A recordset was moved to the trash."),
            ("restored", "A recordset was taken out of the trash."),
            ("purged", "A recordset was deleted for good, with all its records."),
        )
    ]
)
