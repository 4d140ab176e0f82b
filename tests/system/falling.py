"""A hub whose disk the kernel makes read-only: ``unshare --mount python -m tests.system.falling FOLDER``.

The disk is a file with ext4 on it, mounted as most root disks are (errors=remount-ro), that is told to have found an
error. Prints what was seen of the hub after that. Of ``FOLDER try`` it is only seen whether there can be such a disk.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.system.supervised import Hub, Receiver, until

SETTINGS = """
[watchdog]
url = "file:{}"
[notify]
channels = ["ops"]
group_seconds = 0
private_networks = ["127.0.0.0/8"]
[channels.ops]
type = "webhook"
secret_url = "file:{}"
"""


@contextmanager
def disk(folder: Path, at: Path) -> Iterator[Path]:
    """Mounted there; what is written to the file that is given makes it read-only."""
    image = folder / "image"
    with image.open("wb") as file:
        file.truncate(1_600_000_000)
    subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
    found = subprocess.run(["losetup", "-f", "--show", image], check=True, capture_output=True, text=True)
    device = found.stdout.strip()
    try:
        subprocess.run(["mount", "-o", "errors=remount-ro", device, at], check=True)
        try:
            yield Path("/sys/fs/ext4", Path(device).name, "trigger_fs_error")
        finally:
            subprocess.run(["umount", "--lazy", at], check=True)
    finally:
        subprocess.run(["losetup", "-d", device], check=True)


def secret(path: Path, text: str) -> Path:
    """A file that nobody else may read."""
    path.touch(0o600)
    path.write_text(text)
    return path


def has_heard(receiver: Receiver, rule: str) -> bool:
    """Whether it was told of an alarm by this rule."""
    return any(body["rule"] == rule for body in receiver.bodies)


def lived(folder: Path) -> dict[str, object]:
    """Let the hub's disk fall, and see who goes on and what people are told."""
    watching, telling = Receiver(), Receiver()
    urls = secret(folder / "watching", watching.url), secret(folder / "telling", telling.url)
    hub = Hub(folder, SETTINGS.format(*urls))
    with disk(folder, hub.etc / "var") as trigger:
        try:
            hub.start()
            until(hub.all_run, 120, "all run")
            until(hub.last_seen, 60, "the host is seen")
            pids, run = hub.pids(), hub.etc / "var" / "run"
            # supervisord says that it runs of one that is still being loaded.
            beats = [run / f"{name}.beat" for name in pids if name != "watchdog"]
            until(lambda: all(beat.exists() for beat in beats), 60, "all are at work")
            # What is mapped and never reached the disk kills who writes to it then: a disk falls when it is older.
            subprocess.run(["sync", "-f", hub.etc / "var"], check=True)
            trigger.write_text("1")

            until(lambda: watching.bodies, 60, "the watchdog's url is told")
            # The second one comes after more than a minute, longer than the watchdog waits for a beat.
            for rule in ("store-full", "canary-late"):
                until(partial(has_heard, telling, rule), 180, f"{rule} is told")
            seen = hub.last_seen()
            until(lambda: hub.last_seen() not in (None, seen), 30, "the host is still seen live")
            health = hub.guardia("status").stdout
            return {
                "ended": sorted(name for name, pid in hub.pids().items() if pids[name] != pid),
                "watchdog": [body["message"] for body in watching.bodies],
                "status": health,
                "range": hub.ask("alerts") is not None,
                "twice": len(telling.bodies) - len({(body["rule"], body["message"]) for body in telling.bodies}),
            }
        finally:
            hub.stop()
            for receiver in (watching, telling):
                receiver.close()


def main(folder: Path, *words: str) -> None:
    """Try, or let it fall."""
    if words == ("try",):
        at = folder / "try"
        at.mkdir()
        with disk(folder, at) as trigger:
            trigger.write_text("1")
        return
    print(json.dumps(lived(folder)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
