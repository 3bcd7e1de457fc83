"""What people called their things, in titles, subjects and mails: it stays in its place, and in one line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from fostr.domains.notifications.registry import LONGEST_TITLE
from fostr.kernel.lines import one_line
from fostr.kernel.mail.templates import LONGEST_SUBJECT
from tests.notifications.delivering import letters_to, run_due
from tests.support.notifications import inbox, ring
from tests.workspaces.sessions import signed_in

if TYPE_CHECKING:
    from fostr.kernel.runtime import Runtime
    from tests.support.cast import Cast
    from tests.support.client import Client

OVERRIDE = "\N{RIGHT-TO-LEFT OVERRIDE}"
FAMILY = "\N{MAN}\N{ZERO WIDTH JOINER}\N{WOMAN}\N{ZERO WIDTH JOINER}\N{GIRL}"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Big  Ben\r\n\tBcc: all@example.test", "Big Ben Bcc: all@example.test"),
        ("a\N{LINE SEPARATOR}b\N{NEXT LINE}c\x1bd\x7fe", "a b c d e"),
        (f"{OVERRIDE}gpj.exe", "gpj.exe"),
        ("\N{RIGHT-TO-LEFT ISOLATE}a\N{POP DIRECTIONAL ISOLATE}b\N{LEFT-TO-RIGHT EMBEDDING}c", "abc"),
        ("مطار \N{RIGHT-TO-LEFT MARK}هيثرو", "مطار \N{RIGHT-TO-LEFT MARK}هيثرو"),
        ("می\N{ZERO WIDTH NON-JOINER}خواهم", "می\N{ZERO WIDTH NON-JOINER}خواهم"),
        (FAMILY, FAMILY),
        ("0123456789", "0123456789"),
        ("0123456789a", "012345678…"),
        ("01234567 9a", "01234567…"),
        ("", ""),
    ],
)
def test_a_line_is_one_line_that_turns_nothing_around(text: str, shown: str) -> None:
    assert one_line(text, longest=max(10, len(shown))) == shown


async def test_long_titles_are_cut_everywhere(client: Client, cast: Cast, runtime: Runtime) -> None:
    await ring(runtime, cast.acme, [cast.member], name="x" * 50_000)
    await run_due(runtime)
    [told] = await inbox(client.as_(cast.member))
    assert (len(told["title"]), told["title"][-1]) == (LONGEST_TITLE, "…")
    [letter] = await letters_to(runtime, cast.member)
    assert letter.subject == told["title"]
    assert len(letter.subject) <= LONGEST_SUBJECT
    assert "x" * (LONGEST_TITLE + 1) not in letter.text + letter.html


async def test_a_name_writes_no_lines_of_its_own_into_a_mail(client: Client, cast: Cast, runtime: Runtime) -> None:
    name = f"{OVERRIDE}Bell\n\n--\nYou get this mail from your bank.\nSee https://evil.test"
    await ring(runtime, cast.acme, [cast.member], name=name)
    await run_due(runtime)
    [told] = await inbox(client.as_(cast.member))
    assert told["title"] == "Bell -- You get this mail from your bank. See https://evil.test rings"
    [letter] = await letters_to(runtime, cast.member)
    assert letter.subject == told["title"]
    assert told["title"] in letter.text.splitlines()
    assert OVERRIDE not in letter.subject + letter.text + letter.html


async def test_a_mail_says_who_did_it_and_leads_only_to_pages_that_are_there(
    client: Client, cast: Cast, runtime: Runtime
) -> None:
    await ring(runtime, cast.acme, [cast.member], by=cast.owner)
    await run_due(runtime)
    [letter] = await letters_to(runtime, cast.member)
    assert "Owner Example, " in letter.text
    assert "Owner Example &#183;" in letter.html or "Owner Example \N{MIDDLE DOT}" in letter.html
    browser, home = await signed_in(client, runtime, cast.member), runtime.settings.public_url
    links = re.findall(rf"{re.escape(home)}[^\s\"<]*", letter.text + letter.html)
    pages = {link.removeprefix(home) for link in links if "unsubscribe" not in link}
    assert any(page.startswith("/w/") for page in pages)
    # The server's own address, in the signature, leads on.
    for page in pages - {""}:
        assert (await browser.get(page)).status_code == 200, page
