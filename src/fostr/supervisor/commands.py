"""What `fostr up` runs. Light, because the API is started before anything heavy is imported."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Commands:
    """What is run: each is a program and its arguments."""

    serve: Sequence[str]
    worker: Sequence[str]
    prepare: Sequence[str]
    welcome: Sequence[str]


def own_commands() -> Commands:
    """Return Fostr's own commands, run by the Python that runs this."""
    fostr = (sys.executable, "-m", "fostr")
    return Commands(
        serve=(*fostr, "serve"),
        worker=(*fostr, "worker"),
        prepare=(*fostr, "migrate", "--quiet"),
        welcome=(*fostr, "setup-link", "--quiet"),
    )
