"""Our own lint rules and size budgets: `python -m tools.lint` checks the repository against all of them."""

from tools.lint import budgets, code, words

RULES = (*code.RULES, *budgets.RULES, *words.RULES)
