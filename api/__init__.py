"""The api: REST, a WebSocket stream, Prometheus text and a page, on one port.

    guardia api [--config FILE] [--check]
    guardia token new NAME --scope read [--expires 90d] | list | revoke NAME

**Does.** Answers what clients ask (``docs/api.md`` is the contract). Every worker holds the newest of every host,
filled once from the store and kept fresh from the stair; the past it asks the store's reader for. A client of the
stream that does not read is dropped with a reason; the others never wait for it.

**Reads.** The stair (``run/stair.ipc``), the store's reader (``run/reader.desk``), the versions of the hosts
(``run/store.versions``), ``{home}/api/tokens.json``, and of the configuration ``[api]``, ``[[hosts]]`` and
``[[services]]``.

**Writes.** Its vitals to the side door, one sample each 10 s and worker, as ``guardia.api-1``, ``guardia.api-2`` ...
``guardia token`` writes the file of tokens.

**Settings.** The table ``[api]``; see ``api/config.py``. SIGHUP starts new workers with what the file says then;
``bind`` and ``port`` take a restart.

**Signals.** SIGTERM and SIGINT stop it within seconds; clients of the stream are told 1012.

**Exit codes.** 0 asked to stop; 100 the configuration is wrong, or it should listen beyond this machine without any
token; 111 the address is taken or the workers cannot start, try again.
"""
