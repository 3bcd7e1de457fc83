"""Ids are UUIDv7, in the order in which they were made, and never twice."""

import itertools
import os
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import RFC_4122, UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fostr.kernel import clock
from fostr.kernel.ids import new_id, new_ids

_VERSION = 7


def _milliseconds(made: UUID) -> int:
    return made.int >> 80


@given(st.integers(min_value=2, max_value=3000))
def test_ids_ascend_strictly_in_the_order_they_are_made(count: int) -> None:
    made = [new_id() for _ in range(count)]
    assert all(earlier < later for earlier, later in itertools.pairwise(made))
    assert sorted(made, key=str) == made


@given(st.integers(min_value=1, max_value=50))
def test_ids_have_the_version_and_variant_of_the_rfc(count: int) -> None:
    for made in (new_id() for _ in range(count)):
        assert made.version == _VERSION
        assert made.variant == RFC_4122


def test_id_begins_with_the_real_time_even_while_the_clock_travels() -> None:
    with clock.travel(to=datetime(2001, 1, 1, tzinfo=UTC)):
        before = time.time_ns() // 1_000_000
        made = new_id()
        after = time.time_ns() // 1_000_000
    assert before <= _milliseconds(made) <= after + 1


def test_ids_of_many_threads_are_all_different_and_ascend_in_each() -> None:
    def make(_: int) -> list[UUID]:
        return [new_id() for _ in range(5000)]

    with ThreadPoolExecutor(max_workers=8) as threads:
        batches = list(threads.map(make, range(8)))
    assert all(batch == sorted(batch) for batch in batches)
    assert len({made for batch in batches for made in batch}) == 8 * 5000


@given(st.lists(st.integers(min_value=0, max_value=3000), min_size=1, max_size=5))
def test_many_ids_at_once_stand_in_order_among_single_ones(counts: list[int]) -> None:
    made: list[UUID] = [new_id()]
    for count in counts:
        many = new_ids(count)
        assert len(many) == count
        made += [*many, new_id()]
    assert all(earlier < later for earlier, later in itertools.pairwise(made))
    assert all((one.version, one.variant) == (_VERSION, RFC_4122) for one in made)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_forked_process_does_not_go_on_with_its_parents_counter() -> None:
    new_id()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover -- runs in the other process
        os.write(writing, new_id().bytes)
        os._exit(0)
    os.waitpid(child, 0)
    theirs = UUID(bytes=os.read(reading, 16))
    os.close(reading)
    os.close(writing)
    ours = [new_id() for _ in range(1000)]
    # 42 random bits of counter: a shared sequence would make the first of ours collide up to the 32-bit tail.
    counters = {made.int & ~0xFFFF_FFFF for made in ours}
    assert theirs.int & ~0xFFFF_FFFF not in counters


def test_ids_made_later_sort_after_ids_made_earlier() -> None:
    earlier = new_id()
    time.sleep(timedelta(milliseconds=3).total_seconds())
    assert _milliseconds(earlier) < _milliseconds(new_id())
