"""A process that stores and says what it acknowledged: ``python -m tests.powercut.storing FOLDER [unsynced]``.

Three producers, four hours, a new layout, facts, a drop of what is old; then ``checked`` says what is wrong with a
state of its files.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import lmdb

from bus.delivery.receiver import Receiver
from bus.delivery.stream import Stream, read_key
from store.backends.lmdb import LmdbBackend
from store.batch import Batch
from tests.store.given import DAY, HOUR, NOON, batch, facts, layout, numbers, sample

HOSTS = ("web-1", "web-2", "db-1")
COMMITS = 36
EPOCH = 7
KEPT = 2 * HOUR
"""At the end what is older than so long is dropped."""


def second(number: int) -> int:
    """Seconds after noon of message ``number``: nine of them an hour."""
    return number * 400


def stored(backend: LmdbBackend, receiver: Receiver, number: int) -> None:
    """Commit message ``number`` of each producer, and how far that brings it."""
    now = NOON + second(number) * 10**9
    records = [sample(second(number), host=host, cpu=float(number)) for host in HOSTS]
    if number == 1:
        records = [layout(), facts(1, "6.1"), *records]
    made: Batch = batch(records, received=now)
    for host in HOSTS:
        receiver.admit(host, EPOCH, number, 1, backend.generation, now / 1e9)
    backend.commit(made, now, receiver.changes())
    receiver.commit()


def main(folder: Path) -> None:
    """Store, acknowledge, go on."""
    backend = LmdbBackend(folder / "store", write=True)
    print(f"generation {backend.generation}", flush=True)
    receiver = Receiver(backend.generation, 1, backend.streams())
    for number in range(1, COMMITS + 1):
        stored(backend, receiver, number)
        print(f"acknowledged {number}", flush=True)
    print("dropping", flush=True)
    backend.retain({"sample": KEPT, "facts": 400 * DAY}, NOON + second(COMMITS) * 10**9)
    stored(backend, receiver, COMMITS + 1)
    print(f"acknowledged {COMMITS + 1}", flush=True)
    backend.close()


def checked(folder: Path, said: list[str]) -> str:
    """What is wrong with the store in this folder, after this was said; empty when nothing is."""
    words = [line.split() for line in said]
    promised = max((int(line[1]) for line in words if line[0] == "acknowledged"), default=0)
    generation = next((int(line[1]) for line in words if line[0] == "generation"), 0)
    oldest = NOON + second(COMMITS) * 10**9 - KEPT if "dropping" in said else 0
    backend = LmdbBackend(folder / "store", write=True)
    try:
        if backend.damaged:
            return backend.damaged[0]
        if generation and backend.generation != generation and promised:
            return f"another generation, {backend.generation}, promised {promised}"
        marks: dict[str, int] = {}
        for key, value in backend.streams():
            source, epoch = read_key(key)
            stream = Stream(source, epoch)
            stream.load(value)
            marks[source] = stream.watermark
        for host in HOSTS:
            mark = marks.get(host, 0)
            if mark < promised:
                return f"{host} was promised {promised}, the watermark is {mark}"
            found = set(numbers(backend.rows("sample", host, 0, NOON + 100 * HOUR)))
            wanted = {second(n) for n in range(1, mark + 1) if NOON + second(n) * 10**9 >= oldest}
            if not wanted <= found:
                return f"the watermark of {host} is {mark}, and {sorted(wanted - found)[:3]} are not there"
        if promised and (len(backend.latest("facts", None)) != 1 or not backend.layouts((layout_id(),))):
            return "facts or layout are not there"
        following = max(marks.values(), default=0) + 1
        stored(backend, Receiver(backend.generation, 2, backend.streams()), following)
        if second(following) not in numbers(backend.rows("sample", HOSTS[0], 0, NOON + 100 * HOUR)):
            return "it does not go on"
    finally:
        backend.close()
    return ""


def layout_id() -> int:
    """The layout of all samples here."""
    from tests.store.given import LAYOUT

    return LAYOUT.id


if __name__ == "__main__":
    if "unsynced" in sys.argv:
        lmdb.open = partial(lmdb.open, sync=False)  # type: ignore[assignment]
    main(Path(sys.argv[1]))
