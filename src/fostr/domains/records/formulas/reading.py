"""Read the text of a formula.

From loose to tight: comparisons, `&`, `+ -`, `* / %`, a sign before a value, `^`. Fields stand in braces by name or
key, or bare by key; texts in double or single quotes; functions are called by name, in capitals or not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from fostr.domains.records.formulas.tree import Call, Constant, FormulaInvalid, Reference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fostr.domains.records.formulas.tree import Node

LONGEST: Final = 5_000
"""Characters of a formula."""
MOST_NODES: Final = 500
DEEPEST: Final = 40
"""How deep calls, brackets and signs may lie inside each other."""
TALLEST: Final = 100
"""How many operators and calls may wait for each other; `1 + 1 + 1` is two."""
LARGEST_EXPONENT: Final = 300

_TOKEN: Final = re.compile(
    r"""
      (?P<space>\s+)
    | (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
    | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | \{(?P<field>[^{}]*)\}
    | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<sign><=|>=|!=|<>|[-+*/%^&=<>(),])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPES: Final = {"n": "\n", "t": "\t"}
_LEVELS: Final = (("=", "!=", "<>", "<", "<=", ">", ">="), ("&",), ("+", "-"), ("*", "/", "%"))


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    position: int
    end: int


def read_formula(text: str) -> Node:
    """Return the tree of a formula.

    Raises:
        FormulaInvalid: it cannot be read, or is too long, too large or too deep.
    """
    if len(text) > LONGEST:
        raise FormulaInvalid(f"A formula has at most {LONGEST} characters.", LONGEST)
    reader = _Reader(list(_split(text)), end=len(text))
    tree = reader.read_level(0)
    token = reader.peek()
    if token is not None:
        raise FormulaInvalid(f"{token.text!r} is not expected here.", token.position)
    _check_height(tree)
    return tree


def _check_height(tree: Node) -> None:
    level: list[Node] = [tree]
    for _ in range(TALLEST):
        level = [argument for node in level if isinstance(node, Call) for argument in node.arguments]
        if not level:
            return
    raise FormulaInvalid(f"More than {TALLEST} operators and functions wait for each other.", level[0].position)


def _split(text: str) -> Iterator[_Token]:
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise FormulaInvalid(f"{text[position]!r} is not expected here.", position)
        kind = match.lastgroup or ""
        if kind != "space":
            yield _Token(kind, match[kind], position, match.end())
        position = match.end()


class _Reader:
    """Reads tokens from left to right, one level of tightness calling the next."""

    def __init__(self, tokens: Sequence[_Token], *, end: int) -> None:
        self._tokens = tokens
        self._next = 0
        self._end = end
        self._nodes = 0
        self._depth = 0

    def peek(self) -> _Token | None:
        """Return the next token, if there is one."""
        return self._tokens[self._next] if self._next < len(self._tokens) else None

    def read_level(self, level: int) -> Node:
        """Return what operators of a level, or tighter ones, hold together."""
        if level == len(_LEVELS):
            return self._deeper(self._read_signed)
        left = self.read_level(level + 1)
        while (token := self._take_sign(*_LEVELS[level])) is not None:
            right = self.read_level(level + 1)
            left = self._count(Call("!=" if token.text == "<>" else token.text, (left, right), token.position))
            if level == 0:
                # a < b < c would compare a truth with c.
                break
        return left

    def _deeper(self, read: Callable[[], Node]) -> Node:
        self._depth += 1
        if self._depth > DEEPEST:
            raise FormulaInvalid(f"A formula is at most {DEEPEST} levels deep.", self._position())
        found = read()
        self._depth -= 1
        return found

    def _read_signed(self) -> Node:
        token = self._take_sign("-", "+")
        if token is None:
            return self._read_power()
        value = self._deeper(self._read_signed)
        return value if token.text == "+" else self._count(Call("NEGATE", (value,), token.position))

    def _read_power(self) -> Node:
        value = self._read_value()
        token = self._take_sign("^")
        if token is None:
            return value
        return self._count(Call("^", (value, self._deeper(self._read_signed)), token.position))

    def _read_value(self) -> Node:
        token = self.peek()
        if token is None:
            raise FormulaInvalid("The formula ends where a value is expected.", self._end)
        self._next += 1
        match token.kind:
            case "number":
                return self._count(Constant(_number(token), token.position))
            case "text":
                return self._count(Constant(_unquote(token), token.position))
            case "field":
                return self._count(Reference(token.text.strip(), token.position, token.end))
            case "word":
                return self._count(self._read_word(token))
            case _ if token.text == "(":
                inner = self._deeper(lambda: self.read_level(0))
                self._expect(")")
                return inner
            case _:
                raise FormulaInvalid(f"{token.text!r} is not expected here.", token.position)

    def _read_word(self, word: _Token) -> Node:
        if self._take_sign("(") is not None:
            return Call(word.text.upper(), tuple(self._read_arguments()), word.position)
        match word.text.upper():
            case "TRUE":
                return Constant(value=True, position=word.position)
            case "FALSE":
                return Constant(value=False, position=word.position)
            case _:
                return Reference(word.text, word.position, word.end)

    def _read_arguments(self) -> Iterator[Node]:
        if self._take_sign(")") is not None:
            return
        yield self._deeper(lambda: self.read_level(0))
        while self._take_sign(",") is not None:
            yield self._deeper(lambda: self.read_level(0))
        self._expect(")")

    def _take_sign(self, *signs: str) -> _Token | None:
        token = self.peek()
        if token is None or token.kind != "sign" or token.text not in signs:
            return None
        self._next += 1
        return token

    def _expect(self, sign: str) -> None:
        if self._take_sign(sign) is None:
            raise FormulaInvalid(f"{sign!r} is expected here.", self._position())

    def _position(self) -> int:
        token = self.peek()
        return self._end if token is None else token.position

    def _count(self, node: Node) -> Node:
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise FormulaInvalid(f"A formula has at most {MOST_NODES} parts.", node.position)
        return node


def _number(token: _Token) -> Decimal:
    mantissa, _, exponent = token.text.lower().partition("e")
    # A long exponent is not even turned into a number.
    if len(mantissa) > LARGEST_EXPONENT or len(exponent) > len("-300") or abs(int(exponent or 0)) > LARGEST_EXPONENT:
        raise FormulaInvalid("The number is too large or too small.", token.position)
    value = Decimal(token.text)
    if value and abs(value.adjusted()) >= LARGEST_EXPONENT:
        raise FormulaInvalid("The number is too large or too small.", token.position)
    return value


def _unquote(token: _Token) -> str:
    text = re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), token.text[1:-1], flags=re.DOTALL)
    if "\x00" in text or any(0xD800 <= ord(character) <= 0xDFFF for character in text):
        raise FormulaInvalid("The text holds a character that cannot be stored.", token.position)
    return text
