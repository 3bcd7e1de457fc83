"""Served files: ranges as HTTP asks for them, entity tags, and nothing that a browser would run."""

from uuid import UUID

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fostr.kernel.files import FileStore
from fostr.kernel.files.keys import make_key

CONTENT = bytes(range(100))
KEY = make_key(UUID("01900000-0000-7000-8000-000000000001"), "a.bin")


@pytest.fixture(autouse=True)
async def written(store: FileStore) -> None:
    await store.put(KEY, CONTENT, content_type="application/octet-stream")


async def _get(plain: httpx2.AsyncClient, wanted: str | None = None, **headers: str) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await plain.get(f"/{KEY}", headers=named | ({"Range": wanted} if wanted else {}))


async def test_whole_file_is_served_with_its_length_and_tag(plain: httpx2.AsyncClient, store: FileStore) -> None:
    answer = await _get(plain)
    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert answer.headers["content-length"] == "100"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["etag"] == (await store.head(KEY)).etag
    assert answer.headers["last-modified"].endswith("GMT")


@pytest.mark.parametrize(
    ("wanted", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=10-19", 10, 19),
        ("bytes=90-", 90, 99),
        ("bytes=-5", 95, 99),
        ("bytes=-500", 0, 99),
        ("bytes=50-5000", 50, 99),
        ("bytes=0-", 0, 99),
        ("bytes= 1-2", 1, 2),
    ],
)
async def test_one_range_is_honoured(plain: httpx2.AsyncClient, wanted: str, first: int, last: int) -> None:
    answer = await _get(plain, wanted)
    assert (answer.status_code, answer.content) == (206, CONTENT[first : last + 1])
    assert answer.headers["content-range"] == f"bytes {first}-{last}/100"
    assert answer.headers["content-length"] == str(last - first + 1)


@pytest.mark.parametrize("wanted", ["bytes=100-", "bytes=100-200", "bytes=999999999999999999-", "bytes=-0"])
async def test_range_past_the_end_is_refused(plain: httpx2.AsyncClient, wanted: str) -> None:
    answer = await _get(plain, wanted)
    assert answer.status_code == 416
    assert answer.headers["content-range"] == "bytes */100"
    assert answer.json()["code"] == "range_not_satisfiable"


@pytest.mark.parametrize(
    "wanted",
    ["bytes=5-2", "bytes=-", "bytes=a-b", "items=0-5", "bytes=0-1,5-6", "0-5", "bytes=1-" + "9" * 30, "-"],
)
async def test_several_ranges_and_nonsense_are_answered_with_the_whole_file(
    plain: httpx2.AsyncClient, wanted: str
) -> None:
    answer = await _get(plain, wanted)
    assert (answer.status_code, answer.content) == (200, CONTENT)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.integers(0, 120), st.integers(0, 120))
async def test_any_range_is_the_slice_of_the_file(plain: httpx2.AsyncClient, first: int, last: int) -> None:
    answer = await _get(plain, f"bytes={first}-{last}")
    if last < first:
        assert (answer.status_code, answer.content) == (200, CONTENT)
    elif first >= 100:
        assert answer.status_code == 416
    else:
        assert (answer.status_code, answer.content) == (206, CONTENT[first : last + 1])


async def test_range_is_honoured_only_if_the_file_is_still_the_same(
    plain: httpx2.AsyncClient, store: FileStore
) -> None:
    seen = (await _get(plain)).headers
    for validator in (seen["etag"], seen["last-modified"]):
        assert (await _get(plain, "bytes=0-1", If_Range=validator)).status_code == 206
    await store.put(KEY, CONTENT[::-1] + b"!", content_type="application/octet-stream")
    for validator in (seen["etag"], 'W/"x"', "Thu, 01 Jan 1970 00:00:00 GMT", "nonsense"):
        answer = await _get(plain, "bytes=0-1", If_Range=validator)
        assert (answer.status_code, answer.content) == (200, CONTENT[::-1] + b"!")


