"""What becomes of each row of a bulk write."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from fostr.domains.records.bulk.schemas import BulkWritten, RowError, RowResult
from fostr.kernel.http.errors import Unprocessable

if TYPE_CHECKING:
    from uuid import UUID

    from fostr.domains.records.bulk.schemas import Mode, Result

GOOD: Final = frozenset({"created", "updated", "unchanged"})


class RowsRefused(Unprocessable):
    """Some rows of a request that wants all or nothing are not good, and so none was written."""

    code = "rows_refused"
    detail = "Some rows cannot be written, so none was."


@dataclass(slots=True)
class Outcome:
    """What became of one row so far; no result means that nothing spoke against it yet."""

    result: Result | None = None
    record_id: UUID | None = None
    version: int | None = None
    errors: list[RowError] = field(default_factory=list[RowError])

    def refuse(self, result: Result, *errors: RowError) -> None:
        """Note why the row is not written."""
        self.result = result
        self.errors += errors


def check_all_good(outcomes: list[Outcome], *, mode: Mode) -> None:
    """Refuse the whole request when it wants all or nothing, and some rows are not good.

    Raises:
        RowsRefused: naming each of them.
    """
    if mode == "partial":
        return
    bad = [
        show_outcome(row, outcome).model_dump(mode="json")
        for row, outcome in enumerate(outcomes)
        if outcome.result is not None and outcome.result not in GOOD
    ]
    if bad:
        raise RowsRefused(rows=bad)


def show_outcome(row: int, outcome: Outcome) -> RowResult:
    """Return what is told of a row."""
    return RowResult(
        row=row,
        result=outcome.result or "unchanged",
        record_id=outcome.record_id,
        version=outcome.version,
        errors=outcome.errors,
    )


def show_all(outcomes: list[Outcome], *, change_id: UUID | None, dry_run: bool) -> BulkWritten:
    """Return what is told of a whole request."""
    results = [show_outcome(row, outcome) for row, outcome in enumerate(outcomes)]
    counts = {word: sum(entry.result == word for entry in results) for word in GOOD}
    return BulkWritten(
        dry_run=dry_run,
        change_id=change_id,
        matched=len(results),
        created=counts["created"],
        updated=counts["updated"],
        unchanged=counts["unchanged"],
        refused=len(results) - sum(counts.values()),
        results=results,
    )
