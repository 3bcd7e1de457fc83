"""What happens when records are brought in step."""

from pydantic import BaseModel

from fostr.kernel.events.catalogue import EventType, register_events


class ResyncFacts(BaseModel):
    """How many records were looked at."""

    records: int


register_events(
    [
        EventType(
            "recordset.resynced",
            entity="recordset",
            schema=ResyncFacts,
            summary="A job brought the records of a recordset in step with its fields and settings.",
            phrase="brought the records of {name} in step with its fields and settings",
        )
    ]
)
