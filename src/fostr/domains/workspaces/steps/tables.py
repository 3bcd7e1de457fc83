"""Who brings a workspace up to date at the moment, and what went wrong."""

from typing import Final

from sqlalchemy import Column, Integer, Text

from fostr.kernel.db.tables import control_table, identifier, moment, refers_to

step_runs: Final = control_table(
    "step_runs",
    identifier("workspace_id"),
    identifier("holder"),
    Column("attempt", Integer, nullable=False),
    moment("leased_until"),
    Column("failed_step", Integer),
    Column("error", Text),
    moment("failed_at", nullable=True),
    refers_to("workspace_id", "workspaces"),
    key=("workspace_id",),
)
"""One row for each workspace that had something to do. Whoever holds the lease until it ends may run steps there; the
last failure stays until the step has succeeded. `holder` is a job, `attempt` the run of it: a later one takes over from
an earlier one at once.
"""
