"""Admit a frame or refuse it, by its header alone. Pure.

The checks run from cheap to dear: size, form, kind, checksum, names. No body is decoded but that of a new layout, by
whoever counts its names (``collector.limits``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bus.control import WHY, Refusal
from bus.messages import BY_CODE, HUB, IMPORT, KINDS, is_name
from bus.wire import HEADER, MAX_FRAME, PLAIN, PLAIN_SAMPLE, Field, Malformed, names_in, verify, walk
from collector.limits import Quota, Quotas
from collector.usual import alone, sound, together

OF_THE_SOURCE = frozenset(KINDS[name].code for name in ("layout", "sample", "facts", "processes"))
"""Kinds in which a producer speaks of itself; checks, alerts and the like are about somebody else."""
HUB_ONLY = frozenset(KINDS[name].code for name in ("alert", "notice", "silence", "tally", "heartbeat"))
"""Kinds that only the hub's own rooms may tell."""
OF_SERVICES = frozenset({KINDS["check"].code})
"""Kinds that, where agents have keys, only those tell that were enrolled as a place."""
OF_OTHERS = frozenset({KINDS["loss"].code})
"""Kinds that only the hub's own rooms may tell about somebody else."""
BY_RECORD = frozenset(("metrics", "subjects"))
"""Reasons for which records of a frame are refused and not the others."""
_CODES = frozenset(BY_CODE)
_IMPORT = IMPORT.encode()
"""Tells what other hosts measured, over the hub's own door only."""
_LAYOUT = KINDS["layout"].code
_MOST_NAMES = 100_000


class Partly(Malformed):
    """Some records of a frame are refused, and ``rest``, which are of the kind ``kind``, are let in."""

    def __init__(self, fault: Malformed, kind: str, rest: bytes, refused: bytes) -> None:
        super().__init__(fault.reason, str(fault))
        self.kind, self.rest, self.refused = kind, rest, refused


