"""Structured logs: one line an event, with the request's id, and never a secret."""

from __future__ import annotations

import json
import logging
import sys
from typing import TYPE_CHECKING, Any, Final

import orjson
import structlog

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from fostr.settings import Settings

HIDDEN: Final = frozenset(
    {"password", "token", "secret", "authorization", "cookie", "api_key", "refresh_token", "access_token"}
)
LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}


def configure_log(settings: Settings) -> None:
    """Set up logging for the process: JSON lines, or readable lines where a person looks on."""
    renderer: Any = (
        structlog.processors.JSONRenderer(serializer=_dump)
        if settings.log_format == "json" or (settings.log_format == "auto" and not sys.stderr.isatty())
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            hide_secrets,
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[settings.log_level]),
        # In one piece with the end of the line, so that processes which share it do not tear each other's lines.
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )


def hide_secrets(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace the value of every key that names a secret, whoever logged it."""
    for key in event.keys() & HIDDEN:
        event[key] = "[hidden]"
    return event


def _dump(event: Any, **_: Any) -> str:
    try:
        return orjson.dumps(event, default=str).decode()
    except TypeError:
        # Half of a surrogate pair, such as an error may quote. A line that cannot be written must not end the process.
        return json.dumps(event, default=str)
