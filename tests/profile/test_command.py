"""The command `inspector profile` as a user calls it: what it leaves, says and refuses, and its exit codes."""

import json
import re
import shutil
from pathlib import Path

import pytest

from inspector.cli import main
from tests.profile.tiny import here, make_folder

FILES = (
    "manifest.json",
    "profile.json",
    "profile.parquet",
    "profile.png",
    "profile.svg",
    "report.html",
    "videos.parquet",
)
RECIPE = ["--window", "8", "--resize", "16x20", "--crop", "16x16", "--mean", "0.5", "--std", "0.5"]
SMALL = ["--strides", "2,1", "--random-networks", "2", "--jobs", "1"]


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Videos and names of their classes."""
    folder = tmp_path_factory.mktemp("given")
    make_folder(folder / "videos")
    (folder / "names.txt").write_text("One\ngo_left\nTurn <b>round</b>\n")
    (folder / "videos" / "turn-round").rename(folder / "videos" / "turn <b>round<")
    shutil.rmtree(folder / "videos" / "turn <b>round<")  # a class without videos is allowed
    return folder / "videos", folder / "names.txt"


@pytest.fixture(scope="module")
def profiled(places: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str], str]:
    folder = tmp_path_factory.mktemp("profile") / "out"
    words = ["profile", "tests.profile.tiny:make_network", str(places[0]), "--classes", str(places[1]), *RECIPE, *SMALL,
             "-o", str(folder)]  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        said: list[str] = []
        patch.setattr("inspector.profile_command.complain", said.append)
        patch.setattr("inspector.profile_command.Processes", lambda jobs: here)
        assert main([*words, "-q"]) == 3
    return folder, words, "\n".join(said)


def test_a_profile_leaves_report_curves_and_tables(profiled: tuple[Path, list[str], str]) -> None:
    folder, _, said = profiled
    assert sorted(path.name for path in folder.iterdir() if path.is_file()) == sorted(FILES)
    assert all((folder / name).stat().st_size > 300 for name in FILES)
    assert "left out: swim: the agent knows no class 'swim'" in said
    assert "left out: one/short.mp4: has 10 frames, 15 are needed for stride 2" in said
    assert "left out: one/torn.mp4: " in said


def test_a_profile_that_is_done_is_told_as_json_and_left_as_it_is(
    profiled: tuple[Path, list[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, words, _ = profiled
    before = {name: (folder / name).stat().st_mtime_ns for name in FILES}
    assert main([*words, "--resume", "--json", "-q"]) == 3
    said = capsys.readouterr()
    assert said.err.startswith("nothing new is asked: all of it was done before\nleft out: ")
    document = json.loads(said.out)
    assert document["folder"] == str(folder) and document["files"]["report"] == str(folder / "report.html")
    assert document["settings"]["strides"] == [1, 2] and len(document["left_out"]) == 3
    assert {name: (folder / name).stat().st_mtime_ns for name in FILES} == before


@pytest.mark.parametrize(
    ("words", "message", "code"),
    [
        (["--strides", "1", "--resume"], "made with strides 2, not asked now", 2),
        (["--target", "true", "--resume"], "made with another target", 2),
        (["--window", "9", "--resume"], "made with another agent", 2),
        ([], "holds something", 5),
    ],
)
def test_other_settings_never_replace_what_was_made(
    words: list[str], message: str, code: int, profiled: tuple[Path, list[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, asked, _ = profiled
    before = (folder / "report.html").stat().st_mtime_ns
    assert main([*asked, *words, "-q"]) == code
    assert message in capsys.readouterr().err
    assert (folder / "report.html").stat().st_mtime_ns == before


def test_the_report_asks_no_network_and_runs_nothing(profiled: tuple[Path, list[str], str]) -> None:
    page = (profiled[0] / "report.html").read_text("utf-8")
    assert "<script" not in page and "default-src 'none'" in page
    assert not re.findall(r"""(?:src|href)\s*=\s*["'](?!#)""", page)
    assert "McNemar" in page and "random weights" in page and "$" not in re.sub(r"<svg.*</svg>", "", page, flags=re.S)
    assert "swim" in page and "one/torn.mp4" in page


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--strides", "1,1"], "1,1 names a stride twice"),
        (["--strides", "0,1"], "0 is not at least 1"),
        (["--target", "score"], "invalid choice: 'score'"),
    ],
)
def test_words_that_make_no_sense_are_refused(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["profile", "motion-digits", ".", *words])
    assert message in " ".join(capsys.readouterr().err.split())
