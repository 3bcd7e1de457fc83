"""What mails look like: MJML in a common frame, compiled once for each process, and a plain text beside it.

A template is two files of one name, `<name>.mjml` and `<name>.txt`, in a folder of the domain that sends it. Each holds
what stands between greeting and footer. Values are filled in by Jinja, escaped in the MJML and as they are in the text;
one that is missing is an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fostr.kernel.lines import one_line

if TYPE_CHECKING:
    from jinja2 import Environment, Template

FRAME: Final = Path(__file__).with_name("frame")
PLACE: Final = "{# content #}"
LONGEST_SUBJECT: Final = 250


@dataclass(frozen=True, slots=True)
class MailTemplate:
    """A kind of mail.

    Attributes:
        name: how it is called in the outbox, and what its files are called.
        subject: a line of Jinja.
        folder: where the files are.
    """

    name: str
    subject: str
    folder: Path


@dataclass(frozen=True, slots=True)
class Rendered:
    """A mail with its values filled in; what it says holds links, and stays out of logs."""

    subject: str
    html: str = field(repr=False)
    text: str = field(repr=False)


def render_mail(template: MailTemplate, values: Mapping[str, Any]) -> Rendered:
    """Fill in a template.

    Raises:
        jinja2.UndefinedError: a value is missing.
    """
    compiled = _compile(template)
    subject = one_line(compiled.subject.render(values), longest=LONGEST_SUBJECT)
    given = {**values, "subject": subject}
    return Rendered(subject=subject, html=compiled.html.render(given), text=compiled.text.render(given))


@dataclass(frozen=True, slots=True)
class _Compiled:
    subject: Template
    html: Template
    text: Template


@cache
def _compile(template: MailTemplate) -> _Compiled:
    from mjml import mjml2html

    source = template.folder / template.name
    html = mjml2html(_framed(source, ".mjml"), disable_comments=False, fonts={})
    plain, escaping = _environment(escape=False), _environment(escape=True)
    return _Compiled(
        subject=plain.from_string(template.subject),
        html=escaping.from_string(html),
        text=plain.from_string(_framed(source, ".txt")),
    )


def _framed(source: Path, suffix: str) -> str:
    frame = FRAME.with_suffix(suffix).read_text("utf-8")
    return frame.replace(PLACE, source.with_suffix(suffix).read_text("utf-8"))


@cache
def _environment(*, escape: bool) -> Environment:
    from jinja2 import Environment, StrictUndefined

    # Subjects and plain texts are no HTML; there, an escaped name would be shown with its escapes.
    return Environment(
        autoescape=escape,  # noqa: S701
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
