"""zstd, without what a column does not need: magic numbers, checksums. Pure."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import zstandard

FORM = zstandard.FORMAT_ZSTD1_MAGICLESS
LEAST_PRESSED = 24
"""A shorter body is not worth compressing."""
APART = 1024
"""Planes of so many bytes are compressed each with codes of its own."""


class Damaged(Exception):
    """Bytes that are not what was written."""


class LeftAlone(Damaged):
    """A file that cannot be opened now, which says nothing about it: it stays as it is, where it is."""


class Newer(LeftAlone):
    """What a later Guardia wrote: this one cannot read it."""


class _Zstd(threading.local):
    """Compressors and the decompressor of one thread: none of them may be shared."""

    def __init__(self) -> None:
        self.unpress: Callable[..., bytes] = zstandard.ZstdDecompressor(format=FORM).decompress

        @lru_cache
        def compressor(level: int, *, sized: bool = True) -> Any:
            parameters = zstandard.ZstdCompressionParameters.from_level(
                level, format=FORM, write_checksum=False, write_dict_id=False, write_content_size=sized
            )
            return zstandard.ZstdCompressor(compression_params=parameters)

        self._compressor = compressor

    def press(self, data: bytes, level: int) -> bytes:
        """One frame."""
        return self._compressor(level).compress(data)  # type: ignore[no-any-return]

    def in_blocks(self, parts: list[bytes], level: int, *, sized: bool) -> bytes:
        """One frame, in which each part begins a block; ``sized`` ones are unpacked in half the time."""
        stream = self._compressor(level, sized=sized).compressobj(sum(map(len, parts)) if sized else -1)
        made = []
        for part in parts:
            made.append(stream.compress(part))
            made.append(stream.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK))
        made.append(stream.flush())
        return b"".join(made)


_ZSTD = _Zstd()


def pressed(data: bytes, level: int = 3) -> bytes:
    """One zstd frame without magic number."""
    return _ZSTD.press(data, level)


def pressed_apart(parts: Sequence[bytes], level: int) -> bytes:
    """All of them as one frame without magic number, those of some length with codes of their own."""
    together: list[bytes] = []
    for part in parts:
        if together and len(together[-1]) < APART:
            together[-1] += part
        else:
            together.append(part)
    if len(together) == 1:
        return pressed(together[0], level)
    return _ZSTD.in_blocks(together, level, sized=True)


def unpressed(data: bytes, most: int) -> bytes:
    """What is in a frame, at most so many bytes; raises ``Damaged``."""
    try:
        # What a frame says to hold is made room for, whatever ``max_output_size`` is.
        told: int = zstandard.get_frame_parameters(data, FORM).content_size
        if most < told < zstandard.CONTENTSIZE_UNKNOWN:
            raise Damaged(f"a body of {told} bytes where at most {most} should be")
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
        small = _ZSTD.in_blocks([part for part in each if part], level, sized=False)
    else:
        small = _ZSTD.press(head + planes if head else planes, level)
    return small if len(small) < whole else None
