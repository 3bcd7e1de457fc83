"""The queue under the jobs: pgqueuer's tables in schema `control`, and the connection that a worker serves them by.

Importing pgqueuer takes a second. Only workers, and whoever prepares a database, do it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import UUID

import asyncpg
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.qb import (
    QueryBuilderEnvironment,
    QueryQueueBuilder,
    QuerySchedulerBuilder,
)
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.domain.models import Job, TracebackRecord
from pgqueuer.domain.settings import DBSettings, Durability
from pgqueuer.domain.types import JOB_STATUS, Channel, JobId

from fostr.kernel.db.tables import CONTROL
from fostr.kernel.ids import new_id

CHANNEL: Final = Channel("ch_pgqueuer")
COMMAND_SECONDS: Final = 10.0

# Every name is given, because pgqueuer fills what is left out from the environment.
SETTINGS: Final = DBSettings(
    prefix="",
    db_schema=CONTROL,
    channel=CHANNEL,
    function="fn_pgqueuer_changed",
    statistics_table="pgqueuer_statistics",
    queue_status_type="pgqueuer_status",
    queue_table="pgqueuer",
    queue_table_log="pgqueuer_log",
    trigger="tg_pgqueuer_changed",
    schedules_table="pgqueuer_schedules",
    durability=Durability.durable,
    widen_id=True,
)


@dataclass(frozen=True, slots=True)
class QueueConnection:
    """A worker's own connection to the queue.

    Attributes:
        connection: for LISTEN and for pgqueuer's statements.
        queries: pgqueuer's statements over it.
    """

    connection: asyncpg.Connection[asyncpg.Record]
    queries: OwnedQueries

    @property
    def worker_id(self) -> UUID:
        """What the worker's jobs are marked with.

        While the connection lives it holds a lock of that name, so that others can tell when the worker is gone.
        """
        return self.queries.worker_id


@dataclass
class OwnedQueries(Queries):
    """pgqueuer's statements, of which those that end a worker's hold on a job are made only while it has it.

    A worker that was silent for too long, and comes back, would delete or queue again what its successor runs.
    """

    worker_id: UUID = field(default_factory=new_id)

    async def log_jobs(self, job_status: list[tuple[Job, JOB_STATUS, TracebackRecord | None]]) -> None:
        """Take the jobs that have ended out of the queue."""
        held = await self._list_held([job.id for job, _, _ in job_status])
        if ours := [entry for entry in job_status if entry[0].id in held]:
            await super().log_jobs(ours)

    async def retry_job(self, job: Job, delay: timedelta, traceback_record: TracebackRecord | None) -> None:
        """Queue a job again."""
        if job.id in await self._list_held([job.id]):
            await super().retry_job(job, delay, traceback_record)

    async def _list_held(self, ids: list[JobId]) -> set[object]:
        table = self.qbq.qualified.queue_table
        rows = await self.driver.fetch(
            f"select id from {table} where id = any($1::bigint[]) and queue_manager_id = $2", ids, self.worker_id
        )
        return {row["id"] for row in rows}


def _queries(connection: asyncpg.Connection[asyncpg.Record]) -> OwnedQueries:
    return OwnedQueries(
        driver=AsyncpgDriver(connection),
        qbe=QueryBuilderEnvironment(SETTINGS),
        qbq=QueryQueueBuilder(SETTINGS),
        qbs=QuerySchedulerBuilder(SETTINGS),
    )


async def install_queue(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    """Create the queue's tables in schema `control`, or bring them up to the installed version of pgqueuer.

    Args:
        connection: as the owner of the schema, outside of any transaction.
    """
    queries = _queries(connection)
    if await queries.schema_is_installed():
        await queries.upgrade()
    else:
        await queries.install(create_schema=False)


@asynccontextmanager
async def open_queue(database_url: str) -> AsyncGenerator[QueueConnection]:
    """Connect to the queue by a connection of its own, with pgqueuer's idea of JSON rather than ours."""
    connection = await asyncpg.connect(
        database_url,
        timeout=COMMAND_SECONDS,
        command_timeout=COMMAND_SECONDS,
        server_settings={"application_name": "fostr queue", "jit": "off"},
    )
    try:
        queries = _queries(connection)
        await connection.execute("select pg_advisory_lock(hashtextextended($1, 0))", str(queries.worker_id))
        yield QueueConnection(connection, queries)
    finally:
        connection.terminate()
