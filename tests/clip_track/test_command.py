"""The command `inspector track` with a video classifier, as a user calls it."""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from inspector.cli import main
from inspector.clip_track.plan import ClipSettings
from inspector.clip_track.series import open_clip_series
from inspector.clip_track.tracker import checked_explanations
from inspector.clip_track.videos import tracked_videos
from inspector.clip_track_command import asked_of_clips
from inspector.errors import UsageError
from inspector.track.asked import Asked, additions, check_same
from inspector.track.work import Explaining
from tests.clip_track.test_series import save as save_own
from tests.clip_track.tiny import make_folder, write_video
from tests.load.clip_files import CLASSES, MODULE, tiny_network, write_clip_bundle

LEFT = (
    *("attention.parquet", "attention.png", "attention.svg", "evolution.mp4", "manifest.json", "positions.png"),
    *("positions.svg", "probe.npz", "recognised.parquet", "report.html", "settings.json"),
)
SMALL = ["--probe-steps", "7", "--jobs", "1", "-q"]


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A bundle of two checkpoints, and videos, of which one is shorter than a clip."""
    folder = tmp_path_factory.mktemp("given")
    bundle = write_clip_bundle(folder / "little", *(tiny_network(seed) for seed in (1, 2)))
    videos = make_folder(folder / "videos", names=("right", "left", "up"))
    write_video(videos / "up" / "short.mp4", 3)
    return bundle, videos


@pytest.fixture(scope="module")
def tracked(given: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("track") / "out"
    assert main(["track", str(given[0]), "--video", str(given[1]), *SMALL, "--stride", "2", "-o", str(folder)]) == 3
    return folder


def test_a_track_leaves_report_film_curves_and_tables(tracked: Path) -> None:
    assert sorted(path.name for path in tracked.iterdir() if path.is_file()) == sorted(LEFT)
    assert all((tracked / name).stat().st_size > 1000 for name in LEFT)
    manifest = json.loads((tracked / "manifest.json").read_text())
    assert manifest["probe"]["stride"] == 2 and manifest["probe"]["clips"] == 6
    assert manifest["classes"] == list(CLASSES) and len(manifest["series"][0]["accuracy"]) == 2
    assert len(manifest["series"][0]["attention"][0]["border_to_centre"]["ratio"]) == 2


def test_a_track_that_is_done_is_left_as_it_is_and_told_as_json(
    given: tuple[Path, Path], tracked: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {name: (tracked / name).stat().st_mtime_ns for name in LEFT}
    words = ["track", str(given[0]), "--video", str(given[1]), *SMALL, "--stride", "2", "-o", str(tracked), "--resume"]
    assert main([*words, "--json"]) == 3
    said = capsys.readouterr()
    done, left = said.err.splitlines()
    assert done == "nothing new is asked: all of it was done before"
    assert left.startswith(
        "left out: video up/short.mp4: has 3 frames, 8 are needed for clips of 4 frames with stride 2"
    )
    assert {name: (tracked / name).stat().st_mtime_ns for name in LEFT} == before
    document = json.loads(said.out)
    assert set(document["files"]) == {"report", "film", "curves", "positions"}
    assert document["summary"][0] == "little: 2 checkpoints, 6 clips, epsilon_plus"
    assert document["positive_scores"][0]["clips"] == 6
    assert main([*words, "--stride", "1"]) == 2
    assert "made with --stride 2; asked 1" in capsys.readouterr().err
    shorter = [*words[:3], str(given[1] / "up"), *words[4:]]
    assert main(shorter) == 2
    assert "made with --video 7 videos" in capsys.readouterr().err


def test_checkpoints_of_a_network_of_ones_own_are_tracked_by_what_their_names_count(
    given: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "clip_track_user.py").write_text(MODULE)
    (tmp_path / "names.txt").write_text("right\nleft\nup\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", list(sys.path))
    save_own(tmp_path / "run", "epoch_0.pt", "epoch_20.pt", "best.pt")
    words = ["track", "run", "--factory", "clip_track_user:make", "--video", str(given[1] / "left"), "--json"]
    words += ["--window", "4", "--resize", "16x16", "--crop", "12x12", "--classes", "names.txt", *SMALL]
    assert main([*words, "-o", "out"]) == 0
    said = capsys.readouterr()
    assert "left out: best.pt" in said.err
    summary = "\n".join(json.loads(said.out)["summary"])
    assert summary.startswith("run: 2 checkpoints, ") and "at 20 epochs" in summary and " clips\n" not in summary
    assert set(pq.read_table("out/recognised.parquet").column("epochs_trained").to_pylist()) == {0, 20}
    assert "epochs_trained" in pq.read_schema("out/attention.parquet").names
    assert main([*words, "--env", "ALE/Pong-v5"]) == 2
    assert "--env is for agents that play games" in capsys.readouterr().err


def asked(given: tuple[Path, Path], *targets: str, steps: int = 6, members: int = 2) -> Asked:
    """What is asked of a track of the bundle."""
    one = open_clip_series(given[0])
    one = replace(one, members=one.members[:members])
    explanations = tuple(Explaining("epsilon_plus", target) for target in targets or ("score",))
    settings = checked_explanations(ClipSettings(explanations, steps), one.class_names)
    return asked_of_clips([one], settings, tracked_videos([given[1]], one.class_names, steps)[0], None)


def test_a_video_that_has_moved_to_another_class_is_another_one(given: tuple[Path, Path], tmp_path: Path) -> None:
    made = []
    for name in ("left", "right"):
        (tmp_path / name).mkdir()
        (video,) = (given[1] / "left").glob("0.mp4")
        shutil.copy(video, tmp_path / name / "0.mp4")
        made.append(asked((given[0], tmp_path / name)))
    with pytest.raises(UsageError, match=r"made with --video 1 videos \(.*; asked 1 videos"):
        check_same(tmp_path, *made)


def test_more_may_be_asked_of_a_folder_and_nothing_otherwise(given: tuple[Path, Path], tmp_path: Path) -> None:
    before = asked(given, members=1)
    check_same(tmp_path, before, asked(given, "score", "right"))
    assert additions(before, asked(given, "score", "RIGHT")) == ["epsilon_plus of 1", "1 checkpoint of little"]
    with pytest.raises(UsageError, match=r"made with --probe-steps 6; asked 3; .*made with --video .*1 checkpoint"):
        check_same(tmp_path, asked(given), asked(given, steps=3, members=1))
    with pytest.raises(UsageError, match="the first explanation epsilon_plus of score; asked epsilon_plus of 0"):
        check_same(tmp_path, before, asked(given, "left", "score"))


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ([], 2, "little watches videos: name some to track it on, as in --video FOLDER"),
        (["--video", "gone.mp4"], 7, "gone.mp4 cannot be read: No such file"),
        (["--video", "VIDEOS", "--env", "ALE/Pong-v5"], 2, "--env is for agents that play games"),
        (["--video", "VIDEOS", "--atoms"], 2, "--atoms is for agents that play games"),
        (["--video", "VIDEOS", "--seeds", "4,5"], 2, "--seeds is for agents that play games"),
        (["--video", "VIDEOS", "--max-steps", "9"], 2, "--max-steps is for agents that play games"),
        (["--video", "VIDEOS", "--target", "value"], 2, "--target value is for agents that play: take score, a class"),
        (["--video", "VIDEOS", "--probe", "PROBE"], 2, "--probe brings its clips along"),
        (["--probe", "gone.npz"], 2, "there is no probe set gone.npz"),
        (["--probe", "PROBE", "--stride", "3"], 2, "the probe set was made with --stride 2; asked 3"),
        (["--video", "VIDEOS", "--composite", "gone.toml"], 2, "gone.toml: there is no such file"),
    ],
)
def test_what_makes_no_sense_is_refused(
    words: list[str], code: int, message: str, given: tuple[Path, Path], tracked: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    places = {"VIDEOS": str(given[1]), "PROBE": str(tracked / "probe.npz")}
    told = [places.get(word, word) for word in words]
    assert main(["track", str(given[0]), *told, "--jobs", "1", "-q", "-o", str(tmp_path / "out")]) == code
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_agents_that_play_are_shown_no_videos(given: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["track", "pong", "--video", str(given[1]), "-q"]) == 2
    assert "pong" in capsys.readouterr().err
    assert main(["track", "pong", "--stride", "2", "-q"]) == 2
    assert "--stride is for agents that watch videos" in capsys.readouterr().err
    assert main(["track", str(given[0]), str(given[0]), "--video", str(given[1]), *SMALL]) == 2
    assert "all 2 checkpoints of little" in capsys.readouterr().err
