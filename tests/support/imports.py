"""Import files through the API, for tests of imports and about what is imported."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import asyncpg

    from fostr.kernel.runtime import Runtime
    from tests.support.client import Client

IMPORT: Final = "/api/v1/import"


def _read_airports() -> bytes:
    # The package is not imported: it would bring pandas with it.
    found = find_spec("vega_datasets")
    assert found is not None
    assert found.origin is not None
    return (Path(found.origin).parent / "_data" / "airports.csv").read_bytes()


AIRPORTS: Final = _read_airports()
"""3,376 airports of the United States with their places."""


async def upload(client: Client, filename: str, content: bytes | str, **options: str) -> dict[str, Any]:
    """Upload a file and return what is in it."""
    raw = content.encode() if isinstance(content, str) else content
    response = await client.post(f"{IMPORT}/upload", files={"file": (filename, raw)}, data=options)
    assert response.status_code == 200, response.text
    return response.json()


async def start_import(client: Client, found: dict[str, Any], **data: Any) -> dict[str, Any]:
    """Begin to import an uploaded file into a new recordset."""
    response = await client.post(IMPORT, json={"file_uri": found["file_uri"], **data})
    assert response.status_code == 200, response.text
    return response.json()


async def run_import(
    client: Client, run_jobs: Callable[[], Awaitable[None]], content: bytes | str, **data: Any
) -> dict[str, Any]:
    """Import a table into a new recordset, and return the finished job."""
    found = await upload(client, "table.csv", content)
    started = await start_import(client, found, **data)
    await run_jobs()
    response = await client.get(started["status_url"])
    assert response.json()["status"] == "completed", response.text
    return response.json()


async def rows_of(runtime: Runtime, workspace: UUID, recordset_id: str) -> list[asyncpg.Record]:
    """Return what was stored of a recordset's records, by their place in the file."""
    async with runtime.database.unit(workspace) as unit:
        return await unit.rows(
            """
            select r.id, r.import_row, r.title, r.field_values, r.geometry, r.geometry_type, r.bbox, r.import_id,
                   x.document::text as document
            from records r
            left join record_search x on x.workspace_id = r.workspace_id and x.record_id = r.id
            where r.workspace_id = :workspace and r.recordset_id = :recordset_id
            order by r.import_row, r.id
            """,
            recordset_id=UUID(recordset_id),
        )
