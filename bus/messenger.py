"""Has a process of its own post one thing to a URL, for whoever needs an HTTP client in the hour of need only."""

from __future__ import annotations

import json
import sys

from bus.secret import Secret

CHILD_SECONDS = 30.0


def said(url: Secret, body: dict[str, object]) -> str | None:
    """Post ``body``; None when it was taken, else why not, without the URL. Blocks, for half a minute at most."""
    import subprocess  # agents do without it until then

    try:
        child = subprocess.run(
            [sys.executable, "-m", "bus.posting"],
            input=json.dumps({"url": url.reveal(), "body": body}),
            capture_output=True,
            check=False,
            text=True,
            timeout=CHILD_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return f"the messenger was not done within {CHILD_SECONDS:g} s"
    except OSError as error:
        return f"no messenger could be sent: {(error.strerror or str(error)).lower()}"
    return None if child.returncode == 0 else child.stdout[:200] or f"the messenger ended with {child.returncode}"
