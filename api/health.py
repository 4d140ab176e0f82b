"""How hosts, services and the hub itself are. Pure.

Ages are counted on the hub's clock, from receipt: a host whose clock is wrong is not thereby ill. A limit is
never shorter than three of the host's own intervals, so that a slow host does not flicker.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from api.canary import LIMIT_SECONDS
from api.live import CheckNow, HostNow, Live
from api.shapes import CheckStatus, HostHealth, Part, PartHealth, ServiceHealth
from bus.messages import HUB
from bus.timing import SECOND, roughly
from bus.verdicts import together

INTERVALS = 3
VITALS_SECONDS = 10.0
MISSED = 3.5
"""A program of the hub publishes its vitals each ``[bus] vitals_seconds``; after so many without a word it counts as
gone."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds of silence until a host is ``down``, and of age until its data is ``stale``."""

    down: float = 120.0
    stale: float = 300.0

    def down_ns(self, interval: float | None) -> float:
        return max(self.down, INTERVALS * (interval or 0.0)) * SECOND

    def stale_ns(self, interval: float | None = None) -> float:
        return max(self.stale, INTERVALS * (interval or 0.0)) * SECOND


def host_health(now: int, host: HostNow | None, limits: Limits) -> tuple[HostHealth, str | None]:
    """The host's word, and in a sentence what is wrong if anything is.

    ``down`` is silence, ``stale`` is old data from a host that still talks (it sends what it kept during a cut),
    ``unknown`` is no data ever.
    """
    if host is None or host.newest is None:
        return "unknown", None
    interval = host.facts.interval if host.facts else None
    silence = now - host.heard
    if silence > limits.down_ns(interval):
        return "down", f"nothing received for {roughly(silence / SECOND)}"
    age = now - host.newest.born
    if age > limits.stale_ns(interval):
        return "stale", f"the newest sample is {roughly(age / SECOND)} old"
    return "up", None


def service_health(
    now: int, places: Mapping[str, CheckNow], limits: Limits, interval: float | None = None
) -> tuple[ServiceHealth, CheckStatus | None]:
    """The service's word over all places, and the status of its last check; one that could not be made has none.

    A service is as its checks say after the grace, and stale when the newest is older than three of its intervals.
    """
    if not places:
        return "unknown", None
    newest = max(places.values(), key=lambda seen: seen.told.born)
    status = check_status(newest.check.status)
    if now - newest.told.born > limits.stale_ns(interval):
        return "stale", status
    state = together(seen.check.state or seen.check.status for seen in places.values())
    return check_status(state) or "unknown", status


def check_status(word: str) -> CheckStatus | None:
    """The status as clients know it; None for ``unknown``, which their closed set does not have."""
    known: dict[str, CheckStatus] = {"up": "up", "down": "down", "degraded": "degraded"}
    return known.get(word)


@dataclass(frozen=True, slots=True)
class StoreSeen:
    """The last try to ask the store: how long it took, or why it failed; None before the first.

    ``lacking`` says in a sentence what answers lack.
    """

    seconds: float | None
    failure: str | None
    lacking: str = ""


def hub_health(
    now: int,
    started: int,
    store: StoreSeen,
    live: Live,
    expected: Mapping[str, tuple[str, ...]],
    canary: float | None = None,
    vitals_seconds: float = VITALS_SECONDS,
) -> dict[str, Part]:
    """Each part of the hub with its word and reason.

    ``expected`` says which programs (subjects of vitals) make up a part. ``started`` is when this worker began to
    listen: silence counts from there, since it cannot have heard what came before. Each program is heard each
    ``vitals_seconds``. ``canary`` is the age in seconds of the last message that came all the way; None: none is sent.
    """
    parts, amiss = {}, _amiss(store, live)
    for name, programs in {"store": (), **expected}.items():
        heard = {program: live.rooms[program].heard if program in live.rooms else started for program in programs}
        gone = next((one for one, at in heard.items() if now - at > MISSED * vitals_seconds * SECOND), None)
        if gone is not None:
            # The reader answers from what is on disk even when nobody writes: that is half a store.
            silence = f"{gone} has not been heard for {roughly((now - heard[gone]) / SECOND)}"
            parts[name] = _part("degraded" if name == "store" else "down", silence)
        else:
            parts[name] = _part("degraded" if amiss.get(name) else "ok", amiss.get(name))
    if store.failure is not None:
        parts["store"] = _part("down", store.failure)
    if canary is not None:
        parts["canary"] = _canary(canary)
    return parts


def _amiss(store: StoreSeen, live: Live) -> dict[str, str | None]:
    """What is wrong with parts whose programs are heard, by what these tell and how the store answered."""

    def told(program: str, name: str) -> int:
        return int(live.number(HUB + program, name) or 0)

    full, stuck = told("store-writer", "store.full"), told("store-writer", "store.unremoved")
    stuck += told("store-sealer", "sealer.unremoved")
    broken, unwatched = told("alerter", "channels.broken"), told("prober", "prober.lacking")
    what = "a file or folder" if stuck == 1 else f"{stuck} files and folders"
    who = "a channel lacks" if broken == 1 else f"{broken} channels lack"
    which = "a service lacks a secret and is" if unwatched == 1 else f"{unwatched} services lack a secret and are"
    of_store = (
        "its disk is full or read-only: what comes waits in memory, and with who tells it" if full else "",
        store.lacking,
        f"answers took {store.seconds:.1f} s" if (store.seconds or 0.0) > 1.0 else "",
        f"it cannot remove {what}: its log names them" if stuck else "",
    )
    of_alerter = (
        "its disk is full or read-only: what it decides is kept in memory alone"
        if told("alerter", "alerter.full")
        else "",
        f"{who} a secret and can tell nobody: guardia check says which" if broken else "",
    )
    return {
        "store": next(filter(None, of_store), None),
        "alerter": next(filter(None, of_alerter), None),
        "prober": f"{which} not checked: guardia check says which" if unwatched else None,
    }


def overall(parts: Mapping[str, Part]) -> PartHealth:
    """``down`` when the store is or nothing comes all the way, ``degraded`` when anything is amiss, else ``ok``."""
    if any(parts[name]["status"] == "down" for name in ("store", "canary") if name in parts):
        return "down"
    return "ok" if all(part["status"] == "ok" for part in parts.values()) else "degraded"


def _canary(age: float) -> Part:
    if age <= LIMIT_SECONDS:
        return _part("ok", None)
    return _part("down", f"no message has come from the collector to the disk and back for {roughly(age)}")


def _part(status: PartHealth, reason: str | None) -> Part:
    return {"status": status, "reason": reason}
