"""All functions and operators of the language, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fostr.domains.records.formulas.logic import LOGIC
from fostr.domains.records.formulas.moments import MOMENTS
from fostr.domains.records.formulas.numbers import NUMBERS
from fostr.domains.records.formulas.texts import TEXTS

if TYPE_CHECKING:
    from fostr.domains.records.formulas.function import Function

FUNCTIONS: Final[dict[str, Function]] = {function.name: function for function in (*LOGIC, *NUMBERS, *TEXTS, *MOMENTS)}
