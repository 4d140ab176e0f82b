"""What a power cut may leave of files, from the system calls of who wrote them.

tracing     the calls of a process, by strace
disk        the states of the disk that a cut at any of them may leave
storing     a process that stores, and what must hold of each state
sealing     the same of a store that seals, joins, drops and thins
caring      the same of one that is copied, compacted and restored
archiving   the same of one that moves its days to an archive and takes them back
hourly      the same of one whose samples go by the hour and leave rollups
spooling    the same of a spool
trial       goes through states, in processes that may die of them
cutting     takes states from all over a life, for the tests
"""
