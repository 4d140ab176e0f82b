"""A producer's unacknowledged messages on disk, bounded by bytes and age.

``append`` returns when its messages are on the disk: numbers and messages are written in one LMDB transaction
with sync on, so that a message is either there with its number or not there. One transaction may hold any
number of messages; the caller decides how long it gathers them (group commit).

    spool = Spool(path, limits, source="web-1", now=now, wall=wall)
    sender = Sender(spool.kept(), generation=spool.generation, ...)
    evicted = spool.append(epoch, first, packed, now, wall)     raises NoRoom: keep them in memory, try again
    records = spool.read(epoch, first, last)                    from memory when they were appended just now
    spool.acknowledged(epoch, watermark, generation)            written with the next transaction
    evicted = spool.sweep(now, wall)                            once a minute: age, and giving back disk space
    spool.close(now, wall)

The file grows to the bytes allowed and its pages are used again. It shrinks when it was large and little is
left in it: the rest is copied into a new file that takes its place. A damaged file is moved aside to
``<name>.bad-<time>`` and a new one begun; a record whose checksum does not hold is replaced by a ``loss``
message of the same number, so that the loss is told and the others are not held up by it.

    spool       what is kept and what has to go
    file        the LMDB file: rows, transactions, opening, compacting
    doubt       whether a file can be trusted; ``python -m bus.spool PATH`` reads all of it

Plain append-only files with a checksum for each record were weighed against LMDB: measured on a virtual disk,
730-byte records, one message a commit: LMDB 0.28 ms, file 0.16 ms; 10: 31 and 18 µs a message; 100: 4.2 and
2.9; 1,000: 1.5 and 1.2. Both are bound by fsync, so that gathering for some milliseconds wins more than the
other file would, and LMDB brings transactions over messages, numbers and totals, and no recovery to write.
"""

from bus.delivery.retention import Evicted, NoRoom
from bus.spool.file import cost
from bus.spool.spool import Spool, SpoolLimits, SpoolStatus

__all__ = ["Evicted", "NoRoom", "Spool", "SpoolLimits", "SpoolStatus", "cost"]
