"""``guardia completion bash``, ``zsh`` or ``fish``: what makes a shell complete the words of this command line.

Generated from the table of commands, so that it knows each of them and none that is gone.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence

from bus.program import WRONG

Helps = Mapping[str, str]
"""What each command is for, by its words."""


def tree(helps: Helps) -> dict[str, dict[str, str]]:
    """The first words, each with the second words that may follow; what they are for."""
    found: dict[str, dict[str, str]] = {}
    for name, text in helps.items():
        first, _, second = name.partition(" ")
        found.setdefault(first, {})
        if second:
            found[first][second] = text
    return found


def bash(helps: Helps) -> str:
    """For ``eval "$(guardia completion bash)"`` in ``~/.bashrc``."""
    cases = [f"    {first}) words={_quoted(' '.join(seconds))} ;;" for first, seconds in tree(helps).items() if seconds]
    return "\n".join(
        [
            "_guardia() {",
            '  local word="${COMP_WORDS[COMP_CWORD]}" words=""',
            '  if [ "$COMP_CWORD" -eq 1 ]; then',
            f"    words={_quoted(' '.join(tree(helps)))}",
            '  elif [ "$COMP_CWORD" -eq 2 ]; then',
            '    case "${COMP_WORDS[1]}" in',
            *cases,
            "    esac",
            "  fi",
            '  COMPREPLY=($(compgen -W "$words" -- "$word"))',
            "}",
            "complete -o default -F _guardia guardia",
            "",
        ]
    )


def zsh(helps: Helps) -> str:
    """For a file ``_guardia`` in a folder of ``$fpath``."""

    def rows(found: Mapping[str, str]) -> list[str]:
        return [f"    {_quoted(f'{word}:{_plain(text)}')}" for word, text in found.items()]

    firsts = {first: helps.get(first, " or ".join(seconds)) for first, seconds in tree(helps).items()}
    lines = [
        "#compdef guardia",
        "_guardia() {",
        "  local -a found",
        "  case $CURRENT in",
        "  2) found=(",
        *rows(firsts),
    ]
    lines += ["    ) ;;", "  3) case $words[2] in"]
    for first, seconds in tree(helps).items():
        if seconds:
            lines += [f"    {first}) found=(", *rows(seconds), "    ) ;;"]
    closing = ["    esac ;;", "  esac", "  if (( $#found )); then _describe command found; else _files; fi", "}"]
    return "\n".join([*lines, *closing, '_guardia "$@"', ""])


def fish(helps: Helps) -> str:
    """For ``guardia completion fish > ~/.config/fish/completions/guardia.fish``."""
    lines = []
    for first, seconds in tree(helps).items():
        about = helps.get(first, " or ".join(seconds))
        lines.append(f"complete -c guardia -n __fish_use_subcommand -a {first} -d {_quoted(about)}")
        for second, text in seconds.items():
            when = _quoted(f"__fish_seen_subcommand_from {first}")
            lines.append(f"complete -c guardia -n {when} -a {second} -d {_quoted(text)}")
    return "\n".join(lines) + "\n"


SHELLS: dict[str, Callable[[Helps], str]] = {"bash": bash, "zsh": zsh, "fish": fish}


def main(argv: Sequence[str]) -> int:
    """Print it."""
    from bus.command import COMMANDS  # it knows us by our name

    if list(argv) in (["-h"], ["--help"]):
        print(__doc__)
        return 0
    if len(argv) != 1 or argv[0] not in SHELLS:
        found = f"{' '.join(argv)[:80]} is none" if argv else "no shell is named"
        print(f"guardia completion: {found}; write one of {', '.join(SHELLS)}", file=sys.stderr)
        return WRONG
    print(SHELLS[argv[0]]({name: command.help for name, command in COMMANDS.items()}), end="")
    return 0


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _plain(text: str) -> str:
    return text.replace(":", "\\:")
