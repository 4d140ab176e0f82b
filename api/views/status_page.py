"""The page and the badges that anybody may see, as HTML and SVG. Pure.

The page needs no script and nothing from elsewhere: one answer, which a proxy may let through as the only one.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby
from pathlib import Path

from api.status_shapes import Status, StatusDay, StatusMaintenance, StatusOutage, StatusService, StatusWord
from bus.timing import roughly

STYLE = (Path(__file__).parent.parent / "static" / "status.css").read_text()
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""The Content-Security-Policy of the page."""
REFRESH_SECONDS = 60
GOOD, FAIR = 99.9, 99.0
"""A day is shown as good or fair from so many percent on."""
WIDTH = 6.6
"""Of a badge's letter, on average."""
COLOURS: dict[str, str] = {
    "up": "#2f7d4f",
    "degraded": "#9a6414",
    "down": "#c0362c",
    "unknown": "#68737d",
    "maintenance": "#3a6ea5",
}


def page(status: Status, link: str = "") -> str:
    """The whole page."""
    title = escape(status["title"])
    head = f'<a href="{escape(link)}">{title}</a>' if link else title
    parts = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="refresh" content="{REFRESH_SECONDS}">\n'
        f"<title>{title}: {escape(status['summary'])}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f'<header><h1>{head}</h1></header>\n<p class="summary {status["state"]}">{escape(status["summary"])}</p>\n',
        f'<p class="text">{escape(status["text"])}</p>\n' if status["text"] else "",
        *_groups(status["services"]),
        *_windows(status["maintenance"]),
        *_outages(status["outages"]),
        f"<footer>{_time(status['timestamp'])}</footer>\n</body>\n</html>\n",
    ]
    return "".join(parts)


def percent(share: float | None) -> str:
    """As people read it, never rounded up: 99.996 is not 100."""
    if share is None:
        return "not known"
    return "100 %" if share >= 100 else f"{math.floor(share * 100) / 100:.2f} %"


def badge(label: str, text: str, state: StatusWord) -> str:
    """A small picture with two words, for other pages."""
    widths = [round(len(one) * WIDTH) + 12 for one in (label, text)]
    left, right = widths
    said = escape(f"{label}: {text}")
    words = "".join(
        f'<text x="{x}" y="14" textLength="{width - 12}" lengthAdjust="spacingAndGlyphs">{escape(one)}</text>'
        for one, x, width in ((label, 6, left), (text, left + 6, right))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" aria-label="{said}">'
        f'<title>{said}</title><rect width="{left + right}" height="20" rx="3" fill="#4a5259"/>'
        f'<path d="M{left} 0h{right - 3}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3H{left}z" fill="{COLOURS[state]}"/>'
        f'<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">{words}</g></svg>\n'
    )


def graded(share: float | None) -> StatusWord:
    """The word whose colour an availability has."""
    if share is None:
        return "unknown"
    return "up" if share >= GOOD else "degraded" if share >= FAIR else "down"


def _groups(services: Sequence[StatusService]) -> Iterator[str]:
    in_order: dict[str | None, int] = {}
    for row in services:
        in_order.setdefault(row["group"], len(in_order))
    # Those of no group come last.
    ranked = sorted(services, key=lambda row: (row["group"] is None, in_order[row["group"]]))
    for group, rows in groupby(ranked, key=lambda row: row["group"]):
        heading = f"<h2>{escape(group)}</h2>\n" if group else "<h2>Others</h2>\n" if len(in_order) > 1 else ""
        yield f"<section>\n{heading}{''.join(map(_service, rows))}</section>\n"


def _service(row: StatusService) -> str:
    days, share = row["days"], row["availability"]
    known = sum(day["availability"] is not None for day in days)
    told = f"{percent(share)} available" if share is not None else "not known"
    part = f" ({known} {'day' if known == 1 else 'days'} known)" if 0 < known < len(days) else ""
    label = f"the last {len(days)} days: {told}{part}"
    bars = "".join(
        f'<rect x="{4 * place}" width="3" height="20" class="{_grade(day)}"><title>{escape(_said(day))}</title></rect>'
        for place, day in enumerate(days)
    )
    return (
        f'<article>\n<h3>{escape(row["name"])}</h3><b class="{row["state"]}">{row["state"]}</b>\n'
        f'<svg viewBox="0 0 {4 * len(days) - 1} 20" preserveAspectRatio="none" role="img" aria-label="{label}">'
        f"{bars}</svg>\n<small>{label}</small>\n</article>\n"
    )


def _grade(day: StatusDay) -> StatusWord:
    return "maintenance" if day["maintenance"] else graded(day["availability"])


def _said(day: StatusDay) -> str:
    if day["maintenance"]:
        return f"{day['date']}: maintenance"
    down = f", down for {roughly(day['down_seconds'])}" if day["down_seconds"] else ""
    return f"{day['date']}: {percent(day['availability'])}{down}"


def _windows(windows: Sequence[StatusMaintenance]) -> Iterator[str]:
    if windows:
        rows = (
            f"<li>{_time(one['start'])} to {_time(one['end'])}: {escape(', '.join(one['names']))}</li>\n"
            for one in windows
        )
        yield f"<section>\n<h2>Maintenance</h2>\n<ul>\n{''.join(rows)}</ul>\n</section>\n"


def _outages(outages: Sequence[StatusOutage]) -> Iterator[str]:
    rows = "".join(f"<li>{_time(one['start'])}: {escape(one['name'])} {_lasted(one)}</li>\n" for one in outages)
    listed = f"<ul>\n{rows}</ul>" if rows else "<p>None that is known.</p>"
    yield f"<section>\n<h2>Outages of the last two weeks</h2>\n{listed}\n</section>\n"


def _lasted(one: StatusOutage) -> str:
    return "is down since then" if one["end"] is None else f"was down for {roughly(one['seconds'])}"


def _time(at: str) -> str:
    return f'<time datetime="{at}">{at[:10]} {at[11:16]} UTC</time>'
