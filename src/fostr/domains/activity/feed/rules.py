"""What may be asked of the feed, once it is understood."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the feed: behind the activity that it names."""

    happened_at: datetime
    id: UUID


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which activities are wanted.

    Attributes:
        categories: of these; None for all.
        actors: by these members; None for everybody's, and the system's.
        since: not before this.
        before: before this, and not at it.
        words: each of them, folded, is in the sentence that the reader is shown.
    """

    categories: tuple[str, ...] | None = None
    actors: tuple[UUID, ...] | None = None
    since: datetime | None = None
    before: datetime | None = None
    words: tuple[str, ...] = ()