async def test_known_file_is_not_sent_again(plain: httpx2.AsyncClient, store: FileStore) -> None:
    tag = (await _get(plain)).headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        answer = await _get(plain, If_None_Match=known)
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
    assert (await _get(plain, If_None_Match='"other"')).status_code == 200
    await store.put(KEY, b"new", content_type="application/octet-stream")
    assert (await _get(plain, If_None_Match=tag)).content == b"new"


async def test_head_says_what_get_would_without_the_content(plain: httpx2.AsyncClient) -> None:
    head, full = await plain.head(f"/{KEY}", headers={"Range": "bytes=0-1"}), await _get(plain)
    assert (head.status_code, head.content) == (200, b"")
    assert dict(head.headers) == dict(full.headers)


async def test_empty_file_is_served_and_has_no_ranges(plain: httpx2.AsyncClient, store: FileStore) -> None:
    await store.put(KEY, b"", content_type="text/plain")
    answer = await _get(plain)
    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"", "0")
    for wanted in ("bytes=0-", "bytes=-5"):
        assert (await _get(plain, wanted)).status_code == 416


async def test_missing_file_is_a_404_with_a_code(plain: httpx2.AsyncClient) -> None:
    answer = await plain.get(f"/{KEY}x")
    assert answer.status_code == 404
    assert answer.json()["code"] == "file_not_found"


@pytest.mark.parametrize(
    ("media_type", "inline", "shown"),
    [
        ("image/png", True, True),
        ("application/pdf", True, True),
        ("text/plain", True, True),
        ("IMAGE/PNG; a=b", True, True),
        ("image/png", False, False),
        ("text/html", True, False),
        ("image/svg+xml", True, False),
        ("text/xml", True, False),
        ("application/xhtml+xml", True, False),
        ("text/html; a=image/png", True, False),
        ("application/javascript", True, False),
        ("", True, False),
    ],
)
async def test_only_what_cannot_run_is_shown_by_the_browser(
    plain: httpx2.AsyncClient, media_type: str, *, inline: bool, shown: bool
) -> None:
    answer = await plain.get(f"/{KEY}", params={"type": media_type, "inline": inline})
    assert answer.headers["content-disposition"] == ("inline" if shown else "attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"
    policy = answer.headers.get("content-security-policy", "")
    assert ("sandbox" in policy) is (media_type != "application/pdf")


@pytest.mark.parametrize(
    ("name", "disposition"),
    [
        ("plan.csv", "attachment; filename=\"plan.csv\"; filename*=UTF-8''plan.csv"),
        (
            'Ümsätze "Q1".csv',
            "attachment; filename=\"_ms_tze _Q1_.csv\"; filename*=UTF-8''%C3%9Cms%C3%A4tze%20%22Q1%22.csv",
        ),
        (
            "a\r\nSet-Cookie: x",
            "attachment; filename=\"aSet-Cookie: x\"; filename*=UTF-8''aSet-Cookie%3A%20x",
        ),
        (
            "../../etc/passwd",
            "attachment; filename=\"../../etc/passwd\"; filename*=UTF-8''..%2F..%2Fetc%2Fpasswd",
        ),
    ],
)
async def test_name_is_quoted_so_that_it_stays_a_name(plain: httpx2.AsyncClient, name: str, disposition: str) -> None:
    answer = await plain.get(f"/{KEY}", params={"name": name})
    assert answer.headers["content-disposition"] == disposition
    assert "set-cookie" not in answer.headers


async def test_type_is_guessed_from_the_name_when_none_is_given(plain: httpx2.AsyncClient) -> None:
    assert (await plain.get(f"/{KEY}", params={"name": "a.png"})).headers["content-type"] == "image/png"
    assert (await plain.get(f"/{KEY}", params={"name": "a.odd"})).headers["content-type"] == (
        "application/octet-stream"
    )
    answer = await plain.get(f"/{KEY}", params={"name": "a.txt", "inline": True})
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
