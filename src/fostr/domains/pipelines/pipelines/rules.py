"""How stages follow from what somebody asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fostr.domains.pipelines.pipelines.schemas import StageCreate
from fostr.kernel.http.errors import Unprocessable

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_STAGES: Final = 50
USUAL: Final = (
    StageCreate(name="New", probability=10, color="#8e9aaf"),
    StageCreate(name="Qualified", probability=25, color="#4f86c6"),
    StageCreate(name="Proposal", probability=50, color="#7a5cc2"),
    StageCreate(name="Negotiation", probability=75, color="#e09f3e"),
    StageCreate(name="Won", kind="won", color="#3a9d5d"),
    StageCreate(name="Lost", kind="lost", color="#c8553d"),
)
"""The stages of a pipeline whose maker names none, in a recordset that has none either."""
_CERTAIN: Final = {"won": 100, "lost": 0}


class StagesInvalid(Unprocessable):
    """The stages contradict themselves."""

    code = "pipeline_stages_invalid"
    detail = "The stages contradict themselves."


def settle_stages(given: Sequence[StageCreate], *, choices: Sequence[str]) -> list[StageCreate]:
    """Return the stages of a new pipeline, each with its value, and its probability where that is certain.

    Args:
        given: what was asked for; nothing at all means the choices that there are, or the usual stages.
        choices: of the field that was named.

    Raises:
        StagesInvalid: two stages have one value, something won or lost is uncertain, or there are too many.
    """
    stages = [_settle(stage) for stage in given or [StageCreate(name=choice) for choice in choices] or USUAL]
    if len(stages) > MOST_STAGES:
        raise StagesInvalid(f"A pipeline has at most {MOST_STAGES} stages.")
    values = [stage.value for stage in stages]
    twin = next((value for value in values if values.count(value) > 1), None)
    if twin is not None:
        raise StagesInvalid("Two stages have the same value.", value=twin)
    return stages


def _settle(stage: StageCreate) -> StageCreate:
    certain = _CERTAIN.get(stage.kind)
    if certain is not None and stage.probability not in (None, certain):
        raise StagesInvalid(f"What is {stage.kind} has a probability of {certain}.", value=stage.name)
    probability = stage.probability if certain is None else certain
    return stage.model_copy(update={"value": stage.value or stage.name, "probability": probability})
