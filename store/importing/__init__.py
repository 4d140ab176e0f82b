"""The first Guardia's history into this store.

    guardia import metrics.db [--rename OLD=NEW] [--since 2026-01-01] [--again]

**Does.** Reads its SQLite file row by row, in the order of time, and tells each row as the producer ``guardia.import``
through the hub's own door, as any other producer does: what is acknowledged is on the store's disk. How far that is
stands in ``import/`` below the home, so that the command goes on where it was ended; a row told twice is kept once.
At the end it compares what the file holds with what the store answers.

**Reads.** Two tables: ``metrics`` (``server_id``, ``timestamp`` in ms, ``cpu_avg``, ``memory_used``, ``memory_total``,
``temp_avg``, ``metadata`` in JSON) and ``service_checks`` (``service_name``, ``timestamp`` in ms, ``url``, ``status``,
``response_time_ms``, ``http_status_code``, ``error_message``). ``rows`` makes messages of them.
"""
