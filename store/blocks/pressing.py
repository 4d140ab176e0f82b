"""zstd, without what a column does not need: magic numbers, checksums. Pure."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import zstandard

LEAST_PRESSED = 24
"""A shorter body is not worth compressing."""
APART = 1024
"""Planes of so many bytes are compressed each with codes of its own."""


class Damaged(Exception):
    """Bytes that are not what was written."""


class _Zstd(threading.local):
    """Compressors and the decompressor of one thread: none of them may be shared."""

    def __init__(self) -> None:
        form = zstandard.FORMAT_ZSTD1_MAGICLESS
        self.unpress: Callable[..., bytes] = zstandard.ZstdDecompressor(format=form).decompress

        @lru_cache
        def press(level: int) -> Callable[[bytes], bytes]:
            parameters = zstandard.ZstdCompressionParameters.from_level(
                level, format=form, write_checksum=False, write_dict_id=False
            )
            compress: Callable[[bytes], bytes] = zstandard.ZstdCompressor(compression_params=parameters).compress
            return compress

        @lru_cache
        def pieces(level: int) -> Any:
            parameters = zstandard.ZstdCompressionParameters.from_level(
                level, format=form, write_checksum=False, write_dict_id=False, write_content_size=False
            )
            return zstandard.ZstdCompressor(compression_params=parameters)

        self.press, self._pieces = press, pieces

    def in_blocks(self, parts: list[bytes], level: int) -> bytes:
        """One frame, in which each part begins a block."""
        stream = self._pieces(level).compressobj()
        made = []
        for part in parts:
            made.append(stream.compress(part))
            made.append(stream.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK))
        made.append(stream.flush())
        return b"".join(made)


_ZSTD = _Zstd()


def pressed(data: bytes, level: int = 3) -> bytes:
    """One zstd frame without magic number."""
    return _ZSTD.press(level)(data)


def unpressed(data: bytes, most: int) -> bytes:
    """What is in a frame, at most so many bytes; raises ``Damaged``."""
    try:
        return _ZSTD.unpress(data, max_output_size=most)
    except zstandard.ZstdError as error:
        raise Damaged(f"a body that cannot be unpacked: {error}") from None


def smaller(head: bytes, planes: bytes, width: int, level: int) -> bytes | None:
    """Both as one frame; None when that is no smaller."""
    whole = len(head) + len(planes)
    if whole < LEAST_PRESSED:
        return None
    if width > 1 and len(planes) >= APART * width:
        # A block for each plane: high and low bytes have little in common, and each block has codes of its own.
        size = len(planes) // width
        each = [head, *(planes[at : at + size] for at in range(0, len(planes), size))]
        small = _ZSTD.in_blocks([part for part in each if part], level)
    else:
        small = _ZSTD.press(level)(head + planes if head else planes)
    return small if len(small) < whole else None
