"""The bus: everything that every room needs, and the only thing that a room imports beside itself.

**What travels.** ``messages`` declares every message once (``KINDS``); ``wire`` turns records into frames and back;
``questions`` are what may be asked about the past. All three are pure, and checked with ``fields``.

**How it travels.** ``sockets`` are ZeroMQ's, by role and with their options set once. A room speaks by ``voice``,
which keeps its words until they are stored, or by ``producer``, which tells them once. ``delivering``, ``delivery``,
``spool``, ``control`` and ``courier`` are the protocol by which nothing acknowledged is lost (``docs/delivery.md``).

**How a program lives.** ``program`` starts and ends each of them alike: arguments, configuration (``config``,
``settings``, ``reading``, ``faults``, ``secret``), log (``logs``), lock and signals (``process``, ``early``), ``loop``,
``workers`` for calls that block, ``vitals`` of the process itself. ``command`` is ``guardia``, ``watchdog`` is
supervisord's event listener.

**How a command asks.** ``asking`` puts questions to the programs of this machine, ``afar`` to the hub of another one
through its API, which answers those in ``open_questions``; ``hubs`` says which hub is meant, ``hub_api`` speaks HTTP.

**Settings.** The tables ``[bus]``, ``[watchdog]``, ``[[hosts]]`` and ``[[services]]``; see ``bus/tables.py``.

**Exit codes.** 0 asked to stop; 70 a fault of Guardia's own; 100 asked wrongly, starting again is useless; 111 the
world failed, try again.
"""

__version__ = "0.1.0"
