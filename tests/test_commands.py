"""The commands at work on a small agent with random weights."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from inspector.cli import main
from inspector.recording import Recording, RecordingWriter
from inspector.records import LEDGER_PARTS

ROOT = Path(__file__).parents[1]
Run = Callable[..., tuple[int, str, str]]
GAME = ("--env", "ALE/Breakout-v5")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of weights: two convolutions, a policy of four actions, a critic."""
    generator = torch.Generator().manual_seed(0)
    shapes = {
        "trunk.conv1": (4, 4, 8, 8),
        "trunk.conv2": (8, 4, 4, 4),
        "trunk.fc1": (16, 8 * 9 * 9),
        "policy": (4, 16),
        "value": (1, 16),
    }
    tensors = {f"{name}.weight": torch.randn(shape, generator=generator) * 0.1 for name, shape in shapes.items()}
    tensors |= {f"{name}.bias": torch.zeros(shape[0]) for name, shape in shapes.items()}
    path = tmp_path_factory.mktemp("agent") / "tiny.safetensors"
    save_file(tensors, path)
    return path


def start(*arguments: str | Path, folder: Path) -> subprocess.Popen[str]:
    """The command, running in a folder in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "inspector", *map(str, arguments)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Exit code, stdout and stderr of the command, run in the test's folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        code = main(list(map(str, arguments)))
        return code, *capfd.readouterr()

    return run


def wait_for_rows(process: subprocess.Popen[str], journal: Path) -> None:
    """Until something is recorded."""
    limit = time.monotonic() + 60
    while not (journal.exists() and journal.stat().st_size > 0):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < limit, "nothing was recorded in a minute"
        time.sleep(0.05)


def frame_count(film: Path) -> int:
    """Frames of a film that can be decoded."""
    with av.open(film) as container:
        return sum(1 for _ in container.decode(video=0))


def test_a_recording_is_one_json_object_on_stdout_and_progress_on_stderr(
    run: Run, weights: Path, tmp_path: Path
) -> None:
    code, out, err = run("record", weights, *GAME, "--steps", "20", "--save-relevance", "--json")
    assert code == 0, err
    told = json.loads(out)
    assert told["status"] == "complete"
    assert told["counts"]["steps"] == 20
    assert told["episodes"] == [{"episode": 0, "steps": 20, "return": 0.0, "finished": False}]
    assert told["agent"]["name"] == "tiny"
    assert Path(told["folder"]).parent.name == "recordings"
    for kind in ("video", "steps", "manifest", "thumbnail", "relevance"):
        assert (tmp_path / told[kind]).stat().st_size > 0, kind
    assert frame_count(tmp_path / told["video"]) == told["counts"]["frames"]
    assert [line.split("%")[0].strip() for line in err.splitlines() if "steps/s" in line] == [
        str(tenth) for tenth in range(10, 101, 10)
    ]
    manifest = json.loads((tmp_path / told["manifest"]).read_text())
    assert manifest["command"][:2] == ["inspector", "record"]


def test_a_person_is_told_where_the_film_is_and_what_was_assumed(run: Run, weights: Path, tmp_path: Path) -> None:
    code, out, err = run("record", weights, *GAME, "--steps", "5", "--no-explain", "-q", "-o", "here")
    assert code == 0, err
    assert "here/video.mp4" in out
    assert out.startswith("complete: 5 steps\n")
    film = re.search(r"^  film +(.*), ([0-9.]+) MB$", out, re.MULTILINE)
    assert film is not None
    assert film[1] == "less than a second"
    assert float(film[2]) == pytest.approx((tmp_path / "here" / "video.mp4").stat().st_size / 1e6, abs=0.051)
    assert re.search(r"^  episode 1 +return 0 in 5 steps, not finished$", out, re.MULTILINE)
    assert "file does not say: frame_skip 4, " in out
    assert "steps/s" not in err


def test_a_file_of_rules_is_named_on_the_command_line(run: Run, weights: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('like = "epsilon_plus"\n[layers]\n"trunk.conv2" = "gamma"\n')
    code, _, err = run("record", weights, *GAME, "--steps", "3", "--composite", "mine.toml", "-q", "-o", "here")
    assert code == 0, err
    told = json.loads((tmp_path / "here" / "manifest.json").read_text())["explanation"]
    assert told["composite"] == "mine"
    assert told["rules"]["layers"]["trunk.conv2"]["rule"] == "gamma"


def test_a_mistake_in_a_file_of_rules_is_one_line_and_code_2(run: Run, weights: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('like = "epsilon_plus"\nconvolution = "gama"\n')
    code, out, err = run("record", weights, *GAME, "--steps", "3", "--composite", "mine.toml", "-q", "-o", "here")
    assert (code, out) == (2, "")
    assert re.fullmatch(r"error: mine\.toml: convolution: there is no rule 'gama'; write one of epsilon, .+\n", err)
    code, _, err = run("record", weights, *GAME, "--composite", "nobody.toml", "-q", "-o", "here")
    assert code == 2
    assert err.startswith("error: nobody.toml: there is no such file; give one, or a preset: epsilon, ")
    assert not (tmp_path / "here").exists()


def test_a_recording_of_other_code_that_names_no_agent_is_told_too(run: Run, tmp_path: Path) -> None:
    with RecordingWriter(tmp_path / "here", {}, width=96, height=64, fps=30) as writer:
        for number in range(95):
            writer.add_frame(np.full((64, 96, 3), number, np.uint8))
    for flags in ((), ("--json",)):
        code, out, err = run("recover", "here", *flags)
        assert code == 0, err
        assert ("3 s, 0.0 MB" in out) if not flags else (json.loads(out)["agent"] == {})


def test_a_c51_agent_is_shown_played_and_explained(run: Run, tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    shapes = {0: (4, 4, 8, 8), 2: (4, 4, 4, 4), 4: (4, 4, 3, 3), 7: (8, 4 * 49), 9: (4 * 5, 8)}
    tensors = {
        f"network.{number}.weight": torch.randn(shape, generator=generator) / 5 for number, shape in shapes.items()
    }
    tensors |= {f"network.{number}.bias": torch.zeros(shape[0]) for number, shape in shapes.items()}
    torch.save({**tensors, "atoms": torch.linspace(-1, 1, 5)}, tmp_path / "c51.pt")
    assert run("show", "c51.pt")[0] == 0
    code, _, err = run("record", "c51.pt", *GAME, "--steps", "5", "-o", "here", "-q")
    assert code == 0, err
    for row in Recording.load(tmp_path / "here").rows.to_pylist():
        parts = sum(row[f"ledger_{part}"] for part in LEDGER_PARTS)
        scale = max(abs(row["target_score"]), row["relevance_positive"] - row["relevance_negative"])
        assert row["relevance_positive"] > 0
        assert abs(parts - row["target_score"]) <= 1e-5 * scale


def test_a_game_that_is_not_named_is_asked_for_by_its_flag(run: Run, weights: Path, tmp_path: Path) -> None:
    code, out, err = run("record", weights, "--steps", "5")
    assert code == 2
    assert out == ""
    assert "--env" in err
    assert not (tmp_path / "recordings").exists()


def test_a_folder_that_is_there_is_refused_without_overwrite(run: Run, weights: Path, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "mine.txt").write_text("precious")
    arguments = ("record", weights, *GAME, "--steps", "5", "--no-explain", "-o", "here")
    code, _, err = run(*arguments)
    assert code == 5
    assert "--overwrite" in err
    assert run(*arguments, "--overwrite")[0] == 0
    assert (tmp_path / "here" / "mine.txt").read_text() == "precious"


def test_ctrl_c_finishes_the_film_and_says_where_it_is(weights: Path, tmp_path: Path) -> None:
    process = start("record", weights, *GAME, "--steps", "100000", "-o", "here", "--json", folder=tmp_path)
    wait_for_rows(process, tmp_path / "here" / "steps.journal")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    told = json.loads(out)
    assert told["status"] == "interrupted"
    assert frame_count(tmp_path / told["video"]) == told["counts"]["frames"] > 0
    assert "Traceback" not in err


def test_a_killed_recording_can_be_recovered(run: Run, weights: Path, tmp_path: Path) -> None:
    process = start("record", weights, *GAME, "--steps", "100000", "-o", "here", folder=tmp_path)
    wait_for_rows(process, tmp_path / "here" / "steps.journal")
    time.sleep(3)  # the film is on disk by the second
    process.kill()
    process.communicate()
    code, out, err = run("recover", "here", "--json")
    assert code == 0, err
    told = json.loads(out)
    assert told["status"] == "recovered"
    assert told["counts"]["steps"] > 0
    code, out, err = run("recover", "here")
    assert code == 0
    assert "finished already" in err


def test_show_tells_what_a_file_is(run: Run, weights: Path) -> None:
    code, out, err = run("show", weights, "--json", "--sticky", "0.25")
    assert code == 0, err
    told = json.loads(out)
    assert told["format"] == "state_dict"
    assert told["actions"] == 4
    assert told["preprocessing"]["sticky"] == 0.25
    code, out, _ = run("show", weights)
    assert code == 0
    assert "trunk.conv2     Conv2d   8x4x4x4" in out
    assert "sticky         0.0" in out


def test_the_agents_of_the_inspector_are_listed(run: Run) -> None:
    code, out, err = run("agents", "--json")
    assert code == 0, err
    names = [bundle["name"] for bundle in json.loads(out)["agents"]]
    code, out, err = run("agents")
    assert code == 0, err
    assert [line for line in out.splitlines() if not line.startswith(" ")] == names
