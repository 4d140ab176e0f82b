"""Producers, collector and store with the real delivery code, on a simulated network, disk and clock.

world       time and chance: events in order, everything from one seed
network     frames that are dropped, doubled, overtaken, cut off
disk        a spool on a disk that fills up, is wiped, or comes back from a snapshot
host        a producer: the real ``Courier`` and ``Sender``
hub         collector and store: the real ``Receiver`` and ``Fence``
faults      what goes wrong, and when
checker     what must hold at the end
mutants     known-bad variants, which the checker must catch
run         one history from one seed
"""
