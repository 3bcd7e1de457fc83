"""Limits by name, and whom they count."""

from __future__ import annotations

from datetime import timedelta

import pytest

from fostr.kernel import clock
from fostr.kernel.ids import new_id
from fostr.kernel.limits.limit import Limit, LimitReached, check_limit, forget, give_back, network_of
from fostr.kernel.runtime import Runtime


class KnocksThrottled(LimitReached):
    code = "knocks_throttled"
    detail = "Enough."


KNOCKS = Limit(KnocksThrottled, per="door", most=2, window=timedelta(hours=1))


async def test_the_refusal_names_the_limit_and_says_when_to_come_again(runtime: Runtime) -> None:
    door = str(new_id())
    with clock.travel(to=clock.now(), frozen=True):
        await check_limit(runtime.database, KNOCKS, subject=door)
        clock.advance(timedelta(minutes=10))
        await check_limit(runtime.database, KNOCKS, subject=door)
        with pytest.raises(KnocksThrottled) as refused:
            await check_limit(runtime.database, KNOCKS, subject=door)
    assert refused.value.status == 429
    assert refused.value.fields["limit"] == 2
    assert refused.value.fields["retry_after"] == 3000
    assert refused.value.headers == {"Retry-After": "3000"}
    await check_limit(runtime.database, KNOCKS, subject=str(new_id()))


async def test_one_more_passes_after_one_is_given_back_and_all_after_forgetting(runtime: Runtime) -> None:
    door = str(new_id())
    for _ in range(2):
        await check_limit(runtime.database, KNOCKS, subject=door)
    await give_back(runtime.database, KNOCKS, subject=door)
    await check_limit(runtime.database, KNOCKS, subject=door)
    await forget(runtime.database, KNOCKS, subject=door)
    for _ in range(2):
        await check_limit(runtime.database, KNOCKS, subject=door)


async def test_limits_with_one_error_count_apart(runtime: Runtime) -> None:
    windows = Limit(KnocksThrottled, per="window", most=2, window=timedelta(hours=1))
    door = str(new_id())
    for limit in (KNOCKS, windows, KNOCKS, windows):
        await check_limit(runtime.database, limit, subject=door)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::9", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_an_address_counts_by_what_its_holder_cannot_change(address: str, network: str) -> None:
    assert network_of(address) == network
