"""The files of programs in ``etc``, as supervisord reads them."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest
from supervisor.datatypes import Automatic
from supervisor.options import ServerOptions

from tests.system.supervised import PROJECT


@pytest.mark.parametrize("name", ["guardia.conf", "agent.conf"])
def test_to_read_the_file_again_changes_no_program_and_leads_each_to_its_environment(name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    shutil.copy(PROJECT / "etc" / name, file)
    file.write_text(re.sub(r"^;(?=\[|[a-z])", "", file.read_text(), flags=re.MULTILINE))  # also what is switched off
    (tmp_path / "var").mkdir()
    options = ServerOptions()
    options.realize(["-c", str(file)])
    begun = options.process_group_configs

    # As supervisorctl update has it done, which restarts what is another program than before.
    options.process_config(do_usage=False)
    options.process_config(do_usage=False)

    assert options.process_group_configs == begun
    programs = [one for group in begun for one in group.process_configs]
    assert len(programs) == {"guardia.conf": 10, "agent.conf": 3}[name]
    assert {one.environment["PATH"] for one in programs} == {f"{tmp_path}/../.venv/bin:{os.environ['PATH']}"}


@pytest.mark.parametrize("name", ["guardia.conf", "agent.conf"])
def test_no_file_is_made_or_cleared_where_other_supervisords_have_theirs(name: str, tmp_path: Path) -> None:
    shutil.copy(PROJECT / "etc" / name, tmp_path / name)
    (tmp_path / "var").mkdir()
    options = ServerOptions()
    options.realize(["-c", str(tmp_path / name)])
    programs = [one for group in options.process_group_configs for one in group.process_configs]
    assert not {one.name for one in programs if Automatic in (one.stdout_logfile, one.stderr_logfile)}
    assert options.nocleanup
