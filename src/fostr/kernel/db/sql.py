"""SQL text with named parameters, translated once to the numbered form that PostgreSQL takes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

# Everything in which a colon is not a parameter comes first, so that the alternation swallows it whole.
_TOKEN: Final = re.compile(
    r"""
      '(?:[^']|'')*'                  # string
    | "(?:[^"]|"")*"                  # quoted identifier
    | --[^\n]*                        # line comment
    | /\*.*?\*/                       # block comment
    | \$(\w*)\$.*?\$\1\$              # dollar quoting
    | ::                              # cast
    | :(?P<name>[a-z_][a-z0-9_]*)     # parameter
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement as PostgreSQL takes it.

    Attributes:
        text: the SQL with `$1`, `$2`, … in place of names.
        names: the parameter name behind each number, in order.
    """

    text: str
    names: tuple[str, ...]

    def arguments(self, params: Mapping[str, Any]) -> list[Any]:
        """Return the values in the order of the numbers.

        Raises:
            KeyError: a parameter of the statement was not given.
        """
        return [params[name] for name in self.names]


@lru_cache(maxsize=4096)
def translate(text: str) -> Statement:
    """Translate `:name` parameters to numbers; the same name takes the same number.

    Strings, quoted identifiers, comments, dollar quotes and `::type` casts are left alone. Results are
    cached, because the text of nearly every statement is a constant of the program.
    """
    numbers: dict[str, int] = {}

    def replace(match: re.Match[str]) -> str:
        name = match["name"]
        if name is None:
            return match[0]
        return f"${numbers.setdefault(name, len(numbers) + 1)}"

    translated = _TOKEN.sub(replace, text)
    return Statement(text=translated, names=tuple(numbers))


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of SQL with the values of its parameters, for statements that are composed.

    The text never holds a value that came from a caller; those are always in `params`.
    """

    text: str
    params: dict[str, Any]


def prefix_names(fragment: Fragment, prefix: str) -> Fragment:
    """Return the same with its parameters named anew, so that it can stand beside others that use their names."""

    def replace(match: re.Match[str]) -> str:
        return f":{prefix}{match['name']}" if match["name"] in fragment.params else match[0]

    params = {f"{prefix}{name}": value for name, value in fragment.params.items()}
    return Fragment(text=_TOKEN.sub(replace, fragment.text), params=params)


def join_and(fragments: list[Fragment]) -> Fragment:
    """Join conditions by `and`; no condition at all is `true`."""
    params: dict[str, Any] = {}
    for fragment in fragments:
        clash = params.keys() & fragment.params.keys()
        if any(params[name] != fragment.params[name] for name in clash):
            message = f"two conditions give different values to {sorted(clash)}"
            raise ValueError(message)
        params.update(fragment.params)
    return Fragment(text=" and ".join(f.text for f in fragments) or "true", params=params)
