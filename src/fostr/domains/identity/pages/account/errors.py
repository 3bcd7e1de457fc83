"""How forms about an account are refused."""

from fostr.kernel.http.errors import Unprocessable


class PictureMissing(Unprocessable):
    """The form came without a file."""

    code = "picture_missing"
    detail = "Choose a file."
