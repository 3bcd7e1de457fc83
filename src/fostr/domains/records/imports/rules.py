"""How an import moves from stage to stage.

    waiting ──begin──► loading ──loaded──► indexing ──indexed──► finished
       │                  ├────────────────previewed────────────►   (a dry run)
       └──────────────────┴───────────────────┴──────stop──────► stopped

The job says whether an import waits, runs or has ended; the stage says what of it is done, in the transactions that do
it, so that a job that begins anew knows where to go on.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

IMPORT_JOB: Final = "records.import"
SETTLE_JOB: Final = "records.settle_import"

Outcome: TypeAlias = Literal["completed", "cancelled", "failed"]
Stage: TypeAlias = Literal["waiting", "loading", "indexing", "finished", "stopped"]
Step: TypeAlias = Literal["begin", "loaded", "indexed", "previewed", "stop"]

STEPS: Final[dict[Step, tuple[frozenset[Stage], Stage]]] = {
    "begin": (frozenset({"waiting"}), "loading"),
    "loaded": (frozenset({"loading"}), "indexing"),
    "indexed": (frozenset({"indexing"}), "finished"),
    "previewed": (frozenset({"loading"}), "finished"),
    "stop": (frozenset({"waiting", "loading", "indexing"}), "stopped"),
}

SETTLED: Final[frozenset[Stage]] = frozenset({"finished", "stopped"})
"""Stages in which nothing more happens."""
