"""Invented alarms, silences, incidents and programs of a hub, as the API tells them; the same each time."""

from __future__ import annotations

from typing import Any

from tests.viewer.fleet import InventedHost, rfc, wobble

Json = dict[str, Any]


def _alarm(name: str, rule: str, severity: str, state: str, began: float, reason: str, **more: Any) -> Json:
    return {
        "id": f"{rule}-{name}" if state != "pending" else "",
        "rule": rule,
        "kind": "host",
        "subject": name,
        "display": name,
        "instance": "",
        "severity": severity,
        "state": state,
        "since": rfc(began),
        "started_at": rfc(began),
        "value": None,
        "threshold": None,
        "reason": reason,
        "labels": {},
        "acknowledged": None,
        "holds": [],
        **more,
    }


def alarms(hosts: dict[str, InventedHost], now: float) -> list[Json]:
    """What is not quiet: hosts that are down, the fullest disk of every twentieth host, a CPU that is pending."""
    found = []
    for place, host in enumerate(hosts.values()):
        if host.state == "down" and host.silent_since is not None:
            quiet = f"nothing was heard for {(now - host.silent_since) / 60:.0f} min, limit 2 min"
            known = {"owner": "anna", "at": rfc(now - 60), "note": "power supply"} if place % 2 else None
            one = _alarm(host.name, "host-silent", "critical", "firing", host.silent_since + 120, quiet)
            found.append({**one, "value": now - host.silent_since, "threshold": 120.0, "acknowledged": known})
        elif place % 20 == 4 or len(hosts) < 3:
            reason = "disk[/srv/backup].percent is 93, above 90 for 5 min"
            hold = {"cause": "silence", "detail": "silenced by ben until 18:00: new disk", "until": rfc(now + 3600)}
            one = _alarm(host.name, "disk-nearly-full", "warning", "firing", now - 5000 - place, reason)
            more = {"instance": "/srv/backup", "value": 93.0, "threshold": 90.0}
            found.append({**one, **more, "holds": [hold] if place % 40 == 4 else []})
        elif place % 20 == 7:
            reason = "cpu.percent is 97, above 90"
            one = _alarm(host.name, "cpu-busy", "warning", "pending", now - 40, reason)
            found.append({**one, "value": 97.0, "threshold": 90.0})
    return found


def silences(now: float) -> list[Json]:
    """One that holds for an hour, and one for two days."""
    rows = (("s1", "ben", "new disk", 1800, 3600, ["backup-*"]), ("s2", "cleo", "move", 7200, 170_000, ["role=lab"]))
    return [
        {
            "id": id,
            "owner": owner,
            "reason": reason,
            "starts": rfc(now - ago),
            "until": rfc(now + left),
            "matches": matches,
            "revoked": False,
        }
        for id, owner, reason, ago, left, matches in rows
    ]


def incidents(hosts: dict[str, InventedHost], now: float, most: int = 60) -> list[Json]:
    """What burns, and before it one incident every 40 minutes; the newest first."""
    found = [{**one, "changed_at": one["since"], "ended_at": None} for one in alarms(hosts, now) if one["id"]]
    names = list(hosts)
    for place in range(most):
        began = now - 900 - 2400 * place
        name = names[place * 7 % len(names)]
        lasted = 120 + 1500 * wobble(f"{name}{place}", 0, 1)
        value = round(90 + 9 * wobble(name, place, 3), 1)
        one = _alarm(name, "cpu-busy", "warning", "resolved", began, f"cpu.percent is {value}, above 90 for 5 min")
        times = {"changed_at": rfc(began + lasted), "ended_at": rfc(began + lasted), "id": f"i{place}"}
        found.append({**one, **times, "value": value, "threshold": 90.0})
    return found


def page(found: list[Json], query: dict[str, list[str]]) -> Json:
    """Those of ``found`` that a question wants, as the API pages them: by when they began, the newest first."""

    def asked(name: str, usual: str) -> str:
        return query.get(name, [usual])[0]

    since, until = (rfc(float(asked(name, usual))) for name, usual in (("since", "0"), ("until", "4102444800")))
    subject, limit, begin = asked("subject", ""), int(asked("limit", "100")), int(asked("cursor", "0"))
    rows = [
        one
        for one in sorted(found, key=lambda one: one["started_at"], reverse=True)
        if one["started_at"] <= until and (one["ended_at"] or since) >= since
        if subject in ("", one["subject"], f"{one['kind']}/{one['subject']}")
    ]
    following = str(begin + limit) if begin + limit < len(rows) else None
    return {"incidents": rows[begin : begin + limit], "next": following}


