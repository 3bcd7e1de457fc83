"""What happens to pipelines."""

from uuid import UUID

from pydantic import BaseModel

from fostr.kernel.events.catalogue import EventType, register_events


class StageFacts(BaseModel):
    """What an event tells of a stage."""

    name: str
    value: str
    kind: str
    probability: int | None


class PipelineFacts(BaseModel):
    """What an event tells of a pipeline."""

    recordset_id: UUID
    name: str
    stage_field: str
    stages: list[StageFacts]


register_events(
    [
        EventType(
            "pipeline.created",
            entity="pipeline",
            schema=PipelineFacts,
            summary="A recordset got a pipeline.",
        ),
    ]
)
