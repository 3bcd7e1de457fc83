"""Shapes of the figures in the API."""

from datetime import date, datetime
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, Field

from fostr.domains.activity.feed.schemas import ActivityActor

TimeZone = Annotated[str, Query(max_length=64, description="Where days begin, as in `Europe/Berlin`.")]


class CategoryCounts(BaseModel):
    """How much happened of each kind."""

    action: int
    goal: int
    integration: int
    record: int
    user: int
    workspace: int


class DayCount(BaseModel):
    """How much happened on a day."""

    date: date
    count: int | None = Field(description="Null for days that were not counted; see `is_complete`.")


class PersonCount(BaseModel):
    """How much somebody did."""

    person: ActivityActor | None = Field(description="Null for the system itself.")
    count: int


class ActivityStats(BaseModel):
    """How much happened, as far as the caller may see it."""

    today: int | None
    this_week: int | None = Field(description="From Monday on.")
    last_7_days: int | None = Field(description="Today and the six days before.")
    last_30_days: int | None = Field(description="Today and the 29 days before.")
    by_category: CategoryCounts = Field(description="Since `counted_since`.")
    by_day: list[DayCount] = Field(description="The last 30 days, the oldest first.")
    by_person: list[PersonCount] = Field(description="Since `counted_since`: the ten who did the most.")
    is_complete: bool = Field(
        description="Whether all of the last 30 days were counted. For a caller who may not see everything, each "
        "activity has to be looked at, and so no more than the newest 3,000 are; what begins before them is null."
    )
    counted_since: datetime = Field(description="From when on everything was counted.")
    generated_at: datetime
