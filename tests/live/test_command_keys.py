"""Every key of `inspector live`: what it changes, and what it leaves as it was."""

import re
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from tests.live.fresh import Fresh, fresh
from tests.live.session import Session
from tests.load.files import nature_trunk

STEPS = 40


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Session, Fresh]]:
    """Breakout, played for some decisions and then standing still: as a program, and in this process."""
    arguments = ("live", "breakout", "--steps", str(STEPS), "--speed", "max", "--device", "cpu")
    with Session(*arguments, folder=tmp_path_factory.mktemp("still")) as session, fresh("breakout") as again:
        again.go(STEPS)
        session.wait_for("paused")
        yield session, again


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of weights: a Q-network without a critic, with the eighteen actions of Boxing."""
    torch.manual_seed(0)
    path, network = tmp_path_factory.mktemp("single") / "boxer.pt", nn.Sequential(*nature_trunk(), nn.Linear(32, 18))
    torch.save({f"network.{name}": tensor for name, tensor in network.state_dict().items()}, path)
    return path


def picture(session: Session) -> NDArray[np.uint32]:
    """The part of a screen of 30 rows and 100 columns that holds the picture."""
    return session.redraw()[1:24, :60]


def figures(session: Session) -> str:
    """Return and lives."""
    found = re.search(r"return \S+ +lives \S+", session.text)
    assert found
    return found[0]


def test_o_goes_through_what_can_lie_on_the_screen_and_comes_back(still: tuple[Session, Fresh]) -> None:
    session, again = still
    pictures = [picture(session)]
    for overlay in ("positive", "regions", "off", "relevance"):
        session.do("o", f"overlay: {overlay}")
        again.playing.scene.overlay = overlay  # type: ignore[assignment]
        again.wait_for(session)
        pictures.append(picture(session))
    assert np.array_equal(pictures[0], pictures[4])
    assert all(not np.array_equal(one, other) for n, one in enumerate(pictures[:4]) for other in pictures[n + 1 : 4])


def test_t_goes_through_the_targets_and_comes_back(still: tuple[Session, Fresh]) -> None:
    session, again = still
    words = {"contrast": "LEFT over ", "advantage": "LEFT over the mean", "value": "the value", "score": "LEFT"}
    for target, name in words.items():
        session.do("t", f"explained: {target}", f"epsilon_plus · {target}", f"for / against {name}")
        again.playing.press("t")
        again.wait_for(session)


@pytest.mark.parametrize(("key", "name"), [("0", "NOOP"), ("2", "RIGHT")])
def test_a_digit_explains_its_action_and_the_same_key_goes_back(
    still: tuple[Session, Fresh], key: str, name: str
) -> None:
    session, again = still
    before = session.redraw()
    session.do(key, f"explained: {name}", f"epsilon_plus · {name}", f"relevance for / against {name}")
    again.playing.press(key)
    again.wait_for(session)
    session.do(key, "explained: score", "epsilon_plus · score")
    again.playing.press(key)
    again.wait_for(session)
    assert np.array_equal(session.redraw()[:-1, 62:], before[:-1, 62:])


def test_a_key_without_a_meaning_changes_nothing(still: tuple[Session, Fresh]) -> None:
    session, again = still
    session.press("47Xz\x1b[A\x00ü\x1bn\x1b[200~qn\x1b[201~")
    session.do("o", "overlay: positive")
    session.do("ooo", "overlay: relevance")
    again.wait_for(session)


def test_another_checkpoint_thinks_of_the_same_state(still: tuple[Session, Fresh]) -> None:
    session, again = still
    session.do("ooo", "overlay: off")
    again.playing.scene.overlay = "off"
    again.wait_for(session)
    before, known = picture(session), figures(session)
    for key, place in [("c", "1 of 13"), ("c", "2 of 13"), ("C", "1 of 13"), ("C", "13 of 13"), ("C", "12 of 13")]:
        session.do(key, f"the same state under checkpoint {place}", f"frames · checkpoint {place}")
        again.playing.press(key)
        again.wait_for(session)
        assert np.array_equal(picture(session), before)
        assert figures(session) == known
    assert "breakout · 25.6 M frames" in session.lines[0]
    session.do("c", "checkpoint 13 of 13")
    session.do("o", "overlay: relevance")
    again.playing.press("c")
    again.playing.scene.overlay = "relevance"
    again.wait_for(session)


def test_the_keys_are_explained_and_that_goes_away_again(still: tuple[Session, Fresh]) -> None:
    session, again = still
    for closing in ("\x1b", "?"):
        session.do("?", "explain an action", "snapshot", "pause")
        session.until(lambda: "probability" not in session.text, "room for the keys")
        session.press(closing)
        again.wait_for(session)


def test_a_snapshot_is_the_screen_with_what_lies_on_it(still: tuple[Session, Fresh]) -> None:
    session, _ = still
    session.do("s", "snapshot: recordings/snapshot-")
    (path,) = (session.folder / "recordings").glob("snapshot-*-1.png")
    image = cv2.imread(str(path))
    assert image is not None and image.shape[0] % 210 == 0 and image.shape[1] % 160 == 0
    assert 500 < image.shape[0] <= 1080 and len(np.unique(image.reshape(-1, 3), axis=0)) > 100


def test_a_pause_stands_still_a_dot_takes_one_step_and_n_begins_a_game(tmp_path: Path) -> None:
    arguments = ("live", "breakout", "--device", "cpu", "--speed", "max")
    with Session(*arguments, folder=tmp_path) as session, fresh("breakout") as again:
        session.wait_for("as fast as it goes")
        session.do(" ", "paused")
        again.follow(session.redraw())
        for _ in range(3):
            session.press(".")
            again.go(1)
            again.wait_for(session)
        session.press("oooo..")
        again.go(2)
        again.wait_for(session)
        session.do("n", "a new game", "return 0", "lives 5")
        again.playing.press("n")
        again.wait_for(session)
        session.do(" ", "as fast as it goes")
        session.do(".", "paused")
        assert again.follow(session.redraw()) > 0
        slower, faster = ("4×", "2×", "1×", "0.5×", "0.25×", "0.1×", "0.1×"), ("0.25×", "0.5×", "1×", "2×", "4×")
        for key, paces in {"[": slower, "]": (*faster, *2 * ("as fast as it goes",))}.items():
            for pace in paces:
                session.do(f"{key} ", f"  {pace} ")
                session.do(" ", "paused")
        session.press("q")
        assert session.exit_code() == 0
        assert re.search(r"watched: \d+ steps", session.after) and "episode 2" in session.after
        assert "episode 3" not in session.after


def test_a_single_file_has_one_checkpoint_letters_for_its_actions_and_no_value_to_explain(
    single: Path, tmp_path: Path
) -> None:
    game = ("--env", "ALE/Boxing-v5", "--output-kind", "q_values")
    with Session(
        "live", single, *game, "--speed", "max", "--device", "cpu", size=(40, 120), folder=tmp_path
    ) as session:
        shown = session.wait_for("Boxing", "boxer", "Q-value", "d UPFIRE", "k DOWNLEFTFIRE")
        assert "value" not in shown.replace("Q-value", "") and "lives" not in shown
        assert "checkpoint" not in shown.splitlines()[0]
        session.do(".", "paused")
        for key in "cC":
            session.do(key, "there is one checkpoint only; a bundle or a folder of checkpoints has more")
            session.do("o", "overlay:")
        for target in ("contrast", "advantage", "score"):
            session.do("t", f"explained: {target}", f"epsilon_plus · {target}")
        for key, name in {"d": "UPFIRE", "k": "DOWNLEFTFIRE", "9": "DOWNLEFT"}.items():
            session.do(key, f"explained: {name}", f"against {name} ")
        session.do("9", "explained: score")
