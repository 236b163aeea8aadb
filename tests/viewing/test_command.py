"""`inspector record AGENT --video FILE`, as a person types it: results, and words for what does not fit."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch

from inspector.cli import main
from inspector.recording import Recording
from inspector.viewing_command import short_names
from tests.clips.making import number_of, write
from tests.viewing.making import CLASSES, Colours

AGENT = "tests.viewing.making:Colours"
SEEING = ("--resize", "48x80", "--crop", "48x80", "--window", "8", "--mean", "0.5", "--std", "0.25,0.25,0.25")


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("film") / "film.mp4", 20)


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("classes") / "classes.txt"
    path.write_text("\n".join(CLASSES))
    return path


def test_one_command_makes_the_folder_and_tells_what_was_recognised(
    film: Path, classes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["record", AGENT, *SEEING, "--classes", str(classes), "--video", str(film), "-o", str(tmp_path / "r")]
    assert main([*words, "--json"]) == 0
    told, progress = capsys.readouterr()
    found: dict[str, Any] = json.loads(told)
    assert found["status"] == "complete" and found["counts"]["frames"] == 20 and found["counts"]["steps"] == 4
    (video,) = found["videos"]
    assert video["name"] == str(film) and sum(video["windows"].values()) == 4
    assert video["explained"] in CLASSES and set(video["windows"]) <= set(CLASSES)
    assert "recognising: 4 of 4" in progress and "explaining: 4 of 4" in progress
    assert main([*words, "-q"]) == 5
    assert "is not empty" in capsys.readouterr().err
    assert main([*words, "-q", "--overwrite", "--target", "red thing"]) == 0
    told, progress = capsys.readouterr()
    assert "complete: 20 frames, 4 windows" in told and f"  {film.name} " in told and progress == ""
    manifest = Recording.load(tmp_path / "r").manifest
    assert manifest["videos"][0]["target"] == "red thing" and manifest["command"][:2] == ["inspector", "record"]


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (["a/b/one.mp4", "two.mp4"], ["one.mp4", "two.mp4"]),
        (["a/one.mp4", "a/one.mp4"], ["one.mp4", "one.mp4"]),
        (["a/one.mp4", "b/one.mp4"], ["a/one.mp4", "b/one.mp4"]),
        ([f"{'a' * 50}/one.mp4", "b/one.mp4"], [f"…{'a' * 31}/one.mp4", "b/one.mp4"]),
        (["a\nb.mp4"], ["a b.mp4"]),
    ],
)
def test_names_of_videos_are_as_short_as_they_can_be(names: list[str], shown: list[str]) -> None:
    assert short_names(names) == shown


def test_recover_tells_of_videos_and_not_of_games(
    film: Path, classes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["record", AGENT, *SEEING, "--classes", str(classes), "--video", str(film), "-o", str(tmp_path / "r")]
    assert main([*words, "-q", "--steps", "1"]) == 0
    assert "8 frames, 1 window\n" in capsys.readouterr().out
    assert main(["recover", str(tmp_path / "r")]) == 0
    told = capsys.readouterr().out
    assert "in 1 of 1 window" in told and "return" not in told and "episode" not in told


@pytest.mark.parametrize(
    "making",
    [
        pytest.param({"size": (161, 97), "codec": "mpeg4"}, id="odd size"),
        pytest.param({"pixels": "yuv420p10le", "options": {"crf": "10"}}, id="10 bits"),
        pytest.param({"times": [24 * n + 100 * (n > 9) for n in range(20)]}, id="variable rate"),
        pytest.param({"fps": Fraction(30000, 1001)}, id="a rate that is no whole number"),
        pytest.param({"options": {"bf": "3"}}, id="frames stored out of order"),
    ],
)
def test_unusual_videos_lose_no_frame(making: dict[str, Any], tmp_path: Path) -> None:
    path = write(tmp_path / "unusual.mp4", 20, **making)
    assert main(["record", AGENT, *SEEING, "--video", str(path), "-o", str(tmp_path / "r"), "-q"]) == 0
    recording = Recording.load(tmp_path / "r")
    x, y, width, height = recording.manifest["pages"][0]["screen"]
    rows, columns = recording.manifest["videos"][0]["height"], recording.manifest["videos"][0]["width"]
    with av.open(str(recording.video)) as shown, av.open(str(path)) as original:
        pages = [(float(page.pts * page.time_base), page.to_ndarray(format="rgb24")) for page in shown.decode(video=0)]
        times = sorted(float(frame.pts * frame.time_base) for frame in original.decode(video=0))
    screens = [page[y : y + height, x : x + width] for _, page in pages]
    step = height // rows
    assert (height, width) == (step * rows, step * columns)
    assert [number_of(np.ascontiguousarray(screen[::step, ::step])) for screen in screens] == list(range(20))
    np.testing.assert_allclose([time for time, _ in pages], np.array(times) - times[0], atol=2e-5)


def test_a_turned_video_is_shown_upright(tmp_path: Path) -> None:
    path = write(tmp_path / "turned.mp4", 12, rotation=90)
    assert main(["record", AGENT, *SEEING, "--video", str(path), "-o", str(tmp_path / "r"), "-q"]) == 0
    manifest = Recording.load(tmp_path / "r").manifest
    assert (manifest["videos"][0]["height"], manifest["videos"][0]["width"]) == (160, 96)
    assert manifest["counts"]["frames"] == 12


def test_a_window_longer_than_the_video_and_others_that_make_no_sense_are_refused(
    film: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = ["record", AGENT, *SEEING, "-o", str(tmp_path / "r"), "--video", str(film)]
    cases = [
        ((*base, "--window", "21"), 2, "film.mp4: a window of 21 frames with stride 1 needs 21 frames"),
        ((*base, "--stride", "3"), 2, "needs 24 frames, the video has 20"),
        ((*base, "--step", "9"), 2, "give a step of 1 to 8"),
        ((*base, "--target", "golf"), 2, "no target 'golf'"),
        ((*base, "--env", "ALE/Pong-v5"), 2, "--env is for agents that play"),
        ((*base, "--fps", "60"), 2, "--fps is for agents that play"),
        ((*base, "--crop", "50x80"), 2, "cannot be cut out of"),
        (("record", "breakout", "--stride", "2"), 2, "--stride is for agents that watch videos"),
        (("record", "motion-digits"), 2, "--video"),
        (("record", "breakout", "--video", str(film)), 2, "plays games"),
        (("record", "torchvision:mvit_v2_s", "--video", str(film)), 4, "is a transformer"),
    ]
    for words, code, message in cases:
        assert main(list(words)) == code, words
        assert message in capsys.readouterr().err, words
    assert not (tmp_path / "r").exists()


def test_files_that_are_no_video_or_not_whole_are_refused(
    film: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = film.read_bytes()
    files = {"text.mp4": b"no video at all" * 99, "empty.mp4": b"", "cut.mp4": content[: len(content) // 2]}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        words = ["record", AGENT, *SEEING, "--video", str(tmp_path / name), "-o", str(tmp_path / "r")]
        assert main([*words, "-q"]) == 7, name
        assert name in capsys.readouterr().err


def test_a_file_of_weights_is_recorded_with_the_network_that_factory_names(
    film: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    network, own = Colours(), tmp_path / "own.pt"
    wrapped = {f"module.{name}": tensor for name, tensor in network.state_dict().items()}
    torch.save({"model_state_dict": wrapped, "epoch": 3}, own)
    words = ["-q", "-o", str(tmp_path / "r"), "--overwrite", "--video", str(film), "--target", "each"]
    assert main(["record", str(own), "--factory", AGENT, *SEEING, *words]) == 0
    turned = Recording.load(tmp_path / "r").rows
    assert main(["record", AGENT, "--weights", str(own), *SEEING, *words]) == 0
    assert turned.equals(Recording.load(tmp_path / "r").rows)
    capsys.readouterr()
    assert main(["show", str(own), "--factory", AGENT, *SEEING, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["format"] == "factory"
    for wrong, code, message in (
        (["record", str(own), *words], 2, "does not say which network it belongs to: name that by --factory MODULE"),
        (["record", AGENT, "--factory", AGENT, *words], 2, "is no file of weights, which --factory names the network"),
        (["record", str(own), "--factory", AGENT, "--weights", str(own), *words], 2, "cannot both be weights"),
        (["record", str(tmp_path / "gone.pt"), "--factory", AGENT, *words], 3, "there is no agent"),
    ):
        assert main(wrong) == code
        assert message in capsys.readouterr().err


def test_weights_and_class_names_have_to_fit(
    film: Path, classes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = ["record", AGENT, *SEEING, "-q", "-o", str(tmp_path / "r"), "--video", str(film)]
    torch.save(Colours().state_dict(), tmp_path / "own.pt")
    torch.save({"conv.weight": torch.zeros(1)}, tmp_path / "other.pt")
    (tmp_path / "two.txt").write_text("one\ntwo\n")
    assert main([*base, "--weights", str(tmp_path / "other.pt")]) == 3
    assert "does not fit" in capsys.readouterr().err
    assert main([*base, "--classes", str(tmp_path / "two.txt")]) in (2, 3)
    assert "two.txt" in capsys.readouterr().err
    assert main([*base, "--weights", str(tmp_path / "own.pt"), "--classes", str(classes)]) == 0
