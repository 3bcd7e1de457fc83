"""Files are written as a whole or not at all, and read in part or as a whole."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fostr.kernel.files import FileStore, open_store
from fostr.kernel.files.keys import InvalidFileKey, make_key
from fostr.kernel.files.store import FileMissing, FileTooLarge
from tests.kernel.files.conftest import list_files, make_settings

WORKSPACE = UUID("01900000-0000-7000-8000-000000000001")
KEY = make_key(WORKSPACE, "imports", "a.csv")
MIB = 1024 * 1024


async def _chunks(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def _read(store: FileStore, *, start: int = 0, end: int | None = None) -> bytes:
    return b"".join([chunk async for chunk in store.stream(KEY, start=start, end=end)])


async def test_bytes_come_back_with_their_size_and_digest(store: FileStore) -> None:
    stored = await store.put(KEY, b"a;b\n", content_type="text/csv")
    assert (stored.key, stored.size, stored.content_type) == (KEY, 4, "text/csv")
    assert stored.sha256 == hashlib.sha256(b"a;b\n").hexdigest()
    assert await store.get(KEY) == b"a;b\n"


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(st.binary(max_size=2000), max_size=6))
async def test_stream_of_chunks_comes_back_as_one(store: FileStore, chunks: list[bytes]) -> None:
    content = b"".join(chunks)
    stored = await store.put(KEY, _chunks(*chunks), content_type="text/csv")
    assert (stored.size, stored.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert await store.get(KEY) == content
    assert await _read(store) == content


async def test_file_larger_than_the_parts_it_is_written_in_comes_back(store: FileStore) -> None:
    chunk = os.urandom(MIB)
    stored = await store.put(KEY, _chunks(*[chunk] * 13), content_type="application/zip")
    assert stored.size == 13 * MIB
    assert hashlib.sha256(await _read(store)).hexdigest() == stored.sha256


async def test_file_is_read_in_small_pieces(store: FileStore) -> None:
    await store.put(KEY, bytes(4 * MIB), content_type="application/zip")
    sizes = [len(chunk) async for chunk in store.stream(KEY)]
    assert sum(sizes) == 4 * MIB
    assert max(sizes) < MIB


async def test_file_is_kept_in_the_folder_of_its_workspace(store: FileStore, folder: Path) -> None:
    await store.put(KEY, b"x", content_type="text/csv")
    assert list_files(folder) == [f"{WORKSPACE}/imports/a.csv"]


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.integers(0, 12), st.one_of(st.none(), st.integers(0, 15)))
async def test_any_part_can_be_read(store: FileStore, start: int, end: int | None) -> None:
    content = b"0123456789"
    await store.put(KEY, content, content_type="text/plain")
    if start >= len(content):
        start = 9
    assert await _read(store, start=start, end=end) == content[start:end]


async def test_empty_file_can_be_written_and_read(store: FileStore) -> None:
    assert (await store.put(KEY, b"", content_type="text/csv")).size == 0
    assert await store.get(KEY) == b""
    assert await _read(store, start=0, end=0) == b""
    assert (await store.head(KEY)).size == 0


async def test_head_knows_size_and_time_and_its_tag_changes_with_the_content(store: FileStore) -> None:
    await store.put(KEY, b"one", content_type="text/plain")
    first = await store.head(KEY)
    assert (first.key, first.size) == (KEY, 3)
    assert abs(first.modified_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert await store.head(KEY) == first
    await store.put(KEY, b"three", content_type="text/plain")
    assert (await store.head(KEY)).etag != first.etag


async def test_missing_file_is_missing_for_every_way_of_reading(store: FileStore) -> None:
    assert not await store.exists(KEY)
    with pytest.raises(FileMissing):
        await store.get(KEY)
    with pytest.raises(FileMissing):
        await store.head(KEY)
    with pytest.raises(FileMissing):
        await _read(store)
    await store.put(KEY, b"x", content_type="text/plain")
    assert await store.exists(KEY)


async def test_folder_is_no_file(store: FileStore) -> None:
    await store.put(KEY, b"x", content_type="text/plain")
    with pytest.raises(FileMissing):
        await store.head(f"{WORKSPACE}/imports")


async def test_deleted_file_is_gone_with_its_empty_folders_and_may_be_deleted_again(
    store: FileStore, folder: Path
) -> None:
    await store.put(KEY, b"x", content_type="text/plain")
    await store.delete(KEY)
    await store.delete(KEY)
    assert not await store.exists(KEY)
    assert os.listdir(folder) == []  # noqa: PTH208 - folders count too


@pytest.mark.parametrize("limit", [5, 6 * MIB])
async def test_file_over_its_limit_is_refused_and_nothing_left(store: FileStore, folder: Path, limit: int) -> None:
    asked: list[int] = []

    async def endless() -> AsyncIterator[bytes]:
        while True:
            asked.append(1)
            yield b"x" * MIB

    with pytest.raises(FileTooLarge) as refusal:
        await store.put(KEY, endless(), content_type="text/csv", max_bytes=limit)
    assert refusal.value.fields == {"max_bytes": limit}
    assert len(asked) <= limit // MIB + 2
    assert list_files(folder) == []
    with pytest.raises(FileTooLarge):
        await store.put(KEY, b"x" * (limit + 1), content_type="text/csv", max_bytes=limit)
    assert list_files(folder) == []
    assert (await store.put(KEY, b"x" * limit, content_type="text/csv", max_bytes=limit)).size == limit


async def test_source_that_fails_leaves_the_former_file_as_it_was(store: FileStore, folder: Path) -> None:
    await store.put(KEY, b"before", content_type="text/plain")

    async def failing() -> AsyncIterator[bytes]:
        yield b"x" * 7 * MIB
        raise ConnectionError("the client went away")

    with pytest.raises(ConnectionError, match="went away"):
        await store.put(KEY, failing(), content_type="text/plain")
    assert await store.get(KEY) == b"before"
    assert list_files(folder) == [KEY]


async def test_cancelled_write_leaves_nothing(store: FileStore, folder: Path) -> None:
    begun = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"x" * 7 * MIB
        begun.set()
        await asyncio.sleep(60)

    writing = asyncio.create_task(store.put(KEY, slow(), content_type="text/plain"))
    await begun.wait()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    async with asyncio.timeout(30):
        while list_files(folder):  # noqa: ASYNC110 - whoever removes it tells nobody
            await asyncio.sleep(0.02)


async def test_reading_more_than_wanted_is_refused(store: FileStore) -> None:
    await store.put(KEY, b"12345", content_type="text/plain")
    assert await store.get(KEY, max_bytes=5) == b"12345"
    with pytest.raises(FileTooLarge):
        await store.get(KEY, max_bytes=4)


@pytest.mark.parametrize("key", ["", "a", "../a", f"{WORKSPACE}/../../etc/passwd", f"/{WORKSPACE}/a"])
async def test_irregular_key_reaches_no_file_by_any_way(store: FileStore, tmp_path: Path, key: str) -> None:
    before = list_files(tmp_path)
    for attempt in (
        store.put(key, b"x", content_type="text/plain"),
        store.get(key),
        store.head(key),
        store.exists(key),
        store.delete(key),
        anext(aiter(store.stream(key))),
        store.sign_download(key, expires_in=timedelta(minutes=1)),
        store.sign_upload(key, expires_in=timedelta(minutes=1), max_bytes=1),
    ):
        with pytest.raises(InvalidFileKey):
            await attempt
    assert list_files(tmp_path) == before


async def test_upload_that_is_too_large_is_removed_when_it_is_checked(store: FileStore) -> None:
    await store.put(KEY, b"12345", content_type="text/plain")
    assert (await store.check_upload(KEY, max_bytes=5)).size == 5
    with pytest.raises(FileTooLarge):
        await store.check_upload(KEY, max_bytes=4)
    assert not await store.exists(KEY)


async def test_cloud_store_signs_by_itself_and_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    cloud = open_store(make_settings(tmp_path, storage_url="s3://bucket/prefix"))
    for address in (
        await cloud.sign_download(KEY, expires_in=timedelta(minutes=5)),
        await cloud.sign_upload(KEY, expires_in=timedelta(minutes=5), max_bytes=10),
    ):
        parts = urlsplit(address)
        assert parts.hostname == "s3.eu-central-1.amazonaws.com"
        assert parts.path == f"/bucket/prefix/{KEY}"
        assert parse_qs(parts.query)["X-Amz-Expires"] == ["300"]


async def test_store_in_memory_by_url_keeps_the_content_type(tmp_path: Path) -> None:
    memory = open_store(make_settings(tmp_path, storage_url="memory:///"))
    await memory.put(KEY, _chunks(b"a", b"b"), content_type="text/csv")
    assert await memory.get(KEY) == b"ab"
    assert not (tmp_path / "files").exists()
