"""What was measured, as a table and as a picture (SVG) of some panels with logarithmic axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from benchmarks.growth.measured import Point
from benchmarks.growth.roles import METRICS

WIDTH, HEIGHT, MARGIN = 300, 180, 46
ROLES = ("writer", "reader", "sealer")
COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e")


@dataclass(frozen=True, slots=True)
class Panel:
    """Curves over the same sizes: values by the curve's name, in the order of ``sizes``."""

    title: str
    across: str
    sizes: tuple[int, ...]
    curves: dict[str, tuple[float, ...]]


def tables(points: Sequence[Point], what: str) -> str:
    """What it costs, and how long questions take, as two tables in Markdown."""
    head = [what, "samples/s", "million values/s", "CPU s per million values: writer", "sealer", "rows MB", "sealed MB"]
    costs = []
    for one in points:
        cells = [f"{one.samples_per_s:,.0f}", f"{one.samples_per_s * METRICS / 1e6:.2f}"]
        cells += [f"{one.write_cpu:.3f}", f"{one.seal_cpu:.3f}"]
        cells += [f"{one.rows_bytes / 1e6:.1f}", f"{one.bytes / 1e6:.1f}"]
        costs.append([f"{one.size:,}", *cells, *(f"{one.memory[role] / 1e6:.0f}" for role in ROLES)])
    asked = [
        [f"{one.size:,}", *(f"{p50:.1f} / {p99:.1f} ({first:.1f})" for first, p50, p99 in one.queries.values())]
        for one in points
    ]
    questions = [what, *(f"{name}, ms" for name in points[0].queries)]
    return f"{_table([*head, *(f'{role} MB' for role in ROLES)], costs)}\n\n{_table(questions, asked)}\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join([_line(head), "|" + "---|" * len(head), *map(_line, rows)])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def panels(points: Sequence[Point], across: str) -> list[Panel]:
    """Pace, memory, disk and questions of one course."""
    sizes = tuple(one.size for one in points)
    asked = {name: tuple(one.queries[name][1] for one in points) for name in points[0].queries}
    memory = {role: tuple(one.memory[role] / 1e6 for one in points) for role in ROLES}
    disk = {"rows": tuple(one.rows_bytes / 1e6 for one in points), "sealed": tuple(one.bytes / 1e6 for one in points)}
    pace = {"durable": tuple(one.samples_per_s for one in points)}
    return [
        Panel("ingest, samples/s", across, sizes, pace),
        Panel("own memory, MB", across, sizes, memory),
        Panel("disk, MB", across, sizes, disk),
        Panel("questions, p50 in ms", across, sizes, asked),
    ]


def picture(rows: Sequence[Sequence[Panel]]) -> str:
    """One SVG, a row of panels each."""
    across = max(len(row) for row in rows) * WIDTH
    height = len(rows) * HEIGHT
    drawn = [
        f'<g transform="translate({place * WIDTH},{line * HEIGHT})">{_panel(panel)}</g>'
        for line, row in enumerate(rows)
        for place, panel in enumerate(row)
    ]
    style = 'font-family="sans-serif" font-size="9"'
    size = f'width="{across}" height="{height}" viewBox="0 0 {across} {height}"'
    ground = '<rect width="100%" height="100%" fill="white"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>\n{ground}\n' + "\n".join(drawn) + "\n</svg>\n"


def _panel(panel: Panel) -> str:
    values = [value for curve in panel.curves.values() for value in curve if value > 0]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    high = max(high, low + 1)
    left, right, top, bottom = MARGIN, WIDTH - 84, 22, HEIGHT - 30
    first, last = math.log10(panel.sizes[0]), math.log10(max(panel.sizes[-1], panel.sizes[0] + 1))

    def x(size: float) -> float:
        return left + (math.log10(size) - first) / (last - first) * (right - left)

    def y(value: float) -> float:
        return bottom - (math.log10(max(value, 10.0**low)) - low) / (high - low) * (bottom - top)

    made = [f'<text x="{left}" y="14" font-weight="bold">{escape(panel.title)}</text>']
    for power in range(low, high + 1):
        at = y(10.0**power)
        made.append(f'<line x1="{left}" y1="{at:.1f}" x2="{right}" y2="{at:.1f}" stroke="#ddd"/>')
        made.append(f'<text x="{left - 4}" y="{at + 3:.1f}" text-anchor="end">{10.0**power:g}</text>')
    made += [f'<text x="{x(size):.1f}" y="{bottom + 12}" text-anchor="middle">{size:g}</text>' for size in panel.sizes]
    made.append(f'<text x="{(left + right) / 2}" y="{bottom + 24}" text-anchor="middle">{escape(panel.across)}</text>')
    for place, (name, curve) in enumerate(panel.curves.items()):
        colour = COLOURS[place % len(COLOURS)]
        dots = [(x(size), y(value)) for size, value in zip(panel.sizes, curve, strict=True)]
        path = " ".join(f"{across:.1f},{down:.1f}" for across, down in dots)
        made.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        made += [f'<circle cx="{across:.1f}" cy="{down:.1f}" r="2.2" fill="{colour}"/>' for across, down in dots]
        made.append(f'<text x="{right + 6}" y="{top + 12 * place + 6}" fill="{colour}">{escape(name)}</text>')
    return "".join(made)
