"""Fill a workspace with real data, so that there is something to look at: 3,376 airports of the United States."""

from __future__ import annotations

import asyncio
import secrets
import string
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fostr.domains.identity.public import create_user
from fostr.domains.records.public import import_file
from fostr.domains.workspaces.public import provision_workspace
from fostr.kernel.discovery import import_modules
from fostr.kernel.ids import new_id
from fostr.kernel.jobs.behalf import act_as_member
from fostr.kernel.jobs.status import get_job
from fostr.kernel.runtime import Runtime, open_runtime
from fostr.settings import Settings, load_settings
from fostr.supervisor.database import application_database

if TYPE_CHECKING:
    from uuid import UUID

WORKSPACE: Final = "Demo"
RECORDSET: Final = "Airports"
ABOUT: Final = "Airports of the United States with their coordinates, from the package vega-datasets."
WAIT_SECONDS: Final = 120


class DemoFailed(Exception):
    """The demo could not be made; the text says why."""


def find_airports() -> bytes:
    """Return the file with the airports.

    Raises:
        DemoFailed: the development dependencies are not installed.
    """
    try:
        from vega_datasets import data
    except ImportError:
        raise DemoFailed("The data comes with the development dependencies: run `make demo`.") from None
    return Path(str(data.airports.filepath)).read_bytes()


async def fill(runtime: Runtime) -> tuple[str, str, UUID]:
    """Make an account, a workspace and a recordset of airports; return address, password and workspace."""
    email = f"demo-{secrets.token_hex(3)}@example.com"
    password = make_password()
    async with runtime.database.unit() as unit:
        user = await create_user(
            unit, email=email, password=password, full_name="Demo", cost=runtime.settings.password_hash_cost
        )
        workspace = await provision_workspace(unit, name=WORKSPACE, owner_user_id=user.id)
    async with runtime.database.unit(workspace.id) as unit:
        context = await act_as_member(runtime, unit, member_id=workspace.member_id, cause_id=new_id())
        started = await import_file(
            context, filename="airports.csv", content=find_airports(), name=RECORDSET, description=ABOUT
        )
    await _finish(runtime, workspace.id, started.job_id)
    return email, password, workspace.id


def make_password() -> str:
    """Return a password that keeps every rule."""
    kinds = (string.ascii_lowercase, string.ascii_uppercase, string.digits, "-_.!")
    return "".join(secrets.choice(kind) for kind in kinds * 5)


async def _finish(runtime: Runtime, workspace_id: UUID, job_id: UUID) -> None:
    from fostr.kernel.jobs.worker import drain

    import_modules("tasks")
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            # Beside a worker that runs already this finds nothing to do; without one it is the worker.
            await drain(runtime)
            async with runtime.database.unit(workspace_id) as unit:
                job = await get_job(unit, job_id)
            if job.is_closed:
                break
            await asyncio.sleep(0.2)
    if job.status != "completed":
        raise DemoFailed(f"The import ended as {job.status}: {job.error}")


async def _run(settings: Settings, *, url: str) -> None:
    async with open_runtime(settings, database_url=url) as runtime:
        email, password, workspace_id = await fill(runtime)
    print(f"Sign in at {settings.public_url}/sign-in as {email} with the password {password}")
    print(f"Workspace {WORKSPACE}: {workspace_id}, with the recordset {RECORDSET}")


def main() -> int:
    """Make the demo, and say how to get in."""
    settings = load_settings()
    import_modules("events")
    import_modules("permissions")
    try:
        with application_database(settings) as url:
            asyncio.run(_run(settings, url=url))
    except DemoFailed as failure:
        print(failure)
        return 1
    return 0
