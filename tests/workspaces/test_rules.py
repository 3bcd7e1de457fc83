"""Names in addresses."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from fostr.domains.workspaces.workspaces.rules import extend_slug, make_slug


@given(st.text())
def test_a_slug_is_plain_whatever_the_name(name: str) -> None:
    slug = make_slug(name)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug)
    assert len(slug) <= 48


def test_slugs_keep_what_can_be_read() -> None:
    assert make_slug("Crème Brûlée & Co. KG") == "creme-brulee-co-kg"
    assert make_slug("!!!") == "workspace"


def test_an_extended_slug_is_another_each_time() -> None:
    assert len({extend_slug("acme") for _ in range(50)}) == 50
    assert re.fullmatch(r"acme-[a-z2-9]{6}", extend_slug("acme"))
