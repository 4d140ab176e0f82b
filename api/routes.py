"""Every path, what answers there, and what the description says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from api import alert_shapes, bodies, event_shapes, past_shapes, service_shapes, shapes, status_shapes
from api.hub import Hub
from api.resources import alerts, gaps, hosts, pages, questions, series, services, sla, status
from api.resources import hub as own
from api.resources.base import Resource


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a query."""

    name: str
    kind: str
    text: str
    many: bool = False
    default: str | int | bool | None = None


@dataclass(frozen=True, slots=True)
class Write:
    """A method of a path that changes something."""

    method: str
    summary: str
    answer: type[Any] | None
    body: type[Any] | None = None
    status: int = 200
    parameters: tuple[Parameter, ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """One path of the REST interface."""

    path: str
    resource: type[Resource]
    answer: type[Any]
    summary: str
    parameters: tuple[Parameter, ...] = ()
    missing: bool = False
    """Whether it answers 404 for what there is not; else its answer is empty."""
    writes: tuple[Write, ...] = ()
    reads: bool = True
    """Whether it answers GET."""

    def made(self, hub: Hub) -> Resource:
        """The resource for this worker."""
        return self.resource(hub)


_TIMES = "RFC 3339 with any offset, naive as UTC, epoch seconds or milliseconds, or 7d back from now"
_REPORT = (
    Parameter("status", "text", "up, or down when it failed", default="up"),
    Parameter("text", "text", "what went wrong, at most 400 characters"),
)
_START = Parameter("start", "time", f"from here on, included; {_TIMES}; an hour before the end")
_END = Parameter("end", "time", "until here, included; now")
_DAY = Parameter("start", "time", "from here on, included; a day before the end")
_SERIES = (
    Parameter("metric", "text", "a metric or a glob, as disk[*].percent", many=True),
    _START,
    _END,
    Parameter("points", "integer", "steps at most, up to 10,000", default=series.POINTS),
    Parameter("step", "text", "the length of a step in place of points, as 5m or seconds"),
    Parameter("agg", "text", "mean, min, max, last, count, separated by commas", default="mean,min,max"),
)

ROUTES = (
    Route("/api/v1/health", own.HealthResource, shapes.Health, "How the parts of the hub are; needs no token."),
    Route("/api/v1/stats", own.StatsResource, shapes.Stats, "What is stored and watched, in numbers."),
    Route(
        "/api/v1/status",
        status.StatusResource,
        status_shapes.Status,
        "What anybody may see of services, where [status_page] names some; needs no token.",
        missing=True,
    ),
    Route("/api/v1/rooms", own.RoomsResource, shapes.Rooms, "The hub's own programs with their newest numbers."),
    Route("/api/v1/labels", own.LabelsResource, shapes.Labels, "The labels of hosts and services, as configured."),
    Route("/api/v1/servers", hosts.Servers, shapes.Servers, "All hosts with their newest reading."),
    Route(
        "/api/v1/servers/{server_id}",
        hosts.Server,
        shapes.ServerDetail,
        "One host with everything that is known of it now.",
        missing=True,
    ),
    Route(
        "/api/v1/servers/{server_id}/metrics",
        hosts.Metrics,
        shapes.MetricRows,
        "Rows of a host's history; with more than the limit the newest are kept.",
        (_START, _END, Parameter("limit", "integer", "rows, at most 10,000", default=hosts.ROWS)),
    ),
    Route(
        "/api/v1/servers/{server_id}/metrics/latest",
        hosts.Latest,
        shapes.LatestRows,
        "The newest rows of a host, oldest first.",
        (Parameter("limit", "integer", "rows, at most 1,000", default=hosts.LATEST),),
    ),
    Route(
        "/api/v1/servers/{server_id}/series",
        series.SeriesResource,
        shapes.SeriesShape,
        "Metrics of a host in steps of time.",
        _SERIES,
        missing=True,
    ),
    Route(
        "/api/v1/series",
        series.FleetSeriesResource,
        past_shapes.FleetSeries,
        "Metrics of several hosts in the same steps of time, in pages.",
        (
            Parameter("host", "text", "a host or a glob, as web-*; without: all", many=True),
            *_SERIES,
            Parameter("limit", "integer", "hosts, at most 100", default=series.HOSTS),
            Parameter("cursor", "text", "next of the page before"),
        ),
    ),
    Route(
        "/api/v1/top",
        series.TopResource,
        past_shapes.Top,
        "The hosts that are highest in a metric, now or over a range.",
        (
            Parameter("metric", "text", "a metric or a glob, as disk[*].percent", many=True),
            Parameter("n", "integer", "rows, at most 1,000", default=series.TOP),
            Parameter("host", "text", "a host or a glob, as web-*; without: all", many=True),
            Parameter("order", "text", "desc: the highest first, asc: the lowest", default="desc"),
            Parameter("start", "time", f"from here on, included; {_TIMES}; without: the newest values"),
            Parameter("end", "time", "until here, included; now"),
            Parameter("agg", "text", "mean (of a range), min, max or last"),
        ),
    ),
    Route(
        "/api/v1/services", services.ServicesResource, service_shapes.Services, "All services with their last check."
    ),
    Route(
        "/api/v1/services/{name}/checks",
        services.Checks,
        service_shapes.ServiceChecks,
        "A service's checks, oldest first.",
        (_DAY, _END, Parameter("limit", "integer", "rows, at most 10,000", default=services.MOST_CHECKS)),
    ),
    Route(
        "/api/v1/services/{name}/uptime",
        services.UptimeResource,
        service_shapes.Uptime,
        "The share of checks that found the service up.",
        (Parameter("since", "time", f"{_TIMES}; a day ago"),),
    ),
    Route(
        "/api/v1/heartbeat/{name}",
        services.Heartbeat,
        service_shapes.Reported,
        "A job reports that it ran, or how it failed.",
        _REPORT,
        missing=True,
        writes=(Write("POST", "The same, for those who write by POST.", service_shapes.Reported, parameters=_REPORT),),
    ),
    Route(
        "/api/v1/sla",
        sla.SlaResource,
        past_shapes.Sla,
        "Availability of services by month, with unknown time and maintenance apart.",
        (
            Parameter("service", "text", "a service or a glob; without: all", many=True),
            Parameter("month", "text", "a month, as 2026-10; without: this one", many=True),
            Parameter("zone", "text", "where months begin, as Europe/Berlin", default="UTC"),
            Parameter("start", "time", f"a range in place of months; {_TIMES}"),
            Parameter("end", "time", "until here, not included; now"),
            Parameter("limit", "integer", "rows, at most 200", default=sla.ROWS),
            Parameter("cursor", "text", "next of the page before"),
        ),
    ),
    Route(
        "/api/v1/gaps",
        gaps.GapsResource,
        shapes.Gaps,
        "What became of each producer's messages: sent, stored, lost and why.",
        (
            Parameter("host", "text", "one producer; without: all"),
            Parameter("start", "time", f"{_TIMES}; counted from the newest tally before it; without: ever"),
        ),
        missing=True,
    ),
    Route(
        "/api/v1/alerts",
        alerts.Alerts,
        alert_shapes.Alerts,
        "What is not quiet now, and what holds its notices back.",
        (Parameter("subject", "text", "one host or service"),),
    ),
    Route("/api/v1/rules", alerts.RulesResource, alert_shapes.RuleRows, "The rules in force."),
    Route(
        "/api/v1/incidents",
        alerts.IncidentsResource,
        alert_shapes.IncidentPage,
        "What fired, the newest first.",
        (
            Parameter("since", "time", f"{_TIMES}; a week before until"),
            Parameter("until", "time", "now"),
            Parameter("subject", "text", "one host or service"),
            Parameter("limit", "integer", "rows, at most 1,000", default=alerts.ROWS),
            Parameter("cursor", "text", "next of the page before"),
        ),
    ),
    Route(
        "/api/v1/incidents/{id}/acknowledge",
        alerts.Acknowledgement,
        alert_shapes.DoneShape,
        "",
        missing=True,
        reads=False,
        writes=(Write("POST", "Say that somebody takes care of an incident.", alert_shapes.DoneShape, bodies.Remark),),
    ),
    Route(
        "/api/v1/why",
        alerts.WhyResource,
        alert_shapes.WhyShape,
        "Why there was an alarm, or none.",
        (
            Parameter("subject", "text", "a host or a service"),
            Parameter("rule", "text", "one rule or a glob; without: all"),
            Parameter("at", "time", f"{_TIMES}; now"),
        ),
    ),
    Route(
        "/api/v1/silences",
        alerts.SilencesResource,
        alert_shapes.SilenceRows,
        "The silences that hold.",
        (Parameter("past", "boolean", "also those that are over", default=False),),
        writes=(
            Write(
                "POST",
                "Hold back notices, from now on or from a time to come.",
                alert_shapes.DoneShape,
                bodies.NewSilence,
                201,
            ),
        ),
    ),
    Route(
        "/api/v1/silences/{id}",
        alerts.SilenceResource,
        alert_shapes.DoneShape,
        "",
        missing=True,
        reads=False,
        writes=(Write("DELETE", "End a silence before its time.", alert_shapes.DoneShape),),
    ),
    Route(
        "/api/v1/backtest",
        alerts.BacktestResource,
        alert_shapes.TrialShape,
        "",
        reads=False,
        writes=(
            Write(
                "POST",
                "Try a rule with another condition on the stored past; changes nothing.",
                alert_shapes.TrialShape,
                bodies.Trial,
            ),
        ),
    ),
    Route(
        "/api/v1/questions",
        questions.Questions,
        bytes,
        "",
        missing=True,
        reads=False,
        writes=(
            Write(
                "POST",
                "What Guardia's commands ask from another machine; changes nothing.",
                bytes,
                bodies.Asked,
            ),
        ),
    ),
    Route("/metrics", pages.Prometheus, str, "The newest values of all hosts for Prometheus."),
)

EVENTS: tuple[type[Any], ...] = (
    event_shapes.MetricEvent,
    event_shapes.ServiceCheckEvent,
    event_shapes.FactsEvent,
    event_shapes.ProcessesEvent,
    event_shapes.AlertEvent,
    event_shapes.LossEvent,
    event_shapes.GapEvent,
)
STREAM = (
    Parameter("kinds", "text", "metric, service_check, alert, facts, processes, loss, gap; * for all", default=None),
    Parameter("subjects", "text", "globs of hosts and services, separated by commas", many=True),
    Parameter("values", "boolean", "whether metric events also carry all values, flat", default=False),
    Parameter("after", "text", "the id of the last event seen: what was missed comes first"),
    Parameter("token", "text", "for clients that cannot send a header"),
)
