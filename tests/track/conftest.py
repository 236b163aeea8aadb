"""A small track that the pictures of it are drawn from."""

from dataclasses import replace

import pytest

from inspector.load import open_series
from inspector.sweep.run import Processes
from inspector.track.plan import Settings
from inspector.track.tracker import Track, track
from inspector.track.work import Explaining


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Track:
    """Two checkpoints of Pong, a dozen states."""
    whole = open_series("pong")
    series = replace(whole, members=(whole.members[0], whole.members[-1]))
    settings = Settings((Explaining("epsilon_plus", "score"),), 12, (0,), 60, 1)
    return track([series], settings, tmp_path_factory.mktemp("track"), Processes(1))
