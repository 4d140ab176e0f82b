"""Samples of known sources, as nearly all frames are, judged in few steps. Pure.

What is admitted here passes all checks of ``collector.intake`` and pays as it does there. Whatever else comes is left
to it, not paid for yet: it tells what is wrong. ``names`` are the sources that are known, ``quotas`` those of the names
that senders claim, None where nobody pays.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from operator import add
from struct import Struct
from zlib import crc32

from bus.messages import KINDS, MAX_BODY
from bus.wire import ALIKE, FIXED, HEADER, MAGIC, MAX_FRAME, PLAIN, PLAIN_SAMPLE
from collector.limits import Quotas

SAMPLES = MAGIC + bytes((KINDS["sample"].code, 0))
"""What is usual begins so."""
_HEADER, _FIXED = HEADER.size, FIXED.size


def together(frames: Sequence[bytes], names: set[bytes], quotas: Quotas | None, now: float) -> list[int] | None:
    """The places of the frames that could not be paid for; None where not each is a good sample of a known source.

    What is done for all frames at once takes half of what it would for each; all begin with ``SAMPLES``.
    """
    sizes = list(map(len, frames))
    if min(sizes) < _HEADER:
        return None
    forms, lengths, epochs, numbers, _, checksums = zip(*map(PLAIN.unpack_from, frames), strict=True)
    bodies = [body for body in map(PLAIN_SAMPLE.get, forms) if body is not None]
    if len(bodies) != len(sizes) or list(map(add, bodies, lengths)) != sizes:
        return None
    sources = [frame[_HEADER:body] for frame, body in zip(frames, bodies, strict=True)]
    if not names.issuperset(sources) or 0 in numbers or max(lengths) > MAX_BODY:
        return None
    begun = map(crc32, [frame[:_FIXED] for frame in frames])
    if tuple(map(crc32, [frame[_HEADER:] for frame in frames], begun)) != checksums:
        return None
    unpaid: list[int] = []
    if quotas is not None:
        for place, source in enumerate(sources):
            quota = quotas.get(source)
            if quota is None:
                unpaid.append(place)
                continue
            if quota.now != now:
                quota.at(now)
            messages, volume = quota.messages, quota.volume
            if messages.tokens <= 0 or volume.tokens <= 0:
                unpaid.append(place)
                continue
            if quota.paid != (epoch := epochs[place]):
                if not quota.epochs.take(epoch, now):
                    unpaid.append(place)
                    continue
                quota.paid = epoch
            messages.tokens -= 1
            volume.tokens -= sizes[place]
    return unpaid


def alone(frame: bytes, names: set[bytes], quotas: Quotas | None, now: float) -> bool:
    """Whether these are good samples of one known source, and nothing else; what they take is paid for then."""
    size = len(frame)
    if not _HEADER <= size <= MAX_FRAME:
        return False
    form, length, epoch, number, _, checksum = PLAIN.unpack_from(frame)
    body = PLAIN_SAMPLE.get(form)
    if body is None:
        return False
    source = frame[_HEADER:body]
    if source not in names:
        return False
    if quotas is None:
        return sound(frame, body, length, number, checksum) > 0
    quota = quotas.get(source)
    if quota is None:
        return False
    if quota.now != now:
        quota.at(now)
    messages, volume = quota.messages, quota.volume
    if messages.tokens <= 0 or volume.tokens <= 0:
        return False
    count = sound(frame, body, length, number, checksum)
    if not count:
        return False
    if quota.paid != epoch:
        if not quota.epochs.take(epoch, now):
            return False
        quota.paid = epoch
    messages.tokens -= count
    volume.tokens -= size
    return True


def sound(frame: bytes, body: int, length: int, number: int, checksum: int) -> int:
    """How many samples ``frame`` holds, all of the source, form and length of the first; 0 where anything is wrong.

    Of the first one it is given where its body begins, and what its header says.
    """
    end, size = body + length, len(frame)
    if end == size:
        good = number and length <= MAX_BODY and crc32(frame[_HEADER:], crc32(frame[:_FIXED])) == checksum
        return 1 if good else 0
    count, rest = divmod(size, end)
    if rest or not count or length > MAX_BODY:
        return 0
    heads, checked = _rows(body, length)
    firsts, numbers, sources = zip(*heads.iter_unpack(frame), strict=True)
    if firsts.count(firsts[0]) != count or sources.count(sources[0]) != count or 0 in numbers:
        return 0
    for fixed, found, tail in checked.iter_unpack(frame):
        if crc32(tail, crc32(fixed)) != found:
            return 0
    return count


@lru_cache(256)
def _rows(body: int, length: int) -> tuple[Struct, Struct]:
    """A record whose body begins there and is so long: what of it must be alike and its number; what is checked."""
    name = body - _HEADER
    heads = Struct(f">{ALIKE}sQ{_HEADER - ALIKE - 8}x{name}s{length}x")
    return heads, Struct(f">{_FIXED}sI{_HEADER - _FIXED - 4}x{name + length}s")
