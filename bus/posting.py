"""Post one message to a URL and end: a process of its own, so that nobody carries an HTTP client for it.

``python -m bus.posting`` reads {"url": ..., "body": {...}} from its standard input, because a command line can be
read by everybody. Exit code 0: it was taken; 1: it was not, and the reason, without the URL, is on standard output.
"""

from __future__ import annotations

import json
import sys

import requests
from urllib3.connection import HTTPConnection

from bus.interim import FinalResponse

SECONDS = 10


def posted(url: str, body: object) -> str | None:
    """Send it; None when it was taken, else why not. The URL may hold a secret, and is not in the reason."""
    try:
        answer = requests.post(url, json=body, timeout=SECONDS, allow_redirects=False)
    except requests.Timeout:
        return f"no answer within {SECONDS} s"
    except requests.exceptions.SSLError:
        return "its certificate is not trusted"
    except requests.ConnectionError:
        return "it cannot be reached"
    except requests.RequestException as error:
        return f"the URL cannot be used ({type(error).__name__})"
    if answer.status_code < 300:
        return None
    more = ": it leads elsewhere, which is not followed" if answer.status_code < 400 else ""
    return f"it answered {answer.status_code}{more}"


def main() -> int:
    """Do what standard input says."""
    HTTPConnection.response_class = FinalResponse  # this process makes no other requests
    told = json.load(sys.stdin)
    reason = posted(told["url"], told["body"])
    if reason is not None:
        sys.stdout.write(reason)
    return 0 if reason is None else 1


if __name__ == "__main__":
    raise SystemExit(main())
