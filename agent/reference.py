"""What is measured, as a page: ``python -m agent.reference > docs/metrics.md``."""

from __future__ import annotations

from agent.metrics import METRICS, found
from bus.units import units

_HEAD = """# What the agent measures

Made from the drawer `agent/metrics` by `python -m agent.reference`; a test keeps it true.

A metric's name is `group.field` or `group[instance].field`; `*` stands for any instance. What the host does not
have is absent; a number that cannot be told now has no value. Each name ends in its unit, or is of the unit told.
Rates have no value in the first sample after a counter was reset, and percentages are of 0 to 100, but for those of
one core, of which a program may use several.

*Each sample* means every `[agent] interval`. *Slowly* means every `[agent] slow_seconds`, in a thread: the last
value is repeated in the samples between, until it is three times as old. `[agent] skip_metrics` leaves out whole
metrics.
"""
_PLUGINS = """
Plugins and programs that tell metrics in Prometheus's text format add metrics of their own: see [Adding a
metric](adding-a-metric.md). Of each such program there are `scrape[*].series`, all that it told, `scrape[*].left_out`,
how many of them could not be told, and `scrape[*].seconds`, how long its answer took. Beside samples the agent tells
*facts* about the host (on start, on change, every `[agent] facts_seconds`) and, unless `[agent] processes` is false,
the *processes* that used most CPU and memory (every `[agent] process_seconds`).
"""


def page() -> str:
    """The whole page, in Markdown."""
    return _HEAD + "".join(f"\n{section(name)}" for name in METRICS) + _PLUGINS


def section(name: str) -> str:
    """One metric: what it is and its names."""
    kind = found(name)
    about = " ".join((kind.__doc__ or "").split())
    rows = zip(kind.fields, units(tuple(kind.fields)), kind.fields.values(), strict=True)
    lines = [
        f"## {name}",
        "",
        f"{about} Read {'slowly' if kind.slow else 'each sample'}.",
        "",
        "| name | unit | meaning |",
        "|---|---|---|",
        *(f"| `{field}` | {unit or 'count'} | {meaning} |" for field, unit, meaning in rows),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(page(), end="")
