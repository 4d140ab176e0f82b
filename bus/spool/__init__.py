"""A producer's unacknowledged messages on disk, bounded by bytes and age.

``append`` returns when its messages are on the disk, each with its number, or raises and has kept none of them. It may
be given any number of messages; the caller decides how long it gathers them (group commit). A few go to the end of a
journal with one write; many, and once a minute what stands in the journal, go into an LMDB file in one transaction.

    spool = Spool(path, limits, source="web-1", now=now, wall=wall)
    sender = Sender(spool.kept(), generation=spool.generation, ...)
    evicted = spool.append(epoch, first, packed, now, wall)     raises NoRoom: keep them in memory, try again
    records = spool.read(epoch, first, last)                    from memory when they were appended just now
    spool.acknowledged(epoch, watermark, generation)            written with the next transaction
    evicted = spool.sweep(now, wall)                            once a minute: age, and giving back disk space
    spool.close(now, wall)

    DIR/data.mdb    the file                        DIR/lock.mdb    LMDB's readers
    DIR/journal     256 KiB, written over           DIR.lock        who has it, and whether he reads or writes the file

The file grows to the bytes allowed and its pages are used again. It shrinks when it was large and little is
left in it: the rest is copied into a new file that takes its place. A damaged file is moved aside to
``<name>.bad-<time>`` and a new one begun; a record whose checksum does not hold is replaced by a ``loss``
message of the same number, so that the loss is told and the others are not held up by it; so are those of a damaged
entry of the journal, which is moved aside too. ``docs/decisions/0025`` tells why there are a file and a journal.

    spool       what is kept and what has to go
    limits      how much that is
    recent      the newest messages, in memory
    file        the LMDB file: rows, transactions, opening, compacting
    journal     the journal: making, writing, reading
    entry       what it is made of, byte by byte
    replay      what it adds to the file when a spool is opened
    doubt       whether a file can be trusted; ``python -m bus.spool PATH`` reads all of it
"""

from bus.delivery.retention import Evicted, NoRoom
from bus.spool.file import cost
from bus.spool.limits import SpoolLimits, SpoolStatus, fault_teller
from bus.spool.spool import Spool

__all__ = ["Evicted", "NoRoom", "Spool", "SpoolLimits", "SpoolStatus", "cost", "fault_teller"]
