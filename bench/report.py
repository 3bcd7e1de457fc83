"""What was measured: the rows, the table that a person reads, and the file that is kept."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import Sequence

LATEST: Final = Path(__file__).parent / "latest.json"


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement against its budget.

    Attributes:
        name: names the row; a later run replaces the row of the same name.
        value: ours.
        unit: of `value` and `baseline`.
        baseline: what ours is compared with; None where the budget is absolute.
        ratio: ours by the baseline.
        budget: in words.
        ok: whether the budget is kept.
        detail: how it was measured, and what else was seen.
    """

    name: str
    value: float
    unit: str
    baseline: float | None
    ratio: float | None
    budget: str
    ok: bool
    detail: str


def round_figure(number: float) -> float:
    """Return a number with three significant digits, or whole where it has more."""
    return float(round(number)) if abs(number) >= 100 else float(f"{number:.3g}")


def compare_rates(
    name: str, *, value: float, baseline: float, unit: str, least: float, detail: str, also: bool = True
) -> Row:
    """Return the row of a rate that must reach a share of the baseline's.

    Args:
        name: names the row.
        value: ours.
        baseline: theirs.
        unit: of both.
        least: the share.
        detail: what else there is to say.
        also: whether everything else that the budget asks for is kept.
    """
    ratio = value / baseline
    return Row(
        name=name,
        value=round_figure(value),
        unit=unit,
        baseline=round_figure(baseline),
        ratio=round(ratio, 3),
        budget=f"at least {least:g} of the baseline",
        ok=ratio >= least and also,
        detail=detail,
    )


def save_rows(rows: Sequence[Row]) -> None:
    """Write the file that is kept; rows that were not measured this time stay as they were."""
    kept: dict[str, dict[str, object]] = {}
    if LATEST.exists():
        kept = {entry["name"]: entry for entry in orjson.loads(LATEST.read_bytes())}
    kept.update({row.name: asdict(row) for row in rows})
    LATEST.write_bytes(orjson.dumps(list(kept.values()), option=orjson.OPT_INDENT_2) + b"\n")


def show_rows(rows: Sequence[Row]) -> str:
    """Return the table."""
    head = ("", "ours", "baseline", "ratio", "budget", "")
    body = [(row.name, *_figures(row), row.budget, "ok" if row.ok else "MISSED") for row in rows]
    widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in (head, *body)]
    details = [f"  {row.name}: {row.detail}" for row in rows]
    return "\n".join([*(line.rstrip() for line in lines), "", *details])


def _figures(row: Row) -> tuple[str, str, str]:
    baseline = "" if row.baseline is None else f"{row.baseline:g} {row.unit}"
    ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
    return f"{row.value:g} {row.unit}", baseline, ratio
