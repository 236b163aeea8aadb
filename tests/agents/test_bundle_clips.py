"""The bundler of video classifiers: a real, tiny run becomes an agent; the agent that ships is what its card says."""

import hashlib
import importlib.util
import re
import shutil
import sys
import tomllib
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from inspector.load import clip_checkpoints, load_clip_agent
from inspector.load.clip_run import CLASSES, RECIPE
from inspector.load.safe import read_file
from inspector.load.weights import read_safetensors

AGENTS = Path(__file__).parents[2] / "agents"
TINY = "--width 2 --batch 4 --threads 1".split()


def load(name: str) -> ModuleType:
    """A script outside the package, imported by its path."""
    spec = importlib.util.spec_from_file_location(name, AGENTS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


digits, trainer = load("motion_digits"), load("train_clips")
load("train_atari")
load("bundle")
bundler = load("bundle_clips")


def train(path: Path, seed: int) -> Path:
    """A run of 8 clips, evaluated on a video a class."""
    words = ["train", "--out", str(path), "--clips", "8", "--seed", str(seed), *TINY]
    assert trainer.main(words) == 0
    assert trainer.main(["evaluate", str(path), "--videos", "1", "--threads", "1"]) == 0
    return path


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two runs of different seeds. Not to be changed."""
    folder = tmp_path_factory.mktemp("runs")
    return train(folder / "one", 1), train(folder / "two", 2)


def test_a_bundle_holds_the_runs_weights_and_what_was_measured_of_them(runs: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "tiny"
    assert bundler.main([str(runs[0]), "--out", str(out)]) == 0
    told = tomllib.loads((out / "agent.toml").read_text())
    assert told["agent"] == {"kind": "clips", "name": "tiny", "classes": list(digits.CLASSES)}
    assert told["provenance"]["command"].endswith("--clips 8 --seed 1 --width 2 --batch 4")
    for entry, path, measured in zip(
        told["checkpoint"], trainer.checkpoint_files(runs[0], None), trainer.read_evaluations(runs[0]), strict=True
    ):
        assert (out / entry["file"]).read_bytes() == path.read_bytes()
        assert entry["sha256"] == measured["sha256"]
        assert entry["interval"] == measured["views"]["stride 1"]["interval"]
    assert [one.frames for one in clip_checkpoints(out)] == [0, 8]
    assert load_clip_agent(out).facts.provenance["clips"] == "8"


def test_the_card_is_made_of_the_runs_numbers(runs: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "tiny"
    assert bundler.main([str(runs[0]), "--compare", str(runs[1]), "--out", str(out), "--note", "Trained in vain."]) == 0
    card = (out / "card.md").read_text()
    first, last = trainer.read_evaluations(runs[0])
    for entry in (first, last):
        shares = [f"{100 * view['accuracy']:.1f}" for view in entry["views"].values()]
        low, high = (100 * end for end in entry["views"]["stride 1"]["interval"])
        assert f"| {entry['clips']} | {shares[0]} | {low:.1f} to {high:.1f} | {' | '.join(shares[1:])} |" in card
    matrix = [[int(cell) for cell in re.findall(r"\d+", line)] for line in card.splitlines() if line.count("|") == 10]
    assert [row for row in matrix if sum(row) == 1] == last["views"]["stride 1"]["confusion"]
    other = trainer.read_evaluations(runs[1])[-1]["views"]["stride 4"]
    assert f"{100 * other['accuracy']:.1f} ({100 * other['interval'][0]:.1f} to" in card.partition("## Another seed")[2]
    assert "Trained in vain." in card and "{" not in card
    assert bundler.main([str(runs[0]), "--out", str(out)]) == 0
    assert "## Another seed" not in (out / "card.md").read_text()


def test_the_curve_is_a_picture_with_two_points_a_checkpoint(runs: tuple[Path, Path]) -> None:
    shown = trainer.read_evaluations(runs[0])
    root = ElementTree.fromstring(bundler.curve_svg([(4 * i, i / 100) for i in range(100)], shown))
    assert sum(element.tag.endswith("circle") for element in root.iter()) == 2 * len(shown)
    assert ElementTree.fromstring(bundler.curve_svg([], shown)) is not None


def test_minutes_add_up_over_resumes() -> None:
    assert bundler.minutes([(4, 0.1, 30.0), (8, 0.1, 60.0), (12, 0.1, 15.0), (16, 0.1, 60.0)]) == 2.0
    assert bundler.minutes([]) == 0.0


def test_what_cannot_be_bundled_is_said(
    runs: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("")
    assert bundler.main([str(runs[0]), "--out", str(tmp_path / "full")]) == 1
    assert "is not empty and no agent" in capsys.readouterr().err
    shutil.copytree(runs[0], tmp_path / "run")
    (tmp_path / "run" / "evaluation.json").unlink()
    assert trainer.main(["evaluate", str(tmp_path / "run"), "--videos", "1", "--seed", "2", "--threads", "1"]) == 0
    assert bundler.main([str(runs[0]), "--compare", str(tmp_path / "run"), "--out", str(tmp_path / "out")]) == 1
    assert "was evaluated on other videos; evaluate it alike" in capsys.readouterr().err
    (tmp_path / "run" / "evaluation.json").unlink()
    for words in ([str(tmp_path / "run")], [str(runs[0]), "--compare", str(tmp_path / "run")]):
        assert bundler.main([*words, "--out", str(tmp_path / "out")]) == 1
        assert "the last checkpoint was not evaluated; run train_clips.py evaluate" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


# --- the agent that ships


@pytest.mark.parametrize("which", ["first", "last"])
def test_the_package_gives_the_scores_of_the_trainers_own_network(which: str) -> None:
    agent = load_clip_agent("motion-digits", checkpoint=which)
    path = agent.facts.checkpoint.path
    network = trainer.VideoResNet(12, 8).eval()
    network.load_state_dict(read_safetensors(read_file(Path(path)).content, path))
    clips = np.random.default_rng(0).integers(0, 256, (2, 16, 64, 64, 3), np.uint8)
    with torch.inference_mode():
        expected = network(trainer.prepare(clips, torch.device("cpu"))).numpy()
    np.testing.assert_allclose(agent.scores(clips), expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_the_package_knows_the_trainers_classes_and_clips() -> None:
    agent = load_clip_agent("motion-digits")
    assert CLASSES == digits.CLASSES == agent.class_names
    assert agent.recipe == RECIPE
    clips = np.random.default_rng(0).integers(0, 256, (1, 16, 64, 64, 3), np.uint8)
    np.testing.assert_allclose(
        RECIPE.normalise(clips), trainer.prepare(clips, torch.device("cpu")).numpy(), rtol=0, atol=1e-6
    )
    assert all(np.array_equal(RECIPE.prepare(frame), frame) for frame in clips[0])


def test_the_series_that_ships_learns_from_chance_to_an_accuracy_that_leaves_something_to_show() -> None:
    series = clip_checkpoints("motion-digits")
    for one in series:
        assert hashlib.sha256(Path(one.path).read_bytes()).hexdigest() == one.sha256
    first, last = series[0], series[-1]
    assert first.interval is not None and first.interval[0] < 1 / 8 < first.interval[1]
    assert last.accuracy is not None and 0.8 < last.accuracy < 0.97
    assert (first.frames, last.frames, len(series)) == (0, 64_000, 9)


def test_the_agent_that_ships_recognises_a_video_of_the_split_test_in_every_class() -> None:
    agent = load_clip_agent("motion-digits")
    scenes = [scene for scene in digits.scenes(3, split="test", seed=1) if scene.facts["third"] == "fast"]
    clips = np.stack([digits.clip(scene, trainer.centred(1)) for scene in scenes])
    named = [agent.class_names[best] for best in agent.scores(clips).argmax(1)]
    assert named == [scene.kind for scene in scenes] == list(CLASSES)
