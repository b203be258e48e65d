"""Content encodings undone within a limit, so that a small body cannot unfold into a giant one."""

from __future__ import annotations

import zlib

import brotli
import zstandard

from corpus.errors import FetchError, TemporaryFetchError

_STEP = 1 << 16
_ZSTD_INPUT = 256


def decode_body(body: bytes, content_encoding: str, max_bytes: int) -> bytes:
    """``body`` with its Content-Encoding undone (gzip, deflate, br, zstd, in any order).

    Memory stays near ``max_bytes``. Raises TemporaryFetchError when the body is cut short or
    damaged (a second request may bring it whole), FetchError when it unfolds to more than
    ``max_bytes`` or its encoding is unknown.
    """
    codings = [coding.strip().lower() for coding in content_encoding.split(",") if coding.strip()]
    for coding in reversed(codings):
        if not body or coding == "identity":
            continue
        decoder = _DECODERS.get(coding)
        if decoder is None:
            raise FetchError(f"the answer is encoded as {coding[:30]!r}, which is not understood")
        try:
            body = decoder(body, max_bytes)
        except (zlib.error, brotli.error, zstandard.ZstdError, EOFError) as error:
            raise TemporaryFetchError(f"the {coding} data ended early or is damaged") from error
    return body


def _inflate(body: bytes, max_bytes: int) -> bytes:
    try:
        return _inflate_as(body, max_bytes, zlib.MAX_WBITS | 32)  # gzip or zlib, told by its header
    except zlib.error:
        if body[:2] == b"\x1f\x8b":
            raise
        return _inflate_as(body, max_bytes, -zlib.MAX_WBITS)  # "deflate" without zlib's header


def _inflate_as(body: bytes, max_bytes: int, window: int) -> bytes:
    whole = bytearray()
    rest = body
    while rest:  # gzip files may be several members in a row
        decoder = zlib.decompressobj(window)
        while rest and not decoder.eof:
            whole += decoder.decompress(rest, _STEP)
            _check_size(whole, max_bytes)
            rest = decoder.unconsumed_tail
        if not decoder.eof:
            whole += decoder.flush()
            _check_size(whole, max_bytes)
            if not decoder.eof:
                raise EOFError
        rest = decoder.unused_data.lstrip(b"\0")
        if rest and rest[:2] != b"\x1f\x8b":
            break  # what follows the stream is not part of it
    return bytes(whole)


def _unbrotli(body: bytes, max_bytes: int) -> bytes:
    decoder = brotli.Decompressor()
    whole = bytearray()
    part = decoder.process(body, output_buffer_limit=_STEP)
    while part:
        whole += part
        _check_size(whole, max_bytes)
        part = b"" if decoder.is_finished() else decoder.process(b"", output_buffer_limit=_STEP)
    if not decoder.is_finished():
        raise EOFError
    return bytes(whole)


def _unzstd(body: bytes, max_bytes: int) -> bytes:
    # RFC 9659: content encodings use windows of at most 8 MiB.
    decompressor = zstandard.ZstdDecompressor(max_window_size=1 << 23)
    whole = bytearray()
    rest = body
    while rest:  # several frames may follow each other
        decoder = decompressor.decompressobj()
        position = 0
        while position < len(rest) and not decoder.eof:
            # The decoder has no output limit; so few input bytes unfold to some megabytes at most.
            whole += decoder.decompress(rest[position : position + _ZSTD_INPUT])
            _check_size(whole, max_bytes)
            position += _ZSTD_INPUT
        if not decoder.eof:
            raise EOFError
        rest = decoder.unused_data + rest[position:]
    return bytes(whole)


def _check_size(whole: bytearray, max_bytes: int) -> None:
    if len(whole) > max_bytes:
        raise FetchError(f"the answer unfolds to more than {max_bytes:,} bytes")


_DECODERS = {
    "gzip": _inflate,
    "x-gzip": _inflate,
    "deflate": _inflate,
    "br": _unbrotli,
    "zstd": _unzstd,
}
