"""``guardia token``: make, list and revoke the tokens that the API accepts."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from api.auth import SCOPES, Token
from api.encoding import to_time
from api.tokens import TokensFault, add, load, path_of, revoke
from api.used import last_used
from bus import home
from bus.arguments import CONFIG, Parser, duration
from bus.exits import STOPPED, WRONG
from bus.faults import ConfigError, in_words
from bus.terminal import aligned
from bus.timing import in_words as in_time

SOONEST, LATEST = 60.0, 36_525 * 86_400.0
"""Seconds: what is written down has to be a time until 2262."""
AT_HOME = "tokens are files on the hub's machine; call it there"


def main(argv: Sequence[str]) -> int:
    """Obey; 0 when it is done, 100 when it was asked wrongly; raises ``OSError`` where a disk does not do its part."""
    given = _arguments().parse_args(argv)
    try:
        folder = home.made(home.home_path(home.named(given.config, os.environ), os.environ))
        given.obey(given, path_of(folder))
    except (ConfigError, TokensFault) as error:
        print(f"guardia token: {in_words(error)}", file=sys.stderr)
        return WRONG
    return STOPPED


def _new(given: argparse.Namespace, path: Path) -> None:
    now = time.time_ns()
    if given.expires is not None and not SOONEST <= given.expires <= LATEST:
        raise TokensFault(f"--expires: a time from {in_time(SOONEST)} to {in_time(LATEST)}; without it it never does")
    expires = None if given.expires is None else now + int(given.expires * 1e9)
    if given.existing is not None:
        try:
            known = sys.stdin.readline() if given.existing == "-" else Path(given.existing).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise TokensFault(f"{given.existing} holds no text, and so no token") from None
        except (FileNotFoundError, IsADirectoryError) as error:
            raise TokensFault(in_words(error)) from None
        if not known.strip():
            raise TokensFault("there is no token in what was given with --existing")
        add(path, given.name, given.scope, now, expires, known.strip())
        print(f"{given.name} is let in from now on", file=sys.stderr)
        return
    text = add(path, given.name, given.scope, now, expires)
    print(text)
    print("Keep it: it is not shown again.", file=sys.stderr)


def _list(given: argparse.Namespace, path: Path) -> None:
    tokens = load(path).tokens
    if given.json:
        now = time.time_ns()
        rows = [_shown(token, path, now) for token in tokens or ()]
        print(json.dumps({"open": tokens is None, "tokens": rows}, indent=2))
    elif tokens is None:
        print("There are no tokens: the API answers this machine only.", file=sys.stderr)
    elif not tokens:
        print("There are no tokens any more: nobody gets in until there is a new one.", file=sys.stderr)
    else:
        print(
            aligned(
                [
                    ("NAME", "SCOPE", "STARTS WITH", "MADE", "EXPIRES", "LAST USED"),
                    *(_row(token, path) for token in tokens),
                ]
            )
        )


def _row(token: Token, path: Path) -> tuple[str, ...]:
    times = ("never" if at is None else to_time(at) for at in (token.expires_at, last_used(path, token)))
    return token.name, token.scope, token.prefix, to_time(token.created_at), *times


def _shown(token: Token, path: Path, now: int) -> dict[str, object]:
    """A token for programs, without its secret and without its digest; times in seconds since 1970."""
    used = last_used(path, token)
    return {
        "name": token.name,
        "scope": token.scope,
        "prefix": token.prefix,
        "created_at": token.created_at / 1e9,
        "expires_at": None if token.expires_at is None else token.expires_at / 1e9,
        "last_used_at": None if used is None else used / 1e9,
        "expired": token.expires_at is not None and token.expires_at <= now,
    }


def _revoke(given: argparse.Namespace, path: Path) -> None:
    left = revoke(path, given.name)
    print(f"{given.name} is revoked; {left} left" + ("" if left else ", so nobody gets in until there is a new one"))


def _arguments() -> argparse.ArgumentParser:
    parser = Parser(prog="guardia token", description=__doc__, at_home=AT_HOME)
    parser.add_argument("--config", metavar="FILE", help=CONFIG)
    words = parser.add_subparsers(required=True, metavar="new | list | revoke")
    new = words.add_parser("new", help="make a token and print it, once")
    new.add_argument("name", help="who it is for")
    new.add_argument("--scope", choices=SCOPES, default="read")
    new.add_argument("--expires", type=duration, metavar="90d", help="after this it is refused (default: never)")
    new.add_argument("--existing", metavar="FILE", help="let in the token that stands there (-: standard input)")
    new.set_defaults(obey=_new)
    every = words.add_parser("list", help="all tokens, without their secrets")
    every.add_argument("--json", action="store_true", help="the same as JSON; times in seconds since 1970")
    every.set_defaults(obey=_list)
    gone = words.add_parser("revoke", help="refuse a token from now on")
    gone.add_argument("name")
    gone.set_defaults(obey=_revoke)
    for one in words.choices.values():  # it may stand after the word too
        one.add_argument("--config", metavar="FILE", default=argparse.SUPPRESS, help=CONFIG)
    return parser
