"""Pages of lists: what a caller may ask for, and what every list answers."""

from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel, Field

Item = TypeVar("Item")


class Page(BaseModel, Generic[Item]):
    """A part of a list."""

    items: list[Item]
    total: int = Field(description="How many there are in all.")
    has_more: bool = Field(description="Whether anything follows this page.")


@dataclass(frozen=True, slots=True)
class Slice:
    """The part of a list that was asked for."""

    limit: int
    offset: int

    def page(self, items: list[Item], *, total: int) -> Page[Item]:
        """Return the answer that holds `items`."""
        return Page(items=items, total=total, has_more=self.offset + len(items) < total)


def numbered(*, size: int = 50, most: int = 100) -> Any:
    """Return a dependency that reads `page` and `page_size`."""

    async def read(
        page: Annotated[int, Query(ge=1, le=1_000_000, description="Which page, from 1.")] = 1,
        page_size: Annotated[int, Query(ge=1, le=most, description="Items on a page.")] = size,
    ) -> Slice:
        return Slice(limit=page_size, offset=(page - 1) * page_size)

    return Depends(read)


def limited(*, size: int = 50, most: int = 100) -> Any:
    """Return a dependency that reads `limit` and `offset`."""

    async def read(
        limit: Annotated[int, Query(ge=1, le=most, description="Items to return.")] = size,
        offset: Annotated[int, Query(ge=0, le=100_000_000, description="Items to skip.")] = 0,
    ) -> Slice:
        return Slice(limit=limit, offset=offset)

    return Depends(read)


def skipped(*, size: int = 50, most: int = 100) -> Any:
    """Return a dependency that reads `skip` and `limit`."""

    async def read(
        skip: Annotated[int, Query(ge=0, le=100_000_000, description="Items to skip.")] = 0,
        limit: Annotated[int, Query(ge=1, le=most, description="Items to return.")] = size,
    ) -> Slice:
        return Slice(limit=limit, offset=skip)

    return Depends(read)


NumberedSlice = Annotated[Slice, numbered()]
LimitedSlice = Annotated[Slice, limited()]
SkippedSlice = Annotated[Slice, skipped()]
