"""The pages for browsers: what they allow themselves, what they load, and what the database page tells."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

import pytest

import fostr
from fostr.kernel.db.migrate import import_tables
from fostr.kernel.db.tables import column_names, metadata
from fostr.kernel.http.document import read_openapi
from tests.support.client import Client, Response, refusal

PAGES: Final = ("/", "/docs", "/docs/development/api", "/docs/development/database", "/redoc")
STYLES: Final = {
    "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='",
    "'sha256-QMIg+bpjm3JdElJ388KYke01izlUW0UoNOeKjpMxdgc='",
}
"""The digests of two styles that ReDoc puts into its page; they let in these texts, and nothing that is injected."""

VENDOR: Final = Path(fostr.__file__).parent / "console" / "vendor"


class Elements(HTMLParser):
    """The elements of a page: their names and attributes, and what stands inside scripts and styles."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.inline = ""
        self._open = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self._open = tag

    def handle_endtag(self, tag: str) -> None:
        if tag == self._open:
            self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open in {"script", "style"}:
            self.inline += data.strip()

    def addresses(self) -> set[str]:
        """Return all that the page loads or leads to, without places inside of itself."""
        named = {a.get(name) for _, a in self.found for name in ("src", "href", "spec-url", "action")}
        return {address for address in named if address and not address.startswith("#")}


async def get(client: Client, path: str) -> Response:
    response = await client.get(path)
    assert response.status_code == 200, path
    return response


def policy(response: Response) -> dict[str, list[str]]:
    parts = response.headers["content-security-policy"].split("; ")
    return {name: sources.split() for name, _, sources in (part.partition(" ") for part in parts)}


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_loads_nothing_from_elsewhere_and_runs_nothing_inline(client: Client, path: str) -> None:
    response = await get(client, path)
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    allowed = policy(response)
    assert allowed["default-src"] == allowed["base-uri"] == allowed["frame-ancestors"] == ["'none'"]
    assert allowed.get("script-src", ["'self'"]) == ["'self'"]
    assert set(allowed.pop("style-src")) <= {"'self'", *STYLES}
    assert allowed.pop("img-src") in (["'self'"], ["'self'", "data:"])
    assert allowed.pop("worker-src", ["blob:"]) == ["blob:"]
    assert {source for sources in allowed.values() for source in sources} <= {"'none'", "'self'"}

    page = Elements(response.text)
    assert page.inline == ""
    assert not [name for _, given in page.found for name in given if name == "style" or name.startswith("on")]
    for address in page.addresses():
        assert address.startswith("/"), address
        assert not address.startswith("//"), address
        await get(client, address)


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_can_be_read_without_eyes(client: Client, path: str) -> None:
    page = Elements((await get(client, path)).text)
    names = [name for name, _ in page.found]
    assert ("html", {"lang": "en"}) in page.found
    assert "title" in names
    if path != "/redoc":  # ReDoc draws the landmarks of its page by itself.
        assert names.count("main") == 1
        assert ("a", {"class": "skip", "href": "#content"}) in page.found
    assert all(given.get("aria-label") for name, given in page.found if name == "nav")


@pytest.mark.parametrize("path", [*PAGES, "/openapi.json"])
async def test_what_the_caller_has_is_not_sent_again(client: Client, path: str) -> None:
    first = await get(client, path)
    assert first.headers["cache-control"] == "no-cache"
    again = await client.get(path, headers={"If-None-Match": f'"other", W/{first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert (await client.get(path, headers={"If-None-Match": '"other"'})).status_code == 200


async def test_a_file_is_kept_until_its_content_changes(client: Client) -> None:
    addresses = Elements((await get(client, "/docs")).text).addresses()
    scripts = [address for address in addresses if address.partition("?")[0].endswith(".js")]
    assert len(scripts) == 2
    for address in scripts:
        script = await get(client, address)
        assert script.headers["content-type"] == "text/javascript; charset=utf-8"
        assert "immutable" in script.headers["cache-control"]
        known = await client.get(address, headers={"If-None-Match": script.headers["etag"]})
        assert (known.status_code, known.content) == (304, b"")
        unnamed = await get(client, address.partition("?")[0])
        assert unnamed.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    [
        "/vendor/nothing.js",
        "/vendor/swagger-ui/LICENSE",
        "/vendor/%2e%2e/pages/frame.html",
        "/assets/../../app.py",
        "/assets//etc/passwd",
        "/assets/",
    ],
)
async def test_nothing_else_is_served(client: Client, path: str) -> None:
    assert refusal(await client.get(path)) == (404, "not_found")


async def test_the_document_is_the_committed_one(client: Client) -> None:
    response = await get(client, "/openapi.json")
    assert response.headers["content-type"] == "application/json"
    assert response.content == read_openapi()


async def test_the_database_page_tells_of_every_table_and_column(client: Client) -> None:
    import_tables()
    html = (await get(client, "/docs/development/database")).text
    for table in metadata.tables.values():
        article = re.search(rf'<article class="table" id="{table.name}".*?</article>', html, re.DOTALL)
        assert article is not None, table.name
        columns = re.findall(r'<th scope="row">(\w+)</th>', article[0])
        assert tuple(columns) == column_names(table)
        rules = unescape(article[0])
        assert f"PRIMARY KEY ({', '.join(column.name for column in table.primary_key)})" in rules
        assert all(str(index.name) in rules for index in table.indexes)


async def test_the_database_page_says_what_tables_are_for(client: Client) -> None:
    html = (await get(client, "/docs/development/database")).text
    assert re.search(r"<h2[^>]*>Comments on records</h2>", html)
    assert "What happened, one row for each write." in html
    comments = html.partition('<article class="table" id="record_comments"')[2].partition("</article>")[0]
    assert 'href="#records"' in comments


def test_vendored_libraries_say_what_they_are_and_under_which_licence() -> None:
    libraries = [folder for folder in VENDOR.iterdir() if folder.is_dir()]
    assert {folder.name for folder in libraries} >= {"redoc", "swagger-ui"}
    for folder in libraries:
        assert re.fullmatch(r"\S+ \d+\.\d+\.\d+\n", (folder / "VERSION").read_text())
        assert len((folder / "LICENSE").read_text()) > 500
