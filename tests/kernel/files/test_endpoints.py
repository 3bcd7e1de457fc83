"""Signed addresses over HTTP: whoever holds one may do what it says, and nothing else."""

import hashlib
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from fostr.kernel import clock
from fostr.kernel.files import FileStore
from fostr.kernel.files.keys import make_key
from fostr.kernel.ids import new_id
from fostr.kernel.runtime import Runtime
from tests.support.client import BASE, Client, refusal

LIFE = timedelta(minutes=5)
NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
CSV = b"name,latitude\nThigpen,31.95\n"


@pytest.fixture
def files(runtime: Runtime) -> FileStore:
    return runtime.files


@pytest.fixture
def key() -> str:
    return make_key(new_id(), "imports", f"{new_id()}.csv")


@pytest.fixture
async def download(files: FileStore, key: str) -> str:
    """The address of a file that is there."""
    await files.put(key, CSV, content_type="text/csv")
    address = await files.sign_download(key, expires_in=LIFE, filename="airports.csv", content_type="text/csv")
    return address.removeprefix(BASE)


async def _upload_address(files: FileStore, key: str, *, max_bytes: int = 1000) -> str:
    address = await files.sign_upload(key, expires_in=LIFE, max_bytes=max_bytes, filename="airports.csv")
    return address.removeprefix(BASE)


async def test_download_needs_no_credential_and_says_what_it_is(client: Client, download: str) -> None:
    answer = await client.anonymous().get(download)
    assert (answer.status_code, answer.content) == (200, CSV)
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"].startswith('attachment; filename="airports.csv"')
    assert answer.headers["x-content-type-options"].startswith("nosniff")


async def test_download_honours_ranges_and_tags(client: Client, download: str) -> None:
    part = await client.get(download, headers={"Range": "bytes=5-12"})
    assert (part.status_code, part.content) == (206, CSV[5:13])
    beyond = await client.get(download, headers={"Range": "bytes=1000-"})
    assert refusal(beyond) == (416, "range_not_satisfiable")
    known = await client.get(download, headers={"If-None-Match": part.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")


async def test_head_by_the_same_address_says_the_size(client: Client, download: str) -> None:
    answer = await client.request("HEAD", download)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(len(CSV))


async def test_address_of_a_file_that_is_not_there_is_a_404(client: Client, files: FileStore, key: str) -> None:
    address = (await files.sign_download(key, expires_in=LIFE)).removeprefix(BASE)
    assert refusal(await client.get(address)) == (404, "file_not_found")
    await files.put(key, CSV, content_type="text/csv")
    assert (await client.get(address)).status_code == 200


async def test_address_ends(client: Client, files: FileStore, key: str) -> None:
    await files.put(key, CSV, content_type="text/csv")
    with clock.travel(to=NOON, frozen=True):
        download = (await files.sign_download(key, expires_in=LIFE)).removeprefix(BASE)
        upload = await _upload_address(files, f"{key}2")
        clock.advance(LIFE - timedelta(seconds=1))
        assert (await client.get(download)).status_code == 200
        clock.advance(timedelta(seconds=1))
        assert refusal(await client.get(download)) == (403, "signature_expired")
        assert refusal(await client.put(upload, content=CSV)) == (403, "signature_expired")
    assert not await files.exists(f"{key}2")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("name=airports", "name=other"),
        ("type=text%2Fcsv", "type=text%2Fhtml"),
        ("exp=", "exp=9"),
        ("sig=", "sig=x"),
        ("?", "?inline=1&"),
        (".csv?", ".csw?"),
    ],
)
async def test_altered_address_is_invalid(client: Client, download: str, old: str, new: str) -> None:
    assert (await client.get(download)).status_code == 200
    assert old in download
    assert refusal(await client.get(download.replace(old, new, 1))) == (403, "signature_invalid")


async def test_address_of_another_workspace_cannot_be_made_of_ones_own(
    client: Client, files: FileStore, key: str, download: str
) -> None:
    theirs = make_key(new_id(), "imports", "secret.csv")
    await files.put(theirs, b"secret\n", content_type="text/csv")
    assert refusal(await client.get(download.replace(key, theirs))) == (403, "signature_invalid")


@pytest.mark.parametrize("path", ["..%2F..%2Fsecret.key", "%2Fetc%2Fpasswd", "x", "x/y"])
async def test_path_that_is_no_key_is_refused(client: Client, download: str, path: str) -> None:
    query = urlsplit(download).query
    answer = await client.get(f"/api/v1/files/signed/{path}?{query}")
    assert refusal(answer) == (400, "invalid_file_key")


async def test_unsigned_address_is_refused(client: Client, download: str) -> None:
    assert (await client.get(download.partition("?")[0])).status_code == 422
    assert (await client.put(download.partition("?")[0], content=CSV)).status_code == 422


async def test_upload_is_stored_once_and_can_be_read(client: Client, files: FileStore, key: str) -> None:
    address = await _upload_address(files, key)
    answer = await client.anonymous().put(address, content=CSV, headers={"Content-Type": "text/csv"})
    assert answer.status_code == 201
    assert answer.json() == {
        "key": key,
        "size": len(CSV),
        "sha256": hashlib.sha256(CSV).hexdigest(),
        "content_type": "text/plain",
    }
    assert await files.get(key) == CSV
    assert refusal(await client.put(address, content=b"other\n")) == (409, "file_exists")
    assert await files.get(key) == CSV


async def test_upload_over_what_was_agreed_is_refused(client: Client, files: FileStore, key: str) -> None:
    address = await _upload_address(files, key, max_bytes=10)
    assert refusal(await client.put(address, content=CSV)) == (413, "file_too_large")
    assert refusal(await client.put(address.replace("max=10", "max=99"), content=CSV)) == (
        403,
        "signature_invalid",
    )
    assert not await files.exists(key)


async def test_upload_that_lies_about_its_type_is_refused(client: Client, files: FileStore, key: str) -> None:
    address = await _upload_address(files, key)
    answer = await client.put(address, content=b"\x89PNG\r\n\x1a\n" + bytes(50))
    assert refusal(answer) == (422, "file_type_mismatch")
    assert not await files.exists(key)


async def test_address_for_reading_is_none_for_writing_and_the_other_way_round(
    client: Client, files: FileStore, key: str, download: str
) -> None:
    answer = await client.put(f"{download}&max=1000", content=b"other\n")
    assert refusal(answer) == (403, "signature_invalid")
    assert await files.get(key) == CSV
    upload = await _upload_address(files, f"{key}2")
    await client.put(upload, content=CSV)
    assert refusal(await client.get(upload)) == (403, "signature_invalid")
