"""What upgrades change about every workspace in this domain."""

from fostr.domains.workspaces.steps import repository
from fostr.kernel.access.catalogue import list_permissions
from fostr.kernel.steps import Step, StepRun, register_step


async def _prune_overrides(run: StepRun) -> None:
    known = [permission.name for permission in list_permissions()]
    async with run.unit() as unit:
        await repository.prune_overrides(unit, known=known)


register_step(
    Step(
        number=1,
        name="workspaces.prune_overrides",
        label="Forgetting permissions that are no more",
        run=_prune_overrides,
        is_required=False,
    )
)
