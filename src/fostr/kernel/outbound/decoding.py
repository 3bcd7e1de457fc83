"""Content encodings of answers, undone in small steps: no answer unfolds into more than is wanted."""

import zlib
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from fostr.kernel.outbound.errors import OutboundFailed

ACCEPTED: Final = "gzip"
_STEP_BYTES: Final = 64 * 1024
_GZIP_OR_ZLIB: Final = 47  # zlib's number for "either, look at the header"

Decoder: TypeAlias = Callable[[bytes], Iterator[bytes]]


def find_decoder(content_encoding: str) -> Decoder:
    """Return what turns an answer's bytes into its content, piece by piece; raise for an unknown encoding."""
    encoding = content_encoding.strip().lower()
    if encoding in {"", "identity"}:
        return _pass_on
    if encoding in {"gzip", "x-gzip", "deflate"}:
        return _Inflater().feed
    raise OutboundFailed


def _pass_on(chunk: bytes) -> Iterator[bytes]:
    yield chunk


class _Inflater:
    def __init__(self) -> None:
        self._stream = zlib.decompressobj(_GZIP_OR_ZLIB)

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield what a chunk unfolds into, at most 64 KiB at a time."""
        rest = chunk
        while rest:
            try:
                piece = self._stream.decompress(rest, _STEP_BYTES)
            except zlib.error as error:
                raise OutboundFailed from error
            yield piece
            rest = self._stream.unconsumed_tail
            if self._stream.eof:
                # A gzip file may consist of several, one after the other.
                rest = self._stream.unused_data
                self._stream = zlib.decompressobj(_GZIP_OR_ZLIB)
