"""What the recorder says and shows beyond the rows."""

import hashlib
import itertools
import time
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from inspector.atari.environment import AtariEnvironment
from inspector.draw.page import Moment, Page
from inspector.recorder import brightness, share_in_picture
from inspector.recording import Recording
from inspector.records import Relevance
from inspector.rollout import rollout
from inspector.session import record
from tests.helpers import small_agent


def relevance(values: list[float], score: float, bias: float) -> Relevance:
    ledger = {"input": sum(values), "bias": bias, "stabiliser": 0.0, "dropped": 0.0}
    return Relevance(np.array(values, np.float32).reshape(1, 1, -1), "score", score, ledger, True)


@pytest.mark.parametrize(
    ("values", "bias", "expected"),
    [
        ([1.0, 0.0], 0.0, 1.0),  # all of the score is in the picture
        ([1.0, -1.0], 2.0, 1.0),  # half of what moves is, though it adds up to nothing
        ([0.05, 0.0], 0.95, 0.5),  # a twentieth is
        ([0.0, 0.0], 1.0, 1.0),  # nothing is: the page says so in words
    ],
)
def test_a_map_that_holds_little_of_the_account_is_dimmed(values: list[float], bias: float, expected: float) -> None:
    assert brightness(relevance(values, sum(values) + bias, bias)) == pytest.approx(expected)


def test_the_part_of_the_score_in_the_picture_has_a_sign() -> None:
    assert share_in_picture(relevance([1.0, -0.5], 2.0, 1.5)) == pytest.approx(0.25)
    assert share_in_picture(relevance([-0.5, 0.0], 2.0, 2.5)) == pytest.approx(-0.25)
    assert share_in_picture(relevance([1.0, 0.0], 0.0, -1.0)) is None


def test_the_films_bytes_do_not_depend_on_the_command_line(tmp_path: Path) -> None:
    digests = set()
    for name in ("one", "two"):
        folder = tmp_path / name
        record(small_agent(), environment="ALE/Breakout-v5", steps=8, output=folder, command=["record", "-o", name])
        digests.add(hashlib.sha256((folder / "video.mp4").read_bytes()).hexdigest())
    assert len(digests) == 1


def test_after_an_error_while_drawing_nothing_more_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begin, count = Page.begin, itertools.count()

    def fail_once(page: Page, moment: Moment) -> None:
        if next(count) == 5:
            time.sleep(0.3)  # the batches behind it wait by then
            raise ArithmeticError("on purpose")
        begin(page, moment)

    monkeypatch.setattr(Page, "begin", fail_once)
    with pytest.raises(ArithmeticError, match="on purpose"):
        record(small_agent(), environment="ALE/Breakout-v5", steps=20, output=tmp_path / "r", batch_size=2)
    kept = Recording.load(tmp_path / "r")
    assert kept.status == "failed"
    assert kept.rows["step"].to_pylist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("game", "expected"), [("ALE/Pong-v5", None), ("ALE/Breakout-v5", 5)])
def test_a_game_without_lives_has_none(game: str, expected: int | None) -> None:
    agent = small_agent(action_count=4 if "Breakout" in game else 6)
    environment = AtariEnvironment(game, agent.preprocessing)
    assert {step.lives for step in islice(rollout(agent, environment, seed=0), 10)} == {expected}
