"""The prober: checks services, and pushes what it finds to the hub's door.

    guardia prober [--config FILE] [--check]
    guardia prober --join -                   keeps the line that ``guardia enroll`` printed on the hub, for a place

**Does.** Tries each service of ``[[services]]`` at its interval, in a thread of its own, again where an attempt fails,
and counts failing and good checks until the service is up, degraded or down. What could not be looked at is unknown;
all is unknown while our own side has no connection. Any host may run one: a service is then seen from several places.

**Reads.** What services answer; reports of jobs, from the hub's stair.

**Writes.** The hub's door (PUSH): a ``check`` for each check, under the service's name. Its own counters and its own
connectivity as samples of ``guardia.prober``.

**Settings.** The tables ``[prober]`` and ``[[services]]``; see ``prober/config.py``, ``bus/tables.py`` and
``prober/checks``. How to set services up stands in ``docs/services.md``.

**Exit codes.** 0 asked to stop; 100 the configuration is wrong; 111 another prober runs with this home.
"""
