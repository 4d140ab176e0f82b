"""Care of the files: verify, snapshot, restore, compact; beside a running writer, or without one.

A damaged LMDB file may kill who reads it: all reading is done by a process apart (``store/care/apart.py``), which is
made anew when it dies and says at what. What changes a store is done by whoever holds the writer's lock: a running
writer takes over what was prepared for it (``store/backends/exchange.py``).
"""
