"""The command `inspector track` as a user calls it: what it leaves, says and refuses, and its exit codes."""

import json
import multiprocessing
import shlex
import shutil
import time
from pathlib import Path

import pytest

from inspector.cli import main
from inspector.load.bundle import bundle_folders
from inspector.track.measures import Onset
from inspector.track.result import Curve
from inspector.track.summary import order_text
from inspector.track.work import Explaining
from inspector.track_command import again
from tests.interrupts import interrupted

LEFT = (
    *("attention.parquet", "attention.png", "attention.svg", "evolution.mp4", "games.parquet", "manifest.json"),
    *("probe.npz", "report.html"),
)
SMALL = ["--probe-steps", "12", "--seeds", "0", "--max-steps", "60", "--jobs", "2"]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three checkpoints of a bundle as bare files, named after their agent steps."""
    folder = tmp_path_factory.mktemp("weights")
    for number, file in enumerate(sorted((bundle_folders()["pong"] / "checkpoints").iterdir())[::4]):
        shutil.copy(file, folder / f"agent_{1000 * number}_steps.safetensors")
    return folder


@pytest.fixture(scope="module")
def tracked(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the command leaves of them."""
    folder = tmp_path_factory.mktemp("track") / "out"
    assert main(["track", str(weights), *KNOWN, *SMALL, "-o", str(folder), "-q"]) == 0
    return folder


KNOWN = ["--env", "ALE/Pong-v5", "--output-kind", "logits"]


def test_a_track_leaves_report_film_curves_and_tables(tracked: Path) -> None:
    assert sorted(path.name for path in tracked.iterdir() if path.is_file()) == sorted(LEFT)
    assert all((tracked / name).stat().st_size > 1000 for name in LEFT)


def test_a_track_that_is_there_goes_on_and_tells_all_as_json(
    tracked: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {name: (tracked / name).read_bytes() for name in ("attention.parquet", "games.parquet", "probe.npz")}
    assert main(["track", str(weights), *KNOWN, *SMALL, "-o", str(tracked), "--resume", "--json"]) == 0
    said = capsys.readouterr()
    document = json.loads(said.out)
    assert document["folder"] == str(tracked)
    assert len(document["series"][0]["checkpoints"]) == 3
    assert document["failures"] == []
    assert "3 checkpoints" in document["summary"][0]
    assert "own games: 3 of 3" in said.err
    assert {name: (tracked / name).read_bytes() for name in before} == before


def test_without_resume_a_track_is_left_alone(tracked: Path, weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["track", str(weights), *KNOWN, *SMALL, "-o", str(tracked)]) == 5
    assert "go on with --resume" in capsys.readouterr().err


def test_a_corrupt_file_is_named_the_rest_goes_on_and_the_exit_code_says_so(
    tracked: Path, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(weights, tmp_path / "weights")
    (tmp_path / "weights" / "agent_500_steps.safetensors").write_bytes(b"torn")
    arguments = ["--probe", str(tracked / "probe.npz"), "--seeds", "0", "--max-steps", "60", "--jobs", "1"]
    assert main(["track", str(tmp_path / "weights"), *KNOWN, *arguments, "-o", str(tmp_path / "out"), "-q"]) == 3
    said = capsys.readouterr()
    assert "agent_500_steps.safetensors" in said.err
    assert "3 checkpoints" in said.out
    assert "agent_500_steps.safetensors" in (tmp_path / "out" / "report.html").read_text()


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["nowhere"], 3, "there are no checkpoints at nowhere: name a bundle (breakout, pong)"),
        (["breakout", "pong"], 2, "pong has another environment (ALE/Pong-v5) than breakout (ALE/Breakout-v5)"),
        (["pong", "--probe", "gone.npz"], 2, "there is no probe set gone.npz"),
        (["pong", "--address", "here:1"], 2, "--address names a Ray cluster: add --engine ray"),
        (["pong", "--target", "JUMP"], 2, "no target 'JUMP'"),
        (["pong", "--regions", "gone.toml"], 2, "gone.toml"),
        (["pong", "--composite", "gone.toml"], 2, "gone.toml: there is no such file"),
    ],
)
def test_what_makes_no_sense_is_refused(
    words: list[str], code: int, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["track", *words, *SMALL[2:], "-o", str(tmp_path / "out"), "-q"]) == code
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_ctrl_c_stops_at_once_and_says_how_to_go_on(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the middle of games that would take minutes."""
    words = ["track", str(weights / "*"), *KNOWN, "--seeds", "0", "--max-steps", "90000", "--jobs", "2", "-q"]
    codes: list[int] = []
    start = time.monotonic()
    assert not interrupted(lambda: codes.append(main([*words, "-o", str(tmp_path / "out")])), 12)
    assert codes == [130] and time.monotonic() - start < 20
    (said,) = capsys.readouterr().err.splitlines()
    assert said == f"interrupted; go on with: {shlex.join(['inspector', *words, '-o', str(tmp_path / 'out')])} --resume"
    assert multiprocessing.active_children() == []
    assert not list(tmp_path.rglob("*.part"))


def test_the_command_to_go_on_names_a_folder_that_was_chosen_for_the_user() -> None:
    assert again(["inspector", "track", "a b/*.zip"], None, Path("t")) == "inspector track 'a b/*.zip' -o t --resume"
    assert again(["inspector", "track", "-o", "t", "--resume"], Path("t"), Path("t")).count("--resume") == 1


@pytest.mark.parametrize("text", ["", "1,1", "-1", "a"])
def test_seeds_are_whole_numbers_each_once(text: str) -> None:
    with pytest.raises(SystemExit) as refused:
        main(["track", "pong", f"--seeds={text}"])
    assert refused.value.code == 2


def test_the_order_is_told_with_what_is_certain_and_what_is_not() -> None:
    import numpy as np

    onsets = {
        "wall": Onset(None, None, None),
        "ball": Onset(57_344, 57_344, 204_800),
        "tunnel": Onset(0, 0, None),
        "paddle": Onset(204_800, 204_800, 204_800),
    }
    nothing = np.zeros((2, 4))
    curve = Curve(
        Explaining("epsilon_plus", "score"),
        np.array([0, 10**6]),
        tuple(onsets),
        *(nothing,) * 3,
        *(nothing[0],) * 2,
        onsets=onsets,
    )
    assert order_text(curve) == (
        "ball from 57.3 k frames (57.3 k to 205 k frames), paddle from 205 k frames; uncertain: tunnel; "
        "not at the end: wall"
    )
