"""Each screen as plain data, for programs: numbers as they are, times in seconds since the epoch. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from viewer import keys
from viewer.scene import Scene
from viewer.screens.worst import CALM, worst_hosts
from viewer.world import Host, Service

Json = dict[str, Any]


def host(scene: Scene, one: Host) -> Json:
    """A host as a line of the list; ``fresh`` says whether its numbers are current."""
    disk, heat = one.digest.disk, one.digest.heat
    return {
        "host": one.name,
        "display": one.display,
        "state": one.state,
        "error": one.error,
        "labels": list(scene.model.present.labels.hosts.get(one.name, ())),
        "fresh": scene.fresh(one),
        "age_seconds": _rounded(one.age(scene.at)),
        "cpu_percent": one.value("cpu.percent"),
        "memory_percent": one.value("memory.percent"),
        "load_1m": one.value("load.1m"),
        "fullest_disk": {"name": disk[0], "percent": disk[1]} if disk else None,
        "hottest_sensor": {"name": heat[0], "celsius": heat[1]} if heat else None,
        "in_bytes_per_s": one.digest.inward,
        "out_bytes_per_s": one.digest.outward,
    }


def service(scene: Scene, one: Service) -> Json:
    """A service as a line of the list."""
    last = one.last
    return {
        "service": one.name,
        "url": one.url,
        "state": one.state,
        "labels": list(scene.model.present.labels.services.get(one.name, ())),
        "response_ms": one.response_ms,
        "checked_at": one.checked,
        "certificate_days": one.tls_days,
        "status_code": last.code if last else None,
        "error": one.why,
    }


def pulse(scene: Scene) -> Json:
    """Counts, what fires, lag, losses, and the hosts that need a look."""
    model = scene.model
    own, alarms = model.own, model.alarms
    median, oldest, _ = model.world.lag(scene.at)
    return {
        "hosts": model.world.counts(),
        "services": dict(Counter(one.state for one in model.world.services.values())),
        "firing": [asdict(one) for one in scene.firing()],
        "pending": sum(not one.burns for one in alarms.standing),
        "silences": [asdict(one) for one in alarms.silences],
        "lag_seconds": {"median": _rounded(median), "oldest": _rounded(oldest)},
        "lost": own.lost if own else None,
        "under_way": sum(one.waiting for one in own.ledgers) if own else None,
        "parts": [asdict(part) for part in own.parts] if own else None,
        "worst": [{**host(scene, bad.host), "why": bad.why} for bad in worst_hosts(scene) if bad.weight[0] < CALM],
    }


def hosts(scene: Scene) -> Json:
    """The list of hosts, in the order and through the filter of the screen."""
    return {"hosts": [host(scene, one) for one in scene.model.rows(scene.at)]}


def one_host(scene: Scene) -> Json:
    """The chosen host with everything that is known of it."""
    scene.model.rows(scene.at)
    found = scene.model.host()
    if found is None:
        return {"host": None}
    return {
        **host(scene, found),
        "values": dict(found.values),
        "facts": dict(found.facts),
        "processes": None if found.processes is None else [asdict(one) for one in found.processes],
        "alerts": [asdict(one) for one in scene.model.alarms.standing if one.subject == found.name],
    }


def services(scene: Scene) -> Json:
    """The list of services; the chosen one with its checks and its uptime."""
    rows = [service(scene, one) for one in scene.model.service_rows()]
    chosen = scene.model.service()
    if chosen is None:
        return {"services": rows, "chosen": None}
    past = scene.model.pasts.service(chosen.name, scene.model.window)
    about = {
        "service": chosen.name,
        "uptime_percent": past.uptime,
        "checks_counted": past.total,
        "checks": [asdict(one) for one in past.checks],
    }
    return {"services": rows, "chosen": about}


def alerts(scene: Scene) -> Json:
    """What is not quiet, what is silenced, and what burned lately."""
    rows = scene.model.alert_rows(scene.now)
    return {
        "alerts": [asdict(row.incident) for row in rows if row.kind == "alarm" and row.incident],
        "silences": [asdict(row.silence) for row in rows if row.silence],
        "past": [asdict(row.incident) for row in rows if row.kind == "past" and row.incident],
        "past_is_cut_off": scene.model.alarms.more,
    }


def guardia(scene: Scene) -> Json:
    """The hub itself."""
    own = scene.model.own
    return {
        "told_at": scene.model.own_at if own else None,
        **(
            {
                "parts": [asdict(one) for one in own.parts],
                "stats": dict(own.stats),
                "programs": [{**asdict(one), "values": dict(one.values)} for one in own.programs],
                "messages": [asdict(one) for one in own.ledgers],
                "lost": own.lost,
                "refused": own.refused,
            }
            if own
            else {}
        ),
    }


def bindings(scene: Scene) -> Json:
    """The keys of the screen one came from."""
    found = keys.on(scene.model.before_help)
    return {"keys": [{"keys": list(one.keys), "action": one.action, "text": one.text} for one in found]}


TWINS: dict[str, Callable[[Scene], Json]] = {
    "pulse": pulse,
    "hosts": hosts,
    "host": one_host,
    "services": services,
    "alerts": alerts,
    "guardia": guardia,
    "help": bindings,
}


def twin(scene: Scene) -> Json:
    """What the screen shows, as data, and how it stands to the present."""
    model = scene.model
    about = {"screen": model.screen, "hub": model.address, "at": scene.at, "link": model.world.link.state}
    return {**about, **TWINS[model.screen](scene)}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
