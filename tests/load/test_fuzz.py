"""Whatever is done to a file, loading it either works or ends in a `CheckpointError`, and runs nothing."""

from itertools import islice
from pathlib import Path

import pytest

from inspector.errors import CheckpointError
from inspector.load import load_agent
from tests.load.mutants import good_files, mutants
from tests.load.trap import nothing_runs

MUTANTS = 300


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_three_hundred_damaged_files_load_or_are_refused_and_run_nothing(tmp_path: Path) -> None:
    files = good_files(tmp_path)
    for name, content in files.items():
        path = tmp_path / f"good-{name}"
        path.write_bytes(content)
        load_agent(path)
    refusals: list[str] = []
    for number, (name, content) in enumerate(islice(mutants(files, seed=1), MUTANTS)):
        path = tmp_path / f"{number}-{name}"
        path.write_bytes(content)
        with nothing_runs():
            try:
                load_agent(path)
            except CheckpointError as error:
                refusals.append(str(error))
        path.unlink()
    assert len(refusals) > MUTANTS / 2
    assert all(map(str.isprintable, refusals))