class Intake:
    """What one door lets in. ``public`` is a door that the network reaches, otherwise the hub's own.

    ``is_place`` tells of a name whether it was enrolled as a place that services are checked from.
    """

    def __init__(self, *, public: bool, is_place: Callable[[str], bool] = lambda name: True) -> None:
        self.public = public
        self._is_place = is_place
        self._names: set[bytes] = set()

    def admit(self, frame: bytes, sender: str | None = None, quota: Quota | None = None) -> str:
        """The kind of the frame's records; raises ``Malformed`` with the reason to count it by, or ``Partly``.

        ``sender`` is the name that the connection's key stands for; None where there are no keys. ``quota`` pays.
        """
        if self._is_usual(frame, sender, quota):
            return "sample"
        if len(frame) > MAX_FRAME:
            raise Malformed("oversize", f"a frame of {len(frame)} bytes, at most {MAX_FRAME}")
        code, count, epoch = -1, 0, -1
        over: list[slice] = []
        fault: Malformed | None = None
        for start, end, fields in walk(frame):
            _, kind, _, source_length, subject_length, _, body_length, told_in, number, _, _, _, _, _ = fields
            if kind != code:
                if code != -1:
                    raise Malformed("mixed", "records of two kinds in one frame")
                code = kind
                if code not in _CODES:
                    raise Malformed("kind", f"kind {code} is not known here")
                if self.public and code in HUB_ONLY:
                    raise Malformed("forbidden", f"{BY_CODE[code].name}: only the hub itself tells these")
                if sender is not None and code in OF_SERVICES and not self._is_place(sender):
                    raise Malformed("place", f"{sender} tells of services and was not enrolled with --place")
            if not verify(frame, start, end):
                raise Malformed("checksum", "the checksum does not hold")
            if not number:
                raise Malformed("number", "numbers begin with 1")
            names = start + HEADER.size
            source = frame[names : names + source_length]
            if source not in self._names:
                self._learn(source)
            if subject_length:
                subject = frame[names + source_length : end - body_length]
                speaks_for_itself = code in OF_THE_SOURCE and (self.public or source != _IMPORT)
                if speaks_for_itself or (self.public and code in OF_OTHERS):
                    raise Malformed("subject", f"{source.decode()} speaks for {subject[:40]!r}")
                if subject not in self._names:
                    self._learn(subject)
            if sender is not None and source != sender.encode():
                raise Malformed("name", f"{sender} calls itself {source.decode()}")
            count += 1
            if told_in != epoch or subject_length or code == _LAYOUT:
                epoch = told_in
                if quota is not None:
                    try:
                        _pay(quota, code, epoch, frame[names + source_length : end], subject_length)
                    except Malformed as found:
                        if found.reason not in BY_RECORD:
                            raise
                        fault = found
                        over.append(slice(start, end))
        if code == -1:
            raise Malformed("empty", "a frame without a record")
        if quota is not None:
            quota.spent(count)
        if fault is not None:
            raise Partly(fault, BY_CODE[code].name, *_parted(frame, over))
        return BY_CODE[code].name

    def usual(self, frame: bytes, quotas: Quotas | None, now: float) -> bool:
        """See ``collector.usual``: whether the frame is admitted as samples, and paid for."""
        return alone(frame, self._names, quotas, now)

    def usual_each(self, frames: Sequence[bytes], quotas: Quotas | None, now: float) -> list[int] | None:
        """See ``collector.usual``: which frames are still to be judged one by one; None: all of them."""
        return together(frames, self._names, quotas, now)

    def _is_usual(self, frame: bytes, sender: str | None, quota: Quota | None) -> bool:
        """Whether these are good samples of one known source; ``quota``, which paid for the frame, pays for them."""
        if not HEADER.size <= len(frame) <= MAX_FRAME:
            return False
        form, length, epoch, number, _, checksum = PLAIN.unpack_from(frame)
        body = PLAIN_SAMPLE.get(form)
        if body is None:
            return False
        source = frame[HEADER.size : body]
        if source not in self._names or (sender is not None and sender.encode() != source):
            return False
        count = sound(frame, body, length, number, checksum)
        if count and quota is not None:
            quota.epoch(epoch)
            quota.spent(count)
        return bool(count)

    def _learn(self, name: bytes) -> None:
        text = name.decode("ascii", "replace")
        if not is_name(text):
            raise Malformed("name", f"{text[:40]!r} is no name")
        if self.public and text.startswith(HUB):
            raise Malformed("forbidden", f"{text[:40]}: names that start with {HUB} are the hub's own")
        if len(self._names) >= _MOST_NAMES:
            self._names.clear()
        self._names.add(name)


def never_let_in(frame: bytes, reason: str, *, public: bool) -> list[Refusal]:
    """The numbered, undamaged records of a frame that was refused for ``reason``, where resending cannot mend that.

    The store is told of them, so that their producer does not send them for ever.
    """
    found: list[Refusal] = []
    if reason not in WHY:
        return found
    try:
        for start, end, fields in walk(frame):
            source = names_in(frame, start, fields)[0].decode("ascii", "replace")
            if not verify(frame, start, end) or not is_name(source) or (public and source.startswith(HUB)):
                return found
            epoch, number = fields[Field.EPOCH], fields[Field.NUMBER]
            if epoch and number:
                found.append(Refusal(source, epoch, number, fields[Field.BASE], fields[Field.GENERATION], reason))
    except Malformed:
        return found
    return found


def _parted(frame: bytes, some: Sequence[slice]) -> tuple[bytes, bytes]:
    """The frame without some of its records, and these."""
    begins = [0, *(one.stop for one in some)]
    ends = [*(one.start for one in some), len(frame)]
    rest = b"".join(frame[begin:end] for begin, end in zip(begins, ends, strict=True))
    return rest, b"".join(frame[one] for one in some)


def _pay(quota: Quota, code: int, epoch: int, told: bytes, subject_length: int) -> None:
    """Charge for what a record may make the hub remember; ``told`` is its subject, if it has one, and its body."""
    quota.epoch(epoch)
    if subject_length:
        quota.subject(told[:subject_length])
    if code == _LAYOUT:
        quota.layout(told)
