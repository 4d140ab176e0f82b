"""What ``guardia agent`` becomes (``agent.lean``): before anything else is loaded, it is said what can wait."""

from __future__ import annotations

import sys

from agent import later


def main() -> int:
    """Run the agent to its end; returns its exit code."""
    later.put_off()
    from agent import lean

    return lean.main(sys.argv[1:])


if __name__ == "__main__":
    raise SystemExit(main())
