"""The page behind the printed link: one file, which loads nothing and sends the form to this server alone."""

import base64
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Final

from fastapi.responses import HTMLResponse

_INLINE: Final = re.compile(r"<(script|style)>(.*?)</\1>", re.DOTALL)


def render_page() -> HTMLResponse:
    """Return the page, with a policy that allows its own script and style, by their digests, and nothing else."""
    page, policy = _load()
    return HTMLResponse(page, headers={"Content-Security-Policy": policy, "Cache-Control": "no-store"})


@cache
def _load() -> tuple[str, str]:
    page = Path(__file__).with_name("page.html").read_text("utf-8")
    inline = {kind: _digest(content) for kind, content in _INLINE.findall(page)}
    policy = (
        f"default-src 'none'; script-src '{inline['script']}'; style-src '{inline['style']}'; connect-src 'self'; "
        "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    )
    return page, policy


def _digest(content: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}"
