"""``guardia completion bash``, ``zsh`` or ``fish``: what makes a shell complete the words of this command line.

Generated from the table of commands, so that it knows each of them and none that is gone. Options and what they can be
are asked of the command itself when they are wanted: ``guardia completion words view --screen`` prints them.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO

from bus.exits import WRONG

_OPTION = re.compile(r"^  (-\S.*?)(?:  |$)", re.MULTILINE)
_LONG = re.compile(r"--[a-z][a-z0-9-]*")
_CHOICES = re.compile(r"\{([^}]*)\}")

Helps = Mapping[str, str]
"""What each command is for, by its words."""
FURTHER: Helps = {
    "token new": "makes a token and prints it, once",
    "token list": "all tokens, without their secrets",
    "token revoke": "refuses a token from now on",
    "keys show": "shows the hub's own key",
    "keys rotate": "makes another key",
    "audit gaps": "what each producer sent, what was stored, what was lost and why",
}
"""Second words that commands take by themselves."""


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
    asked = '"${COMP_WORDS[0]}" completion words "${COMP_WORDS[@]:at:COMP_CWORD - at}" 2>/dev/null'
    return "\n".join(
        [
            "_guardia() {",
            '  local word="${COMP_WORDS[COMP_CWORD]}" words="" at=1',
            '  if [[ "${COMP_WORDS[1]}" == --config && $COMP_CWORD -gt 1 ]]; then at=3; fi',
            '  if [ "$COMP_CWORD" -eq "$at" ]; then',
            f"    words={_quoted(' '.join(tree(helps)))}",
            '  elif [[ "$COMP_CWORD" -gt "$at" && ( "$word" == -* || "${COMP_WORDS[COMP_CWORD - 1]}" == -* ) ]]; then',
            f'    words="$({asked})"',
            '  elif [ "$COMP_CWORD" -eq "$((at + 1))" ]; then',
            '    case "${COMP_WORDS[at]}" in',
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
        "  if [[ $words[2] == --config ]] && (( CURRENT > 2 )); then",
        "    if (( CURRENT == 3 )); then _files; return; fi",
        "    words=($words[1] $words[4,-1]); (( CURRENT -= 2 ))",
        "  fi",
        "  if (( CURRENT > 2 )) && [[ $words[CURRENT] == -* || $words[CURRENT-1] == -* ]]; then",
        '    found=(${(f)"$($words[1] completion words ${words[2,CURRENT-1]} 2>/dev/null)"})',
        "    if (( $#found )); then compadd -a found; else _files; fi",
        "    return",
        "  fi",
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
    lines = [
        "function __guardia_line",
        "  set -l words (commandline -opc)",
        "  test (count $words) -gt 2; and test $words[2] = --config; and set -e words[2..3]",
        "  string join \\n -- $words",
        "end",
        "function __guardia_at",
        "  set -l words (__guardia_line)",
        '  test (count $words) -eq (math (count $argv) + 1); and test "$words[2..-1]" = "$argv"',
        "end",
        "function __guardia_words",
        "  set -l words (__guardia_line)",
        "  string match -q -- '-*' (commandline -ct) $words[-1]; or return",
        "  $words[1] completion words $words[2..-1] 2>/dev/null",
        "end",
        "complete -c guardia -n 'test (count (__guardia_line)) -gt 1' -a '(__guardia_words)'",
    ]
    for first, seconds in tree(helps).items():
        about = helps.get(first, " or ".join(seconds))
        lines.append(f"complete -c guardia -f -n __guardia_at -a {first} -d {_quoted(about)}")
        for second, text in seconds.items():
            when = _quoted(f"__guardia_at {first}")
            lines.append(f"complete -c guardia -f -n {when} -a {second} -d {_quoted(text)}")
    return "\n".join(lines) + "\n"


SHELLS: dict[str, Callable[[Helps], str]] = {"bash": bash, "zsh": zsh, "fish": fish}


def options(help_text: str) -> dict[str, tuple[str, ...] | None]:
    """The long options that a help describes: what each can be (empty: anything); None: it takes no value."""
    found: dict[str, tuple[str, ...] | None] = {}
    for match in _OPTION.finditer(help_text):
        names, choices = _LONG.findall(match[1]), _CHOICES.search(match[1])
        takes = " " in match[1].rpartition(", ")[2]
        for name in names:
            found[name] = tuple(choices[1].split(",")) if choices else () if takes else None
    return found


def offered(words: Sequence[str], known: Mapping[str, tuple[str, ...] | None]) -> list[str]:
    """What may follow ``words`` of a command with these options: values of the last one, else options."""
    values = known.get(words[-1]) if words else None
    return sorted(known) if values is None else list(values)


def help_of(words: Sequence[str]) -> str:
    """What the command says of itself that these words begin; empty where none is meant."""
    from bus.command import COMMANDS, main

    known = {**COMMANDS, **FURTHER}
    name = next((name for count in (2, 1) if (name := " ".join(words[:count])) in known), "")
    os.environ["COLUMNS"] = "200"
    with redirect_stdout(StringIO()) as said, redirect_stderr(StringIO()):
        if name:
            main([*name.split(), "--help"])
    return said.getvalue()


def main(argv: Sequence[str]) -> int:
    """Print it."""
    from bus.command import COMMANDS  # it knows us by our name

    if list(argv) in (["-h"], ["--help"]):
        print((__doc__ or "").replace("``", ""))
        return 0
    if argv[:1] == ["words"]:
        print("\n".join(offered(argv[1:], options(help_of(argv[1:])))))
        return 0
    if len(argv) != 1 or argv[0] not in SHELLS:
        found = f"{' '.join(argv)[:80]} is none" if argv else "no shell is named"
        print(f"guardia completion: {found}; write one of {', '.join(SHELLS)}", file=sys.stderr)
        return WRONG
    helps = {name: command.help for name, command in COMMANDS.items()}
    print(SHELLS[argv[0]]({**helps, **FURTHER}), end="")
    return 0


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _plain(text: str) -> str:
    return text.replace(":", "\\:")
