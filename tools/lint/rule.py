"""A rule: a name, a reason, where it holds, and what it finds."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from tools.lint.source import Source


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes:
        name: what a finding is called.
        reason: why the rule stands, in a sentence.
        covers: the paths on which it holds; `*` also crosses slashes.
        spares: the paths among them where the thing belongs.
        find: the lines of a file that break the rule, each with what is there.
    """

    name: str
    reason: str
    covers: tuple[str, ...]
    find: Callable[[Source], Iterable[tuple[int, str]]]
    spares: tuple[str, ...] = ()

    def holds_for(self, path: str) -> bool:
        return _matches(path, self.covers) and not _matches(path, self.spares)


@dataclass(frozen=True)
class Finding:
    """A line of a file that breaks a rule."""

    path: str
    line: int
    rule: str
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.what}"


def check(source: Source, *, rules: Iterable[Rule]) -> Iterator[Finding]:
    """Find what in a file breaks the rules; a Python file that cannot be parsed is itself a finding."""
    if source.is_python:
        try:
            _ = source.tree
        except (SyntaxError, ValueError) as error:
            line = error.lineno if isinstance(error, SyntaxError) else None
            yield Finding(source.path, line or 1, "parses", str(error))
            return
    for rule in rules:
        if rule.holds_for(source.path):
            yield from (Finding(source.path, line, rule.name, what) for line, what in rule.find(source))


def _matches(path: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(path, pattern) for pattern in patterns)
