"""The collector: one door for whoever has something to say, and the stair it all goes up.

    guardia collector [2|3|...] [--config FILE] [--check]
    guardia enroll NAME, agents, revoke NAME, keys      who may come to the door (``collector/command.py``)

**Does.** Takes frames from agents and from the hub's own rooms, admits or refuses each by its header (size, form,
kind, checksum, names), stamps what came together with the time of receipt and a counter, and publishes it. It
decodes no body but new layouts, whose names it counts, and keeps nothing: killed and started again, it goes on where
the producers resend. It passes the producers' HELLOs up to the store, and the store's receipts to the producers
(``docs/delivery.md``).
Once the hub has a key, the public roads let in enrolled agents only, each under its own name (``docs/identity.md``).

**Several.** A hub may have more of them, each with a door, a receipts' road and a stair of its own: ``[bus] door`` and
``receipts`` name them all, and ``guardia collector 2`` is the second. Agents spread over them by their names, and go to
the next when theirs is silent. The hub's own rooms use the first one's side door.

**Reads.** The door (``[bus] door``, PULL) and the side door of the hub's own rooms (``run/door.ipc``); HELLOs at
``[bus] receipts`` and ``run/side-receipts.ipc`` (ROUTER); what the store settles (``run/settle.ipc``, PULL).
The hub's key and the list of agents (``keys``), several times a second.

**Writes.** The stair (``run/stair.ipc``, PUB): bus frames as drawn in ``bus/wire.py``, and HELLOs; receipts to the
producers that said HELLO. Who called, for ``guardia agents`` (``run/collector.callers.json``).

**Settings.** The table ``[collector]``; see ``collector/config.py``.

**Exit codes.** 0 asked to stop; 100 the configuration is wrong; 111 an address is taken, try again.
"""
