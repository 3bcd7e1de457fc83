"""Passwords that are tried first: the 30,000 most frequent of known leaks, as the zxcvbn project lists them."""

import importlib.util
import string
from functools import cache
from pathlib import Path
from typing import Final

# The list lacks what people make of the product's own name, and of whatever stands on the page before them.
_OURS: Final = ("fostr", "fostradmin", "helloworld", "changeit", "passphrase", "passwords", "trustno", "zaqwsx")
_DISGUISES: Final = str.maketrans("01345678@$!|+", "oleasgtbasiit")
_AROUND: Final = string.digits + string.punctuation + string.whitespace
_SHORTEST_CORE: Final = 3
_MOST_AROUND: Final = 8
"""Signs around a common word that add little; `!!Summer2026` has six. More of them are a password of their own."""


def is_common(password: str) -> bool:
    """Say whether a password is on the list, as it is or in the usual disguises (`P@ssw0rd1!`)."""
    folded = password.casefold()
    return _is_listed(folded) or any(_is_core(folded, core) for core in _cores(folded))


def _cores(folded: str) -> set[str]:
    stripped = folded.strip(_AROUND)
    return {stripped, folded.translate(_DISGUISES).strip(_AROUND), stripped.translate(_DISGUISES)}


def _is_core(folded: str, core: str) -> bool:
    around = len(folded) - len(core)
    return len(core) >= _SHORTEST_CORE and around <= _MOST_AROUND and _is_listed(core)


def _is_listed(word: str) -> bool:
    return bool(word) and "\n" not in word and f"\n{word}\n" in _listed()


@cache
def _listed() -> str:
    """Read the list, when the first password is set; from then on it takes 250 kB.

    One text, which is searched in some 50 microseconds: as a set of 30,000 it would take 3 MB. The file is read without
    the package around it, which would build 14 MB of tables; reading it takes 7 MB for a moment.
    """
    package = importlib.util.find_spec("zxcvbn")
    if package is None or package.origin is None:
        raise ImportError("zxcvbn, whose list of common passwords is needed, is not installed")
    file = Path(package.origin).with_name("frequency_lists.py")
    spec = importlib.util.spec_from_file_location("fostr_common_passwords", file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file.name} cannot be read")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    words: list[str] = module.FREQUENCY_LISTS["passwords"]
    return "\n".join(["", *words, *_OURS, ""])
