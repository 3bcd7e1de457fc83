"""Rules about any text: what must not be written into a file that everybody gets."""

import re
from collections.abc import Callable, Iterator

from tools.lint.rule import Rule
from tools.lint.source import ROOT, Source

_ADDRESS = re.compile(r"://|--(?:extra-)?index-url|--find-links")
_REGISTRY = re.compile(r"pypi\.org|pythonhosted\.org|registry\.npmjs|deb\.debian\.org", re.IGNORECASE)
# A home folder, or wherever this very checkout stands; after a word or a slash it is part of another path.
_MACHINE = re.compile(rf"(?<![\w./~-])(?:/(?:home|Users)/\w[\w.-]*/|/(?:root)/[\w.]|{re.escape(str(ROOT))}\b)")


def _find(pattern: re.Pattern[str]) -> Callable[[Source], Iterator[tuple[int, str]]]:
    def find(source: Source) -> Iterator[tuple[int, str]]:
        for number, line in enumerate(source.text.splitlines(), start=1):
            if match := pattern.search(line):
                yield number, match[0]

    return find


RULES = (
    Rule(
        name="lock-without-address",
        reason="A lock says what to install, by hash; from where is for whoever installs to say.",
        covers=("*.lock",),
        find=_find(_ADDRESS),
    ),
    Rule(
        name="no-registry-host",
        reason="Packages come from whichever index the reader's tools are set to.",
        covers=("*",),
        find=_find(_REGISTRY),
    ),
    Rule(
        name="no-machine-path",
        reason="A path of one machine means nothing on another.",
        covers=("*",),
        find=_find(_MACHINE),
    ),
)
