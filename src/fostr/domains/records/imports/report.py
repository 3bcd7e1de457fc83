"""The report of an import: a CSV file of every value that was refused, at a signed address."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from fostr.domains.records.exports.formats import BYTE_ORDER_MARK, guard_formula
from fostr.domains.records.imports import repository
from fostr.domains.records.imports.advancing import MOST_FAULTS
from fostr.domains.records.imports.rules import IMPORT_JOB
from fostr.domains.records.imports.schemas import ReportAddress
from fostr.kernel import clock
from fostr.kernel.crypto.signing import is_signed, sign
from fostr.kernel.files.addresses import SignatureExpired, SignatureInvalid
from fostr.kernel.http.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from datetime import datetime
    from uuid import UUID

    from fostr.domains.records.imports.repository import Import
    from fostr.kernel.http.context import PublicContext
    from fostr.kernel.runtime import Runtime

GOOD_FOR: Final = timedelta(hours=1)
HEADER: Final = ("row", "column", "value", "reason")
_PURPOSE: Final = "import report"
_ROWS_AT_ONCE: Final = 500


class ReportNotFound(NotFound):
    """The import has no report, because every row is in, or there is no such import."""

    code = "report_not_found"
    detail = "There is no report: no row was left out."


def sign_report(runtime: Runtime, job_id: UUID, *, now: datetime, good_for: timedelta = GOOD_FOR) -> ReportAddress:
    """Return the address of an import's report, good for an hour unless it is said."""
    expires_at = (now + good_for).replace(microsecond=0)
    stamp = int(expires_at.timestamp())
    signature = sign(runtime.keys, _fields(job_id, stamp), purpose=_PURPOSE)
    base = f"{runtime.settings.public_url}/api/v1/import/error-reports/{job_id}/download"
    return ReportAddress(url=f"{base}?exp={stamp}&sig={signature}", expires_at=expires_at)


def check_report_address(runtime: Runtime, job_id: UUID, *, expires_at: int, signature: str) -> None:
    """Refuse an address that this server did not sign, or that is over.

    Raises:
        SignatureInvalid: it was not signed, or altered.
        SignatureExpired: it was good once.
    """
    if not is_signed(runtime.keys, _fields(job_id, expires_at), signature=signature, purpose=_PURPOSE):
        raise SignatureInvalid
    if clock.now().timestamp() >= expires_at:
        raise SignatureExpired


def _fields(job_id: UUID, expires_at: int) -> dict[str, str | int | None]:
    return {"job": str(job_id), "expires_at": expires_at}


async def open_report(context: PublicContext, job_id: UUID) -> tuple[Import, AsyncGenerator[bytes]]:
    """Return an import and its report, piece by piece; the caller's address has been checked.

    Raises:
        ReportNotFound: no row was left out, or the import was forgotten.
    """
    workspace = await repository.find_job_workspace(context.unit, job_id, name=IMPORT_JOB)
    if workspace is None:
        raise ReportNotFound
    async with context.runtime.database.unit(workspace) as unit:
        found = await repository.find_import(unit, job_id=job_id)
    if found is None or not found.failed_rows:
        raise ReportNotFound
    return found, _write_report(context.runtime, workspace, found)


async def _write_report(runtime: Runtime, workspace: UUID, found: Import) -> AsyncGenerator[bytes]:
    """Yield the report from a unit of work of its own, which lasts as long as the answer."""
    yield BYTE_ORDER_MARK + _write_lines([HEADER])
    lines: list[tuple[str, ...]] = []
    async with runtime.database.unit(workspace) as unit:
        async for fault in repository.stream_faults(unit, found.id):
            texts = (fault["column_name"], fault["value"], fault["reason"])
            lines.append((str(fault["row"]), *map(guard_formula, texts)))
            if len(lines) == _ROWS_AT_ONCE:
                yield _write_lines(lines)
                lines = []
    if found.reported_faults >= MOST_FAULTS:
        lines.append(
            ("", "", "", f"Only the first {MOST_FAULTS} faults are told; {found.failed_rows} rows were left out.")
        )
    yield _write_lines(lines)


def _write_lines(lines: Sequence[tuple[str, ...]]) -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\r\n").writerows(lines)
    return buffer.getvalue().encode()
