"""The store: remembers what went up the stair, and answers questions about it.

    guardia store writer [--config FILE] [--check]
    guardia store reader [--config FILE] [--check]
    guardia store sealer [--config FILE] [--check]
    guardia store stats [--config FILE] [--json]

**Does.** The writer gathers what the collector publishes and commits it with fsync, a batch at a time, together
with how far that brings each producer; then it sends receipts (``docs/delivery.md``). What the disk has no room
for waits, and nothing else stops. The reader answers questions (``bus/questions.py``) from the same files; any
number may run beside the one writer. The sealer turns what is over into blocks and rollups, and drops what is old.

Commands about the past ask the reader: ``guardia sla`` (``store/sla.py``), ``guardia export`` (``store/exporting``).
``guardia import`` (``store/importing``) tells the first Guardia's history through the hub's door.

**Reads.** The writer: the stair (``run/stair.ipc``). The reader: ``run/reader.desk``, where the api asks, and
``run/reader.ipc``, where others do; and the files.

**Writes.** ``store/`` below the home, laid out as drawn in ``store/keys.py`` and ``docs/storage.md``, and
``store.generation`` beside it; receipts to ``run/settle.ipc``; versions of the hosts to ``run/store.versions``.

**Settings.** The table ``[store]`` and the list ``[[retention]]``; see ``store/config.py``.

**Exit codes.** 0 asked to stop; 100 the configuration is wrong; 111 the files or an address cannot be had now.
"""
