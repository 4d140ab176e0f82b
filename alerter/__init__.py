"""The alerter: judges what is heard by rules, and tells the right people, once.

    guardia alerter [--config FILE] [--check]
    guardia alerts, why, rules, silence, ack        what burns, and why; ``alerter/command.py``, ``viewer``
    guardia backtest FILE, guardia rules test FILE  rules tried on the past, or on written timelines

**Does.** Binds each rule to the readings of each host, service and room, and lets every alarm go through its life:
quiet, pending, firing, clearing (``alerter/machine.py``). That a host is silent follows from time passing. Silences,
maintenance windows and dependencies hold notices back, never measurement, state or recovery. Every decision is kept
with its reason, also that nothing came of it (``docs/alerting.md``).

**Reads.** The stair: samples, layouts, checks, facts, losses. At its start, and where the stair's counter has a hole,
the store's reader is asked for what was missed. Questions, silences and acknowledgements at ``run/alerter.ipc``.

**Writes.** Its memory (``alerter``, LMDB): alarms, incidents, decisions, silences and the outbox, in one transaction
for each batch that is judged, before anything is sent. ``alert``, ``silence`` and ``notice`` records to the side door,
kept in its spool until the store has them.

**Settings.** ``[alerter]``, ``[[rules]]``, ``[[maintenance]]``; parents, labels and limits in ``[[hosts]]`` and
``[[services]]``; see ``alerter/config.py``.

**Exit codes.** 0 asked to stop; 100 the configuration is wrong; 111 another one runs or the disk is full, try again.
"""
