"""What holds for every page that people meet: it can be used without eyes, and loads and runs nothing of others'."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import pytest

from tests.identity.people import sign_up
from tests.support.client import Client
from tests.support.forms import Attributes, Page, open_page, submit

SIGNED_OUT: Final = (
    "/sign-in",
    "/sign-in?notice=signed-out",
    "/sign-up",
    "/forgot-password",
    "/reset-password?token=x",
    "/activate/again",
)
SIGNED_IN: Final = (
    "/workspace-selector",
    "/workspace-selector/new",
    "/account",
    "/account/password",
    "/account/sessions",
    "/account/factors",
    "/account/factors/app",
    "/account/factors/app/confirm",
    "/account/factors/disable",
    "/account/factors/recovery-codes",
    "/account/factors/passkeys/new",
    "/account/confirm",
    "/account/confirm?by=code",
)
POLICY: Final = ("default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'")
HEADERS: Final = {
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
}
FIELDS: Final = {"text", "email", "password", "file"}


def faults_of(page: Page) -> Iterator[str]:
    """Yield what somebody who cannot see the page would stumble over."""
    names = [name for name, _ in page.elements]
    ids = [given["id"] for _, given in page.elements if "id" in given]
    if ("html", {"lang": "en"}) not in page.elements:
        yield "no language"
    if (names.count("main"), names.count("h1")) != (1, 1):
        yield "not one main part with one heading"
    if len(ids) != len(set(ids)):
        yield f"ids are not unique: {ids}"
    if ("a", {"class": "skip", "href": "#content"}) not in page.elements:
        yield "no way past the navigation"
    yield from ("navigation without a name" for given in page.named("nav") if not given.get("aria-label"))
    yield from ("a picture without a text" for given in page.named("img") if "alt" not in given)
    for given in page.named("input"):
        yield from faults_of_field(page, given, ids)


def faults_of_field(page: Page, given: Attributes, ids: list[str | None]) -> Iterator[str]:
    labels = {label.get("for") for label in page.named("label")}
    is_hidden = given.get("aria-hidden") == "true"
    if given.get("type") in FIELDS and not is_hidden and given.get("id") not in labels:
        yield f"{given.get('name')} has no label"
    if not set((given.get("aria-describedby") or "").split()) <= set(ids):
        yield f"{given.get('name')} is described by nothing"
    if given.get("type") == "password" and not given.get("autocomplete"):
        yield f"{given.get('name')} says nothing to password managers"


def risks_of(page: Page) -> Iterator[str]:
    """Yield what could be misused."""
    headers = page.response.headers
    policy = headers["content-security-policy"]
    yield from (f"{rule} is missing" for rule in POLICY if rule not in policy)
    if "unsafe" in policy:
        yield policy
    yield from (f"{name} is {headers.get(name)}" for name, value in HEADERS.items() if headers.get(name) != value)
    if re.search(r"<script(?![^>]* src=)|<style|\son[a-z]+=|\sstyle=", page.response.text):
        yield "something runs inline"
    for action, fields in page.forms.items():
        if not action.startswith("/") and action:
            yield f"a form goes to {action}"
        if action and not fields.get("form_token"):
            yield f"the form to {action} has no token"
        if any(value for name, value in fields.items() if "password" in name):
            yield "a password stands in the page"


@pytest.mark.parametrize("path", SIGNED_OUT)
async def test_pages_for_visitors(browser: Client, path: str) -> None:
    page = await open_page(browser, path)
    assert [*faults_of(page), *risks_of(page)] == []


@pytest.mark.parametrize("path", SIGNED_IN)
async def test_pages_for_people(browser: Client, path: str) -> None:
    await sign_up(browser)
    page = await open_page(browser, path)
    assert [*faults_of(page), *risks_of(page)] == []
    # Wherever somebody is, they can leave.
    assert "/sign-out" in page.forms


@pytest.mark.parametrize("path", ["/sign-in", "/sign-up", "/forgot-password", "/activate/again"])
async def test_pages_that_are_shown_again(browser: Client, path: str) -> None:
    page = (await submit(browser, path, email="ada")).page
    assert [*faults_of(page), *risks_of(page)] == []
    assert page.text.startswith("Error: ")
    (summary,) = [given for _, given in page.elements if given.get("id") == "summary"]
    assert "autofocus" in summary


async def test_a_refusal_is_a_page_for_people_and_json_for_programs(browser: Client) -> None:
    page = await open_page(browser, "/nothing-here", status=404)
    assert "Not found" in page.text
    assert "default-src 'none'" in page.response.headers["content-security-policy"]
    assert list(faults_of(page)) == []
    assert (await browser.get("/nothing-here")).json()["code"] == "not_found"
    # Operations answer programs, whatever they say that they take.
    answer = await browser.get("/api/v1/nothing-here", headers={"Accept": "text/html"})
    assert answer.json()["code"] == "not_found"
