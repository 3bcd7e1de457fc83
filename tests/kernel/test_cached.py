"""What is remembered for one epoch."""

from fostr.kernel.access.cached import EpochCache


def test_a_value_holds_for_its_epoch_only() -> None:
    cache: EpochCache[str] = EpochCache(most=2)
    cache.keep("a", "old", epoch=1)
    assert cache.find("a", epoch=1) == "old"
    assert cache.find("a", epoch=2) is None
    cache.keep("a", "new", epoch=2)
    assert cache.find("a", epoch=2) == "new"
    assert cache.find("a", epoch=1) is None


def test_what_was_not_used_for_longest_is_forgotten() -> None:
    cache: EpochCache[str] = EpochCache(most=2)
    for key in ("a", "b"):
        cache.keep(key, key, epoch=1)
    assert cache.find("a", epoch=1) == "a"
    cache.keep("c", "c", epoch=1)
    assert [cache.find(key, epoch=1) for key in "abc"] == ["a", None, "c"]
