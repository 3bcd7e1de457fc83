"""A key names one file of one workspace, in one spelling, and nothing beside it."""

from pathlib import PurePosixPath
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fostr.kernel.files.keys import InvalidFileKey, check_key, get_workspace, make_key

OURS = UUID("01900000-0000-7000-8000-000000000001")
THEIRS = UUID("01900000-0000-7000-8000-000000000002")
SEGMENT = st.from_regex(r"[A-Za-z0-9_-]{1,10}(\.[A-Za-z0-9_-]{1,10}){0,2}", fullmatch=True)


@given(st.uuids(), st.lists(SEGMENT, min_size=1, max_size=4))
def test_key_begins_with_its_workspace_and_stays_below_it(workspace: UUID, segments: list[str]) -> None:
    key = make_key(workspace, *segments)
    assert key == "/".join((str(workspace), *segments))
    assert get_workspace(key) == workspace
    assert PurePosixPath("/root", key).is_relative_to(f"/root/{workspace}")
    assert ".." not in PurePosixPath(key).parts


@given(st.text(max_size=40))
def test_any_other_text_is_refused_or_stays_below_its_workspace(text: str) -> None:
    key = f"{OURS}/{text}"
    try:
        check_key(key)
    except InvalidFileKey:
        return
    path = PurePosixPath(key)
    assert str(path) == key
    assert path.parts[0] == str(OURS)
    assert not {"..", ".", ""} & set(path.parts)
    assert key.isascii()


@pytest.mark.parametrize(
    "rest",
    [
        "",
        "/",
        "/a/",
        "//a",
        "/../a",
        "/a/../../b",
        "/.",
        "/..",
        "/.hidden",
        "/a..b",
        "/a.",
        "/a b",
        "/a\\b",
        "/a%2e%2e",
        "/a\0",
        "/a\n",
        "/a#1",
        "/a?b",
        "/ä",
        "/a:b",
        "/~",
        "/" + "a" * 129,
        "/a" * 300,
    ],
)
def test_irregular_rest_is_refused(rest: str) -> None:
    check_key(f"{OURS}/a.csv")
    with pytest.raises(InvalidFileKey):
        check_key(f"{OURS}{rest}")


@pytest.mark.parametrize(
    "first", ["", "a", "..", str(OURS).upper(), f"{{{OURS}}}", f"urn:uuid:{OURS}", OURS.hex, f" {OURS}", "C:"]
)
def test_key_without_a_workspace_in_its_one_spelling_is_refused(first: str) -> None:
    # Capitals make no difference to digits alone, so the workspace has a letter here.
    lettered = first.replace(str(OURS).upper(), "01900000-0000-7000-8000-00000000000A")
    for key in (f"{lettered}/a", f"/{OURS}/a"):
        with pytest.raises(InvalidFileKey):
            check_key(key)


def test_key_of_another_workspace_is_refused_where_one_is_expected() -> None:
    key = make_key(OURS, "imports", "a.csv")
    check_key(key, workspace=OURS)
    with pytest.raises(InvalidFileKey):
        check_key(key, workspace=THEIRS)
    with pytest.raises(InvalidFileKey):
        make_key(OURS, "..", str(THEIRS), "a.csv")
