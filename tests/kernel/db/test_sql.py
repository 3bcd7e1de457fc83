"""Named parameters become numbers, and nothing else in a statement changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fostr.kernel.db.sql import Fragment, join_and, translate


def test_a_name_takes_one_number_wherever_it_stands() -> None:
    statement = translate("select :a, :b, :a::text where x = :b")
    assert statement.text == "select $1, $2, $1::text where x = $2"
    assert statement.names == ("a", "b")
    assert statement.arguments({"b": 2, "a": 1, "unused": 3}) == [1, 2]


@pytest.mark.parametrize(
    "text",
    [
        "select ':name'",
        "select 'it''s :name'",
        'select ":name"',
        "select 1 -- :name\n",
        "select 1 /* :name\n :other */",
        "select $$ :name $$",
        "select $body$ :name $$ $body$",
        "select x::name, '{}'::text[]",
        "select a[1:2]",
    ],
)
def test_colons_that_are_no_parameters_stay(text: str) -> None:
    assert translate(text).text == text
    assert translate(text).names == ()


def test_a_missing_parameter_is_an_error() -> None:
    with pytest.raises(KeyError):
        translate("select :a").arguments({})


@given(st.lists(st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True), min_size=1, max_size=8))
def test_numbers_follow_the_order_of_first_appearance(names: list[str]) -> None:
    statement = translate("select " + ", ".join(f":{name}" for name in names))
    assert statement.names == tuple(dict.fromkeys(names))
    numbers = [f"${statement.names.index(name) + 1}" for name in names]
    assert statement.text == "select " + ", ".join(numbers)


def test_conditions_join() -> None:
    joined = join_and([Fragment("a = :a", {"a": 1}), Fragment("b = :b", {"b": 2})])
    assert joined == Fragment("a = :a and b = :b", {"a": 1, "b": 2})
    assert join_and([]) == Fragment("true", {})


def test_conditions_that_disagree_on_a_parameter_are_refused() -> None:
    with pytest.raises(ValueError, match="different values"):
        join_and([Fragment("a = :a", {"a": 1}), Fragment("b = :a", {"a": 2})])