def why(subject: str, rule: str, now: float) -> Json:
    """The decisions on a subject: one rule that fires, and one that does not."""
    steps = [
        {"at": rfc(now - 700), "decision": "pending", "detail": "cpu.percent is 93.1, above 90"},
        {"at": rfc(now - 400), "decision": "firing", "detail": "above 90 for 5 min; told to ops"},
        {"at": rfc(now - 300), "decision": "acknowledged", "detail": "acknowledged by anna: I look at it"},
    ]
    rows = [
        ("cpu-busy", "firing", "cpu.percent is 97.4, above 90 for 11 min", steps),
        ("disk-nearly-full", "quiet", "disk[/].percent is 71, not above 90", []),
    ]
    verdicts = [
        {"rule": name, "subject": subject, "instance": "", "verdict": verdict, "detail": detail, "chain": chain}
        for name, verdict, detail, chain in rows
        if rule in ("", name)
    ]
    return {"subject": subject, "at": rfc(now), "verdicts": verdicts}


def health() -> Json:
    """One part that is not well."""
    checks = {name: {"status": "ok", "reason": None} for name in ("store", "collector", "alerter", "canary")}
    checks["prober"] = {"status": "degraded", "reason": "nothing heard of guardia.prober for 2 min"}
    return {"status": "degraded", "timestamp": rfc(0), "checks": checks}


def stats(hosts: dict[str, InventedHost], services: int) -> Json:
    """Counts of a hub that has run for a month."""
    return {
        "timestamp": rfc(0),
        "storage": {
            "total_metrics": 184_467_440,
            "buffer_size": len(hosts),
            "flush_count": 2_912_345,
            "total_metrics_deleted": 51_200_000,
            "total_service_checks_deleted": 0,
        },
        "collectors": len(hosts),
        "service_monitors": services,
        "servers_monitored": len(hosts),
        "services_monitored": services,
        "active_alerts": 3,
        "storage_metrics": {"last_cleanup_time": None, "total_metrics": 184_467_440, "total_service_checks": 812_345},
    }


def rooms(hosts: dict[str, InventedHost], now: float) -> Json:
    """The programs of the hub."""
    rate = float(len(hosts))
    told = {
        "collector": {
            "intake.received_per_s": rate,
            "intake.received_total": rate * 9e5,
            "intake.malformed_total": 2.0,
        },
        "store-writer": {
            "store.records_per_s": rate,
            "store.commit_seconds": 0.0042,
            "store.bytes_per_s": 180 * rate,
            "store.missed_total": 0.0,
            "store.pending_bytes": 1234.0,
            "store.free_bytes": 2.5e11,
        },
        "store-reader": {"reader.questions_per_s": 3.2},
        "alerter": {"alerter.judged_per_s": rate, "alerter.lag_seconds": 0.02, "outbox.waiting": 1.0},
        "api-1": {"api.requests_per_s": 1.4, "stream.clients": 2.0, "stream.dropped_total": 0.0},
        "prober": {"prober.checks_per_s": 0.3},
    }
    rows = []
    for place, (name, values) in enumerate(told.items()):
        own = {
            "process.cpu_percent": 1.5 + place,
            "process.rss_bytes": (38 + 6 * place) * 1024.0**2,
            "process.uptime_seconds": 912_345.0,
            "loop.longest_seconds": 0.012,
        }
        heard = now - (130 if name == "prober" else 4)
        rows.append({"program": f"guardia.{name}", "heard_at": rfc(heard), "values": {**own, **values}})
    return {"rooms": rows, "count": len(rows)}


def gaps(hosts: dict[str, InventedHost], now: float) -> Json:
    """What became of everybody's messages: one host lost some."""
    rows: list[Json] = []
    for place, name in enumerate(hosts):
        lost = 12 if place == 3 else 0
        rows.append(
            {
                "source": name,
                "since": rfc(now - 1e6),
                "last_seen": rfc(now),
                "sent": 900_000 + place,
                "stored": 900_000 + place - lost,
                "duplicates": 0,
                "rejected": 0,
                "lost": lost,
                "waiting": place % 3,
                "reasons": {"dropped": lost} if lost else {},
                "gaps": [],
            }
        )
    lost = sum(row["lost"] for row in rows)
    return {"start": None, "end": rfc(now), "count": len(rows), "lost": lost, "producers": rows}


def labels(hosts: dict[str, InventedHost]) -> Json:
    """What kind of host each is, by the beginning of its name."""
    found = {name: {"role": name.partition("-")[0]} for place, name in enumerate(hosts) if place % 4}
    return {"hosts": found, "services": {"shop": {"tier": "1"}}}
