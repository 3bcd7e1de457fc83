"""A browser without scripts: it opens pages of ours, and sends the forms on them."""

from __future__ import annotations

from dataclasses import dataclass
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any, Final

from tests.support.client import BASE

if TYPE_CHECKING:
    from tests.support.client import Client, Response

AS_BROWSERS: Final = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
FROM_OUR_PAGE: Final = {**AS_BROWSERS, "Origin": BASE, "Sec-Fetch-Site": "same-origin"}

Attributes = dict[str, str | None]


class Page(HTMLParser):
    """What a browser makes of an answer.

    Attributes:
        forms: the fields of each form and what they hold, by where it is sent.
        elements: every element with its attributes.
        text: what can be read.
    """

    def __init__(self, response: Response) -> None:
        """Read an answer."""
        super().__init__()
        self.response = response
        self.forms: dict[str, dict[str, str]] = {}
        self.elements: list[tuple[str, Attributes]] = []
        self.text = ""
        self._form: dict[str, str] | None = None
        assert response.headers["content-type"].startswith("text/html"), response.text
        self.feed(response.text)
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.elements.append((tag, given))
        if tag == "form":
            self._form = self.forms.setdefault(given.get("action") or "", {})
        elif tag == "input" and self._form is not None and given.get("name"):
            self._form[given["name"] or ""] = given.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None

    def handle_data(self, data: str) -> None:
        self.text += f" {data}"

    def named(self, tag: str) -> list[Attributes]:
        """Return the elements of a kind."""
        return [given for name, given in self.elements if name == tag]

    def field(self, name: str) -> Attributes:
        """Return an input."""
        (found,) = [given for given in self.named("input") if given.get("name") == name]
        return found

    def fault(self, name: str) -> str:
        """Return what is said to be wrong with a field, by the element that describes it; empty: nothing."""
        given = self.field(name)
        described = (given.get("aria-describedby") or "").split()
        if given.get("aria-invalid") != "true":
            return ""
        assert f"{name}-fault" in described
        start = self.response.text.index(f'id="{name}-fault"')
        sentence = self.response.text[start:].partition("</p>")[0].rpartition("</span>")[2]
        return sentence.strip()


@dataclass(frozen=True, slots=True)
class Sent:
    """A form that was sent, and the answer."""

    response: Response

    @property
    def place(self) -> str:
        """Where the answer leads."""
        assert self.response.status_code == 303, (self.response.status_code, self.response.text)
        return self.response.headers["location"]

    @property
    def page(self) -> Page:
        """The page that was answered."""
        return Page(self.response)


async def open_page(client: Client, path: str, *, status: int = 200) -> Page:
    """Open a page."""
    response = await client.get(path, headers=AS_BROWSERS)
    assert response.status_code == status, (path, response.status_code, response.headers, response.text)
    return Page(response)


async def send_form(client: Client, page: Page, action: str, *, files: Any = None, **fields: Any) -> Sent:
    """Send a form of a page, filled in."""
    given = {**page.forms[action], **fields}
    response = await client.post(action, data=given, files=files, headers=FROM_OUR_PAGE)
    return Sent(response)


async def submit(client: Client, path: str, *, action: str | None = None, **fields: Any) -> Sent:
    """Open a page and send its form."""
    page = await open_page(client, path)
    return await send_form(client, page, action or path.partition("?")[0], **fields)
