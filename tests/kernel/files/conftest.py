"""A file store in a folder of its own, and an application that serves and receives its files."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI, Request, Response

from fostr.kernel.files import FileStore, open_store
from fostr.kernel.files.receiving import receive_file
from fostr.kernel.files.serving import serve_file
from fostr.kernel.http.handlers import install_handlers
from fostr.settings import Settings

ADDRESS = "http://files.test"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "files"


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return open_store(make_settings(tmp_path))


def make_settings(data: Path, *, storage_url: str | None = None) -> Settings:
    return Settings(
        environment="test",
        data=data,
        public_url=ADDRESS,
        storage_url=storage_url,
    )


def list_files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.fixture
async def plain(store: FileStore) -> AsyncIterator[httpx2.AsyncClient]:
    """Return a client of a small application around the two functions, without a guard."""
    app = FastAPI()
    install_handlers(app)

    @app.api_route("/{key:path}", methods=["GET", "HEAD"])
    async def serve(  # pyright: ignore[reportUnusedFunction]
        request: Request, key: str, *, name: str | None = None, type: str | None = None, inline: bool = False
    ) -> Response:
        return await serve_file(request, store, key, filename=name, content_type=type, inline=inline)

    @app.put("/{key:path}")
    async def receive(  # pyright: ignore[reportUnusedFunction]
        request: Request, key: str, max_bytes: int = 1000, name: str | None = None
    ) -> dict[str, object]:
        stored = await receive_file(request, store, key, max_bytes=max_bytes, filename=name)
        return {"size": stored.size, "sha256": stored.sha256, "content_type": stored.content_type}

    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=ADDRESS) as opened:
        yield opened
