"""The command `inspector track` as a user calls it: what it leaves, says and refuses, and its exit codes."""

import json
import multiprocessing
import shlex
import shutil
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from inspector.cli import main
from inspector.load import open_series
from inspector.load.bundle import bundle_folders
from inspector.track.measures import Onset
from inspector.track.plan import Settings
from inspector.track.result import GAMES, Curve
from inspector.track.summary import agreement_text, order_text, together
from inspector.track.tracker import Series
from inspector.track.words import games_text
from inspector.track.work import Explaining
from inspector.track_command import LEFT as LEFT_FILES
from inspector.track_command import Task, again, say_assumed, tell
from tests.interrupts import interrupted

LEFT = (
    *("attention.parquet", "attention.png", "attention.svg", "evolution.mp4", "games.parquet", "manifest.json"),
    *("probe.npz", "report.html", "settings.json"),
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
    assert json.loads((tracked / "settings.json").read_text())["status"] == "finished"


def test_a_track_that_is_done_is_left_as_it_is_and_told_as_json(
    tracked: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {name: (tracked / name).stat().st_mtime_ns for name in LEFT}
    assert main(["track", str(weights), *KNOWN, *SMALL, "-o", str(tracked), "--resume", "--json", "-q"]) == 0
    said = capsys.readouterr()
    assert said.err == "nothing new is asked: all of it was done before\n"
    assert {name: (tracked / name).stat().st_mtime_ns for name in LEFT} == before
    document = json.loads(said.out)
    assert document["folder"] == str(tracked) and document["files"]["film"] == str(tracked / "evolution.mp4")
    assert len(document["series"][0]["checkpoints"]) == 3
    assert document["failures"] == []
    assert "3 checkpoints" in document["summary"][0]
    (explained,) = document["series"][0]["attention"]
    assert all(set(onset) == {"frames", "low", "high"} for onset in explained["onsets"].values())
    (scores,) = document["positive_scores"]
    assert scores["states"] == 12 and 0 <= scores["positive"] <= 12


def test_a_finished_track_can_be_added_to_on_the_same_states(
    tracked: Path, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(tracked, tmp_path / "out")
    grown = shutil.copytree(weights, tmp_path / weights.name)
    another = sorted((bundle_folders()["pong"] / "checkpoints").iterdir())[5]
    shutil.copy(another, grown / "agent_1500_steps.safetensors")
    more = ["--seeds", "0,1", "--target", "score", "--target", "contrast"]
    assert main(["track", str(grown), *KNOWN, *SMALL, *more, "-o", str(tmp_path / "out"), "--resume", "-q"]) == 0
    said = capsys.readouterr()
    assert f"adds --seeds 1, epsilon_plus of contrast, 1 checkpoint of {weights.name}" in said.err
    assert "4 checkpoints, 12 states" in said.out and "both explanations" in said.out
    assert "8 of 8 games cut off at 60 steps" in said.out
    assert (tmp_path / "out" / "probe.npz").read_bytes() == (tracked / "probe.npz").read_bytes()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--probe-steps", "40"], "made with --probe-steps 12; asked 40"),
        (["--seeds", "1"], "made with --seeds 0; asked 1"),
        (["--sticky", "0.25"], "made with sticky 0.0; asked 0.25"),
        (["--target", "contrast"], "made with epsilon_plus of score, not asked now"),
        (["--target", "contrast", "--target", "score"], "the first explanation epsilon_plus of score; asked"),
    ],
)
def test_other_settings_never_replace_what_was_made(
    words: list[str], message: str, tracked: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {name: (tracked / name).stat().st_mtime_ns for name in LEFT}
    assert main(["track", str(weights), *KNOWN, *SMALL, *words, "-o", str(tracked), "--resume", "-q"]) == 2
    said = capsys.readouterr().err
    assert message in said and "choose another folder, or ask the same or more" in said
    assert {name: (tracked / name).stat().st_mtime_ns for name in LEFT} == before


def test_a_film_that_cannot_be_written_leaves_a_report_without(
    tracked: Path, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(tracked, tmp_path / "out", ignore=shutil.ignore_patterns("evolution.mp4", "report.html"))
    (tmp_path / "out" / "evolution.mp4").mkdir()  # nothing can be renamed onto it
    assert main(["track", str(weights), *KNOWN, *SMALL, "-o", str(tmp_path / "out"), "--resume", "-q"]) == 1
    said = capsys.readouterr()
    assert "failed: the film: " in said.err and "the report has none" in said.err
    assert (tmp_path / "out" / "report.html").is_file()
    assert "report.html" in said.out and "evolution.mp4" not in said.out


def test_what_was_assumed_is_said_once_and_not_to_the_quiet(
    tracked: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["track", str(weights), *KNOWN, *SMALL, "-o", str(tracked), "--resume"]
    assert main(words) == 0
    said = capsys.readouterr().err
    assumed = json.loads((tracked / "manifest.json").read_text())["series"][0]["agent"]["assumed"]
    assert assumed and said.count("assumed; a flag says otherwise") == 1
    assert all(said.count(line) == 1 for line in assumed)
    assert main([*words, "-q"]) == 0
    assert "assumed" not in capsys.readouterr().err


def test_a_game_without_known_objects_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    one = open_series("pong")
    facts = replace(one.facts, environment="ALE/Qbert-v5", assumed=())
    say_assumed([replace(one, facts=facts)], Settings(()))
    assert capsys.readouterr().err == (
        "no objects are known for Qbert: what moves is followed; draw regions of your own with --regions\n"
    )
    say_assumed([one], Settings(()))
    assert "no objects" not in capsys.readouterr().err


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
        (["nowhere"], 3, "there are no checkpoints at nowhere: name a bundle (breakout, motion-digits, pong)"),
        (["breakout", "pong"], 2, "pong has another environment (ALE/Pong-v5) than breakout (ALE/Breakout-v5)"),
        (["pong", "--probe", "gone.npz"], 2, "there is no probe set gone.npz"),
        (["pong", "--address", "here:1"], 2, "--address names a Ray cluster: add --engine ray"),
        (["pong", "--target", "JUMP"], 2, "no target 'JUMP'"),
        (["pong", "--regions", "gone.toml"], 2, "gone.toml"),
        (["pong", "--device", "nonsense"], 2, "--device nonsense cannot be used"),
        (["pong", "--composite", "gone.toml"], 2, "gone.toml: there is no such file"),
    ],
)
def test_what_makes_no_sense_is_refused(
    words: list[str], code: int, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["track", *words, *SMALL[2:], "-o", str(tmp_path / "out"), "-q"]) == code
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_names_in_brackets_are_told_as_they_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "runs [seed]"
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps({"summary": ["ppo[/b] [red]: 3 checkpoints"]}))
    (folder / "report.html").touch()
    task = Task([], folder, {}, None, print, print, print, LEFT_FILES, ("games.parquet",))  # type: ignore[arg-type]
    tell(task, as_json=False)
    assert capsys.readouterr().out.splitlines() == [
        "ppo[/b] [red]: 3 checkpoints", f"report    {folder}/report.html", f"tables    {folder}: games.parquet"
    ]  # fmt: skip


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


def told(composite: str = "epsilon_plus", **onsets: Onset) -> Curve:
    """A curve with these onsets, of two checkpoints without a share."""
    nothing, explaining = np.zeros((2, len(onsets))), Explaining(composite, "score")
    frames, area = np.array([0, 10**6]), np.array([0.0 if name == "fruit" else 0.1 for name in onsets])
    return Curve(explaining, frames, tuple(onsets), *(nothing,) * 3, area, nothing[0], onsets=onsets)


NEVER, AT_57, AT_205 = Onset(None, None, None), Onset(57_344, 57_344, 57_344), Onset(204_800, 204_800, 204_800)


def test_the_order_is_told_with_what_is_certain_and_what_is_not() -> None:
    ball, tunnel = Onset(57_344, 57_344, 204_800), Onset(0, 0, None)
    assert order_text(told(wall=NEVER, ball=ball, tunnel=tunnel, paddle=AT_205)) == (
        "ball between 57.3 k and 205 k frames, paddle from 205 k frames; "
        "above at the end, but not for certain: tunnel; never above for good: wall"
    )


def test_a_region_that_no_state_shows_is_told_apart_and_of_many_names_the_first_are_told() -> None:
    assert order_text(told(ball=AT_57, wall=NEVER, fruit=NEVER)).endswith(
        "never above for good: wall; in no state: fruit"
    )
    many = {f"r{number}": NEVER for number in range(14)}
    assert order_text(told(**many)).endswith("r8, r9, and 4 more")


def test_explanations_agree_where_their_intervals_meet() -> None:
    main_one = told(wall=NEVER, ball=AT_57, paddle=AT_205)
    wide = Onset(0, 0, 204_800)
    same = told("epsilon", wall=NEVER, ball=wide, paddle=AT_205)
    late = told("other", wall=NEVER, ball=AT_205, paddle=NEVER)
    assert agreement_text([main_one, main_one, main_one]) == "all 3 explanations agree: ball before paddle"
    assert agreement_text([main_one, same]) == "both explanations agree: ball, paddle"
    assert agreement_text([main_one, late]) == (
        "explanations disagree on ball (from 205 k frames with other), paddle (not for certain with other)"
    )
    assert agreement_text([told(wall=NEVER)] * 2) == "both explanations agree: no region for certain"


def test_several_series_are_told_together() -> None:
    series = open_series("pong")
    curves = [told(wall=NEVER, ball=AT_57), told(wall=NEVER, ball=AT_205), told(wall=NEVER, ball=NEVER)]
    each = [Series(series, series.members[:2], (curve,), (np.zeros(0),) * 2) for curve in curves]
    assert together(each) == [
        "3 series together, epsilon_plus",
        "  for certain, of 3: ball in 2 (between 57.3 k and 205 k frames)",
        "  in none: wall",
    ]


def test_returns_say_which_games_were_cut_off() -> None:
    series = open_series("pong")
    one = Series(series, series.members[:1], (), (np.zeros(3),))
    row = {"series": "pong", "frames": 0, "seed": 0, "return": -21.0, "length": 400}
    ends = [False, True, False]
    games = pa.Table.from_pylist([row | {"finished": end} for end in ends], schema=GAMES)
    assert games_text([one], games) == "3 games each; 2 of 3 games cut off at 400 steps"
    assert games_text([one], games.filter(games["finished"])) == games_text([one]) == "3 games each"
