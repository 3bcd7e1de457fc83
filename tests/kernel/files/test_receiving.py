"""Received files: within their limit, what they say they are, and never in place of another."""

import hashlib
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from uuid import UUID

import httpx2
import pytest
from fastapi import UploadFile

from fostr.kernel.files import FileStore
from fostr.kernel.files.keys import make_key
from fostr.kernel.files.receiving import FileExists, receive_upload
from fostr.kernel.files.sniffing import FileTypeMismatch
from fostr.kernel.files.store import FileTooLarge
from tests.kernel.files.conftest import list_files

KEY = make_key(UUID("01900000-0000-7000-8000-000000000001"), "a.csv")
PNG = b"\x89PNG\r\n\x1a\n" + bytes(50)


async def _pieces(count: int, size: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"a;b\n" * (size // 4)


async def test_body_is_stored_as_it_was_sent(plain: httpx2.AsyncClient, store: FileStore) -> None:
    answer = await plain.put(f"/{KEY}", content=b"a;b\n", params={"name": "a.csv"})
    assert answer.status_code == 200
    assert answer.json() == {
        "size": 4,
        "sha256": hashlib.sha256(b"a;b\n").hexdigest(),
        "content_type": "text/plain",
    }
    assert await store.get(KEY) == b"a;b\n"


async def test_body_longer_than_what_is_sniffed_is_stored_whole(plain: httpx2.AsyncClient, store: FileStore) -> None:
    answer = await plain.put(f"/{KEY}", content=_pieces(30, 4000), params={"max_bytes": 120_000})
    assert answer.json()["size"] == 120_000
    assert await store.get(KEY) == b"a;b\n" * 30_000


@pytest.mark.parametrize("stated", [True, False])
async def test_body_over_its_limit_is_refused_and_nothing_left(
    plain: httpx2.AsyncClient, folder: Path, *, stated: bool
) -> None:
    content = b"a" * 1001 if stated else _pieces(1, 1004)
    answer = await plain.put(f"/{KEY}", content=content)
    assert (answer.status_code, answer.json()["code"]) == (413, "file_too_large")
    assert answer.json()["max_bytes"] == 1000
    assert list_files(folder) == []
    assert (await plain.put(f"/{KEY}", content=b"a" * 1000)).status_code == 200


async def test_file_that_lies_about_its_type_is_refused_and_nothing_left(
    plain: httpx2.AsyncClient, folder: Path
) -> None:
    answer = await plain.put(f"/{KEY}", content=PNG, params={"name": "a.csv"})
    assert (answer.status_code, answer.json()["code"]) == (422, "file_type_mismatch")
    assert (answer.json()["detected"], answer.json()["extension"]) == ("image/png", ".csv")
    assert list_files(folder) == []
    assert (await plain.put(f"/{KEY}", content=PNG, params={"name": "a.png"})).status_code == 200


async def test_file_is_never_replaced(plain: httpx2.AsyncClient, store: FileStore) -> None:
    assert (await plain.put(f"/{KEY}", content=b"first")).status_code == 200
    answer = await plain.put(f"/{KEY}", content=b"second")
    assert (answer.status_code, answer.json()["code"]) == (409, "file_exists")
    assert await store.get(KEY) == b"first"


async def test_file_of_a_form_is_held_to_the_same_rules(store: FileStore, folder: Path) -> None:
    def upload(content: bytes) -> UploadFile:
        return UploadFile(BytesIO(content), filename="a.csv")

    with pytest.raises(FileTooLarge):
        await receive_upload(upload(b"a;b\n" * 300_000), store, KEY, max_bytes=1_199_999)
    with pytest.raises(FileTypeMismatch):
        await receive_upload(upload(PNG), store, KEY, max_bytes=1000)
    assert list_files(folder) == []

    stored = await receive_upload(upload(b"a;b\n" * 300_000), store, KEY, max_bytes=1_200_000)
    assert stored.size == 1_200_000
    with pytest.raises(FileExists):
        await receive_upload(upload(b"a;b\n"), store, KEY, max_bytes=1000)
