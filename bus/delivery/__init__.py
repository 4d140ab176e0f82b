"""Numbered sending and receipts: nothing acknowledged is lost, nothing lost is hidden. Pure.

A producer numbers its messages without holes within an *epoch* (64 random bits, new at every start), keeps them
in its spool, and sends them again until the store says that they are on its disk.

    sender      what to send when: window, pacing, HELLO, rewinding (R3 to R8)
    receiver    what arrived and may be acknowledged: watermarks, holes, declared gaps (R1, R2, R5, R6)
    fence       which message kills the store (R9)
    states      the sender's life as a table
    window      how much may be under way, and pauses
    outflow     one epoch as the sender sees it; stream: as the store sees it
    retention   what a spool lets go of first (R7); ring: what stands in for it while its disk is full
    identity    two hosts under one name
    ranges      sets of numbers

The bytes are in ``bus.wire`` (messages) and ``bus.control`` (HELLO and RECEIPT); ``bus.spool`` is the disk;
``bus.courier`` joins spool and sender. ``docs/delivery.md`` tells what is promised, and by which rules.
"""
