"""What fails of a disk, at each call that writes: nothing acknowledged is lost, and what ends says why.

injecting   lets calls of a process fail
trial       goes through faults: each call with each error
life        what all lives here have in common
storing     the writer; with rows of many hosts that are regrouped: regrouping
sealing     the sealer, also joining by two processes (joining), by the hour (hourly), and with an archive (archiving)
caring      snapshot, compact, restore
spooling    a producer's spool with its journal
"""
