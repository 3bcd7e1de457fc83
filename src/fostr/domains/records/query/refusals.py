"""How filters are refused."""

from __future__ import annotations

from fostr.kernel.http.errors import Unprocessable


class FilterInvalid(Unprocessable):
    """A filter cannot be used on this recordset."""

    code = "filter_invalid"
    detail = "A filter cannot be used on this recordset."
