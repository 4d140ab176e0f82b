"""The agent: measures the host it runs on, and pushes what it finds to the hub's door.

    guardia agent [--config FILE] [--check]
    guardia agent --once                      one sample on the terminal, as ``name value`` lines
    guardia agent --join -                    keeps the line that ``guardia enroll`` printed on the hub, and starts
    guardia agent --request                   makes a key here and prints its public half

**Does.** Takes one wide sample of the host at each multiple of ``interval`` on the wall clock; a turn that was
missed is skipped. Counters are told as rates. What may be slow to answer (file systems, sensors) is read in
threads, less often, and repeated in each sample until it is three paces old. A sensor that is not there is absent; a
metric that fails is told once in the log and tried again, ever less often, while the others go on. Each metric
has a budget of CPU time: what costs more is read less often.

**Reads.** /proc and /sys, sensors by psutil, the executables in ``plugins``, each of which prints lines of
``name value``, and the programs in ``[[scrapes]]``, which tell metrics in Prometheus's text format over HTTP. Its key
and its hub in ``keys``, if it was joined to one (``docs/identity.md``).

**Writes.** The hub's door (``[bus] door``, PUSH, or where it was joined to): layouts, samples, facts, lists of
processes, under the host's name.

**Settings.** The table ``[agent]`` and the list ``[[scrapes]]``; see ``agent/config.py``. What is measured stands in
``docs/metrics.md``, how to add to it in ``docs/adding-a-metric.md``.

**Exit codes.** 0 asked to stop; 100 the configuration is wrong; 111 another agent runs with this home.
"""
