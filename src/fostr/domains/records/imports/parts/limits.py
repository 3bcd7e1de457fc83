"""How large the parts of an upload may be, and how many."""

from datetime import timedelta
from typing import Final

MOST_PARTS: Final = 1_000
LARGEST_PART: Final = 64 * 1024**2
KEPT_FOR: Final = timedelta(days=1)
"""Parts of a file that was never completed."""
