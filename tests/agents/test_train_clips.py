"""The video trainer: a real, tiny run is trained, stopped, resumed and evaluated."""

import importlib.util
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from rich.progress import Progress
from safetensors.torch import load_file

AGENTS = Path(__file__).parents[2] / "agents"
FILE = AGENTS / "train_clips.py"
TINY = "--width 2 --batch 4 --threads 1".split()
CPU = torch.device("cpu")


def load(name: str) -> ModuleType:
    """The trainer is a script outside the package, so it is imported by its path."""
    spec = importlib.util.spec_from_file_location(name, AGENTS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


digits = load("motion_digits")
trainer = load("train_clips")


def run(*words: object) -> int:
    """The command line, in this process; the signals it takes over are given back."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        return int(trainer.main([str(word) for word in words]))
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 24 clips, evaluated on three videos a class. Not to be changed."""
    path = tmp_path_factory.mktemp("runs") / "digits"
    assert run("train", "--out", path, "--clips", 24, *TINY) == 0
    assert run("evaluate", path, "--videos", 3, "--threads", 1) == 0
    return path


def copy(folder: Path, to: Path) -> Path:
    """A run of one's own to change."""
    for file in folder.rglob("*"):
        if file.is_file():
            (to / file.relative_to(folder)).parent.mkdir(parents=True, exist_ok=True)
            (to / file.relative_to(folder)).write_bytes(file.read_bytes())
    return to


def curve(folder: Path) -> list[int]:
    """Clips of each line of a run's curve."""
    return [int(line.split(",")[0]) for line in (folder / "curve.csv").read_text().splitlines()]


@pytest.fixture
def training(tmp_path: Path) -> Iterator[tuple[Path, "subprocess.Popen[bytes]"]]:
    """A long training in a process of its own that has taken a few steps and goes on."""
    path = tmp_path / "digits"
    words = [sys.executable, FILE, "train", "--out", path, "--clips", 10**8, *TINY]
    with subprocess.Popen([str(word) for word in words], stdout=subprocess.DEVNULL) as process:
        end = time.monotonic() + 60
        while not (path / "curve.csv").exists() or len(curve(path)) < 3:
            assert time.monotonic() < end, "training did not get there in time"
            time.sleep(0.05)
        yield path, process
        process.kill()


def test_checkpoints_are_kept_at_doubling_clips_and_at_the_last() -> None:
    assert trainer.schedule(5000) == [0, 500, 1000, 2000, 4000, 5000]
    assert trainer.schedule(1000) == [0, 500, 1000]
    assert trainer.schedule(24) == [0, 24]


def test_weights_have_the_names_of_torchvisions_video_networks() -> None:
    net = trainer.VideoResNet(4, 8)
    shapes = {name: tuple(tensor.shape) for name, tensor in net.state_dict().items()}
    assert shapes["stem.0.weight"] == (4, 3, 3, 5, 5)
    assert shapes["layer1.0.conv1.0.weight"] == (4, 4, 3, 3, 3)
    assert shapes["layer2.0.conv2.1.running_var"] == (8,)
    assert shapes["layer3.0.downsample.0.weight"] == (16, 8, 1, 1, 1)
    assert shapes["fc.weight"] == (8, 16)
    assert not [name for name in shapes if name.endswith("bias") and ".0.bias" in name]
    assert net(torch.zeros(2, 3, 16, 64, 64)).shape == (2, 8)


def test_a_block_adds_its_shortcut() -> None:
    block = trainer.BasicBlock(3, 3, (1, 1, 1)).eval()
    torch.nn.init.zeros_(block.conv2[0].weight)
    x = torch.rand(1, 3, 4, 5, 5)
    assert torch.equal(block(x), x)


def test_network_inputs_are_channels_first_about_zero() -> None:
    clips = np.zeros((1, 2, 4, 4, 3), np.uint8)
    clips[0, 1, 2, 3, 0] = 255
    found = trainer.prepare(clips, CPU)
    assert found.shape == (1, 3, 2, 4, 4)
    assert float(found[0, 0, 1, 2, 3]) == pytest.approx(2.2)
    assert float(found[0, 0, 0, 0, 0]) == pytest.approx(-1.8)
    assert int((found > 0).sum()) == 1


def test_batches_are_decided_by_seed_and_number_alone() -> None:
    settings = trainer.Settings(seed=7, batch=2)
    for threads, first in ((1, 0), (3, 2)):
        made = trainer.batches(settings, first, threads)
        for number, (clips, kinds) in enumerate(islice(made, 4), first):
            expected, truth = trainer.training_batch(7, number, 2)
            assert np.array_equal(clips, expected)
            assert np.array_equal(kinds, truth)
        made.close()
    assert clips.shape == (2, 16, 64, 64, 3)
    assert not np.array_equal(clips, trainer.training_batch(8, number, 2)[0])


def test_a_resumed_run_goes_on_as_if_it_had_not_stopped(tmp_path: Path) -> None:
    settings = trainer.Settings(clips=40, width=2, batch=4)
    straight, stopped = (trainer.Run(tmp_path / name, settings, CPU) for name in ("straight", "stopped"))
    for number in range(6):
        straight.learn(*trainer.training_batch(1, number, 4))
    for number in range(3):
        stopped.learn(*trainer.training_batch(1, number, 4))
    stopped.save()
    resumed = trainer.Run(tmp_path / "stopped", settings, CPU)
    assert resumed.clips == 12
    for number in range(3, 6):
        resumed.learn(*trainer.training_batch(1, number, 4))
    wanted = straight.net.state_dict()
    assert all(torch.equal(tensor, wanted[name]) for name, tensor in resumed.net.state_dict().items())
    assert not torch.equal(wanted["fc.weight"], stopped.net.state_dict()["fc.weight"])


def test_a_network_learns_what_it_is_shown(tmp_path: Path) -> None:
    run = trainer.Run(tmp_path, trainer.Settings(clips=10**6, width=4, batch=8, learning_rate=0.01), CPU)
    clips, kinds = trainer.training_batch(3, 0, 8)
    losses = [run.learn(clips, kinds)[0] for _ in range(60)]
    assert losses[-1] < losses[0] / 2


def test_the_learning_rate_rises_and_falls(tmp_path: Path) -> None:
    run = trainer.Run(tmp_path, trainer.Settings(clips=6400, batch=32, learning_rate=0.1, width=2), CPU)
    rates = []
    for run.clips in range(0, 6401, 32):
        rates.append(run.learning_rate())
    assert rates[0] == pytest.approx(0.1 / 50)
    assert int(np.argmax(rates)) == 49
    assert rates[100] == pytest.approx(0.05)
    assert rates[-1] == 0


def test_a_run_keeps_its_first_and_last_weights_and_its_curve(folder: Path) -> None:
    first, last = (load_file(path) for path in trainer.checkpoint_files(folder, None))
    assert [path.stem for path in trainer.checkpoint_files(folder, None)] == ["000000000000", "000000000024"]
    assert not torch.equal(first["stem.0.weight"], last["stem.0.weight"])
    assert int(last["stem.1.num_batches_tracked"]) == 6
    assert curve(folder) == [4, 8, 12, 16, 20, 24]
    assert trainer.read_settings(folder).command == "python agents/train_clips.py train --clips 24 --seed 1 " + (
        "--width 2 --batch 4"
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_saves_before_it_ends(number: int, training: tuple[Path, "subprocess.Popen[bytes]"]) -> None:
    path, process = training
    process.send_signal(number)
    assert process.wait(60) == 130
    clips = torch.load(path / "resume.pt", weights_only=True)["clips"]
    assert clips == curve(path)[-1] >= 12


def test_a_killed_run_goes_on_from_its_last_save_with_one_curve(folder: Path, tmp_path: Path) -> None:
    path = copy(folder, tmp_path / "digits")
    with (path / "curve.csv").open("a") as file:
        file.write("28,1.0,0.5,9.0\n32,1.0,0.5,9.9\n")
    assert run("train", "--out", path, "--clips", 36, "--threads", 1) == 0
    assert curve(path) == list(range(4, 37, 4))
    assert "32,1.0,0.5,9.9" not in (path / "curve.csv").read_text()
    assert [int(file.stem) for file in trainer.checkpoint_files(path, None)] == [0, 24, 36]
    assert [int(file.stem) for file in trainer.checkpoint_files(path, [0, 25])] == [0, 36]


def test_clips_of_every_stride_lie_in_the_middle() -> None:
    looks = trainer.views(np.random.default_rng(1))
    for stride in (1, 2, 3, 4):
        numbers = looks[f"stride {stride}"]
        assert len(numbers) == 16 and set(np.diff(numbers)) == {stride}
        assert abs(numbers.mean() - 31.5) <= 0.5
        assert numbers.min() >= 0 and numbers.max() <= 63
    assert len(set(looks["still"])) == 1
    assert sorted(looks["shuffled"]) == looks["stride 1"].tolist() != looks["shuffled"].tolist()


def test_the_interval_is_wilsons() -> None:
    assert trainer.wilson(8, 10) == pytest.approx([0.4902, 0.9433], abs=1e-4)
    assert trainer.wilson(0, 10) == pytest.approx([0, 0.2775], abs=1e-4)
    assert trainer.wilson(400, 400)[1] == 1


def test_the_summary_counts_right_answers_in_every_part() -> None:
    facts = [
        {"class": "right", "third": "slow", "ground": "waves"},
        {"class": "right", "third": "fast", "ground": "clouds"},
        {"class": "shrink", "third": "slow", "ground": "clouds"},
    ]
    found = trainer.summary([0, 7, 7], facts)
    assert found["accuracy"] == pytest.approx(2 / 3, abs=1e-4)
    assert found["interval"] == trainer.wilson(2, 3)
    assert found["by_class"]["right"]["accuracy"] == 0.5
    assert found["by_third"]["slow"] == {"accuracy": 1.0, "interval": trainer.wilson(2, 2), "videos": 2}
    assert found["by_ground"]["clouds"]["accuracy"] == 0.5
    confusion = np.array(found["confusion"])
    assert (confusion[0, 0], confusion[0, 7], confusion[7, 7], confusion.sum()) == (1, 1, 1, 3)


def test_every_checkpoint_is_shown_the_same_videos(folder: Path) -> None:
    entries = trainer.read_evaluations(folder)
    assert [entry["clips"] for entry in entries] == [0, 24]
    truth = np.repeat(np.arange(8), 3)
    for entry in entries:
        assert list(entry["views"]) == ["stride 1", "stride 2", "stride 3", "stride 4", "still", "shuffled"]
        for view in entry["views"].values():
            assert view["accuracy"] == pytest.approx((np.array(view["answers"]) == truth).mean(), abs=1e-4)
            assert [part["videos"] for part in view["by_third"].values()] == [8, 8, 8]
            assert np.array(view["confusion"]).sum(1).tolist() == [3] * 8


def test_the_answers_are_those_of_the_checkpoint(folder: Path) -> None:
    net = trainer.VideoResNet(2, 8).eval()
    net.load_state_dict(load_file(trainer.checkpoint_files(folder, [24])[0]))
    with Progress(disable=True) as progress:
        named = trainer.answers(net, 3, 1, progress)
    found = trainer.read_evaluations(folder)[1]["views"]
    assert named == {name: view["answers"] for name, view in found.items()}


def test_what_is_measured_is_not_measured_again_unless_asked_differently(folder: Path, tmp_path: Path) -> None:
    path = copy(folder, tmp_path / "digits")
    before = (path / "evaluation.json").read_bytes()
    assert run("evaluate", path, "--videos", 3, "--threads", 1) == 0
    assert (path / "evaluation.json").read_bytes() == before
    assert run("evaluate", path, "--videos", 1, "--threads", 1, "--checkpoint", 1) == 0
    assert [entry["videos_per_class"] for entry in trainer.read_evaluations(path)] == [3, 1]


def test_generate_writes_a_folder_a_class(tmp_path: Path) -> None:
    assert run("generate", tmp_path / "videos", "--videos", 1, "--split", "train") == 0
    assert sorted(path.name for path in (tmp_path / "videos").iterdir()) == sorted([*digits.CLASSES, "facts.json"])
    told = json.loads((tmp_path / "videos" / "facts.json").read_text())
    assert (told["split"], told["videos_per_class"], len(told["videos"])) == ("train", 1, 8)
    for name in told["videos"]:
        masks = digits.read_mask((tmp_path / "videos" / name).with_suffix(".mask.npz"))
        assert masks.shape == (64, 64, 64)


def test_what_cannot_be_done_is_one_line(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "diary").mkdir()
    (tmp_path / "diary" / "monday.txt").write_text("dear diary")
    (tmp_path / "file").write_text("")
    cases = {
        "with width 2, not 3": ("train", "--out", folder, "--width", 3),
        "Not a directory": ("train", "--out", tmp_path / "file"),
        "holds no run": ("evaluate", tmp_path / "diary"),
        "no checkpoint of 9,000 clips or more": ("evaluate", folder, "--checkpoint", 9000),
        "is not empty; give a new folder": ("generate", tmp_path / "diary"),
    }
    for text, words in cases.items():
        assert run(*words) == 1
        message = capsys.readouterr().err
        assert text in message
        assert message.startswith("train_clips: ")
        assert message.count("\n") == 1
    assert [path.name for path in (tmp_path / "diary").iterdir()] == ["monday.txt"]


def test_a_missing_scikit_learn_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    digits.digits.cache_clear()
    assert run("train", "--out", tmp_path / "new") == 1
    assert "scikit-learn, which is not installed: pip install scikit-learn\n" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
