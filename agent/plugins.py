"""Private metrics: the executables of a folder, each a job of its own."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path

from agent.config import Agent
from agent.execution import Executor, Failed
from agent.job import HANGS, Job, Submit, Taken
from agent.pace import Pace
from agent.plugin_folder import Folder, looked
from agent.plugin_output import Output, parsed
from agent.readings import Costs
from agent.sampler import Sampler
from agent.turns import Turns

PREFIX = "the plugin "
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def environment(host: str) -> dict[str, str]:
    """All that a plugin finds in its environment."""
    return {"PATH": PATH, "LANG": "C.UTF-8", "GUARDIA_HOST": host}


class Plugin:
    """One executable as a source of readings."""

    def __init__(self, path: Path, executor: Executor, seconds: float) -> None:
        self._path = path
        self._executor = executor
        self._seconds = seconds

    def read(self) -> Output:
        """Run it; raises ``Failed`` when it did not end well, in which case nothing that it printed counts."""
        ended = self._executor.run(self._path, self._seconds)
        if ended.code:
            how = f"exit code {ended.code}" if ended.code > 0 else f"signal {-ended.code}"
            last = ended.complaint.decode("utf-8", "replace").strip().rpartition("\n")[2][:200]
            raise Failed(f"{how}{': ' if last else ''}{last}")
        return parsed(ended.output.decode("utf-8", "replace"), self._path.name)


class FolderOfPlugins:
    """The folder as a source: which files are to be run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self) -> Folder:
        """Look at it."""
        return looked(self._folder, os.geteuid())


class Plugins:
    """Keeps a job for each file of the folder, and tells once what is wrong with one."""

    def __init__(
        self,
        turns: Turns,
        sampler: Sampler,
        executor: Executor,
        *,
        config: Agent,
        costs: Costs,
        log: logging.Logger,
        submit: Submit | None,
    ) -> None:
        self._turns, self._sampler, self._executor = turns, sampler, executor
        self._interval, self._seconds = config.plugin_interval, config.plugin_seconds
        self._costs, self._log, self._submit = costs, log, submit
        self._files: Mapping[str, Path] = {}
        self._refused: set[str] = set()
        self._faulty: set[str] = set()

    def job(self, folder: Path, submit: Submit | None) -> Job[Folder]:
        """The job that looks at ``folder`` now and then, where ``submit`` has it done."""
        pace = Pace(self._interval, 1.0)
        return Job(
            "the folder of plugins",
            lambda: FolderOfPlugins(folder),
            pace,
            self.found,
            costs=self._costs,
            log=self._log,
            submit=submit,
        )

    def found(self, taken: Taken[Folder]) -> None:
        """The folder holds these files: begin with new ones, end those that are gone."""
        files, refusals = taken.found
        for sentence in refusals:
            if sentence not in self._refused:
                self._log.warning("%s", sentence)
        self._refused = set(refusals)
        for name in self._files.keys() - files.keys():
            self._turns.remove(_job_name(name))
            self._sampler.forget(_job_name(name))
        for name in files.keys() - self._files.keys():
            self._turns.add(self._plugin(name, files[name]))
        self._files = files
        # Not only those that have just gone: one may hang on when its file is gone.
        for label in [one for one in self._costs.failing if one.startswith(PREFIX)]:
            if label.removeprefix(PREFIX) not in files:
                del self._costs.failing[label]

    def _plugin(self, name: str, path: Path) -> Job[Output]:
        pace = Pace(self._interval, 1.0)

        def done(taken: Taken[Output]) -> None:
            if name not in self._files:  # it was taken away while it ran
                return
            self._complain(name, taken.found.faults)
            self._sampler.take(_job_name(name), taken.found.readings, taken.now, 3 * pace.seconds)

        return Job(
            _job_name(name),
            lambda: Plugin(path, self._executor, self._seconds),
            pace,
            done,
            costs=self._costs,
            log=self._log,
            submit=self._submit,
            patience=self._seconds + HANGS,
        )

    def _complain(self, name: str, faults: list[str]) -> None:
        if faults and name not in self._faulty:
            more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
            self._log.warning("the plugin %s printed what is left out: %s%s", name, faults[0], more)
        if faults:
            self._faulty.add(name)
        else:
            self._faulty.discard(name)


def _job_name(name: str) -> str:
    return f"{PREFIX}{name}"
