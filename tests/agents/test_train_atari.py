"""The trainer: a real, tiny run is trained, killed, resumed, evaluated and bundled."""

import hashlib
import importlib.util
import json
import signal
import subprocess
import sys
import time
import tomllib
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import ale_py
import cv2
import gymnasium
import numpy as np
import pytest
import torch
from ale_py import Action, ALEInterface, roms
from safetensors.torch import load_file

AGENTS = Path(__file__).parents[2] / "agents"
FILE = AGENTS / "train_atari.py"
TINY = "--network nips --hidden 16 --envs 2 --rollout 8 --minibatch 8 --epochs 1 --threads 1".split()
PER_ROLLOUT = 2 * 8 * 4


def load(name: str) -> ModuleType:
    """The trainer is a script outside the package, so it is imported by its path."""
    spec = importlib.util.spec_from_file_location(name, AGENTS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


trainer = load("train_atari")
bundler = load("bundle")


def run(*words: object) -> int:
    """The command line, in this process; the signals it takes over are given back."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        first, *rest = (str(word) for word in words)
        return int(bundler.main(rest) if first == "bundle" else trainer.main([first, *rest]))
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a thousand frames, evaluated on two short games a checkpoint. Not to be changed."""
    path = tmp_path_factory.mktemp("runs") / "pong"
    assert run("train", "pong", "--out", path, "--frames", 1000, *TINY) == 0
    assert evaluate(path) == 0
    return path


def evaluate(path: Path, *words: object) -> int:
    """Two games of 50 steps a checkpoint, unless told otherwise."""
    return run("evaluate", path, *("--games", 2, "--envs", 2, "--max-frames", 200, "--threads", 1), *words)


def copy(folder: Path, to: Path) -> Path:
    """A run of one's own to change."""
    for file in folder.rglob("*"):
        if file.is_file():
            (to / file.relative_to(folder)).parent.mkdir(parents=True, exist_ok=True)
            (to / file.relative_to(folder)).write_bytes(file.read_bytes())
    return to


def frames_saved(folder: Path) -> int:
    """Frames that training would resume from."""
    return int(torch.load(folder / "resume.pt", weights_only=True)["frames"])


def near_a_mark(folder: Path) -> None:
    """Set the run's count to just before the mark at 50,000, which would take too long to train up to."""
    saved = torch.load(folder / "resume.pt", weights_only=True)
    torch.save({**saved, "frames": 50_000 - 3 * PER_ROLLOUT}, folder / "resume.pt")
    (folder / "curve.csv").write_text("")


@pytest.fixture
def training(folder: Path, tmp_path: Path) -> Iterator[tuple[Path, "subprocess.Popen[bytes]"]]:
    """A long training in a process of its own that has just passed the mark at 50,000 frames and goes on."""
    path = copy(folder, tmp_path / "pong")
    near_a_mark(path)
    words = [sys.executable, FILE, "train", "pong", "--out", path, "--frames", 10**8, *TINY]
    with subprocess.Popen([str(word) for word in words], stdout=subprocess.DEVNULL) as process:
        wait_for(lambda: frames_saved(path) >= 50_000 and len((path / "curve.csv").read_text().splitlines()) > 8)
        yield path, process
        process.kill()


def wait_for(condition: Any) -> None:
    """Wait until it holds, at most half a minute."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "training did not get there in time"
        time.sleep(0.02)


def test_checkpoints_are_kept_at_doubling_frames_and_at_the_last() -> None:
    assert trainer.schedule(1_000_000) == [0, 50_000, 100_000, 200_000, 400_000, 800_000, 1_000_000]
    assert trainer.schedule(400_000) == [0, 50_000, 100_000, 200_000, 400_000]
    assert trainer.schedule(1000) == [0, 1000]


def test_advantages_are_the_discounted_sums_of_temporal_differences() -> None:
    generator = torch.Generator().manual_seed(3)
    steps, envs, gamma, lam = 9, 3, 0.9, 0.8
    rewards, values = (torch.rand((steps, envs), generator=generator, dtype=torch.float64) for _ in range(2))
    ends = (torch.rand((steps, envs), generator=generator) < 0.3).double()
    last = torch.rand(envs, generator=generator, dtype=torch.float64)
    found = trainer.advantages(rewards, values, ends, last, gamma, lam)
    following = torch.cat([values[1:], last[None]])
    for t in range(steps):
        for e in range(envs):
            expected, weight = 0.0, 1.0
            for k in range(t, steps):
                alive = 1.0 - float(ends[k, e])
                expected += weight * float(rewards[k, e] + gamma * following[k, e] * alive - values[k, e])
                weight *= gamma * lam * alive
            assert float(found[t, e]) == pytest.approx(expected, abs=1e-12)


def test_actions_are_sampled_with_the_policys_probabilities() -> None:
    torch.manual_seed(0)
    logits = torch.tensor([[0.0, 1.0, -1.0]]).repeat(20_000, 1)
    actions, logprobs = trainer.act(logits)
    expected = logits[0].softmax(-1)
    assert torch.allclose(torch.bincount(actions).float() / len(logits), expected, atol=0.012)
    assert torch.allclose(logprobs.exp(), expected[actions], atol=1e-6)


def test_network_inputs_are_the_consoles_screens_and_games_end_as_documented() -> None:
    envs = trainer.make_envs("breakout", 1, 1)
    observation, info = envs.reset(seed=11)
    console = ALEInterface()
    console.setFloat("repeat_action_probability", 0.0)
    console.loadROM(str(roms.get_rom_path("breakout")))
    console.reset_game()
    for _ in range(int(info["episode_frame_number"][0])):
        console.act(Action.NOOP)
    stack = [np.zeros((84, 84), np.uint8)] * 3 + [small(console.getScreenGrayscale())]
    actions, generator, over, games_return = console.getMinimalActionSet(), np.random.default_rng(0), False, 0.0
    while not over:
        assert np.array_equal(observation[0], np.stack(stack))
        choice = int(generator.integers(len(actions)))
        observation, reward, terminated, _, info = envs.step(np.array([choice]))
        screens, made = [], 0
        for _ in range(4):
            made += console.act(actions[choice])
            screens.append(console.getScreenGrayscale())
        stack = [*stack[1:], small(np.maximum(*screens[2:]))]
        over = console.game_over()
        games_return += made
        assert (made, over) == (reward[0], terminated[0])
    assert games_return > 0
    assert info["lives"][0] == 5
    assert not observation[0, :3].any()
    assert observation[0, 3].any()


def small(screen: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """A grey screen as the network sees it."""
    return np.asarray(cv2.resize(screen, (84, 84), interpolation=cv2.INTER_AREA))


def test_no_ops_are_0_to_29_and_decided_by_the_seed() -> None:
    envs = trainer.make_envs("pong", 1, 1)
    drawn = [no_ops(envs, seed) for seed in range(12)]
    assert set(drawn) <= set(range(trainer.NOOP_MAX))
    assert len(set(drawn)) > 4
    assert drawn[2::-1] == [no_ops(envs, seed) for seed in (2, 1, 0)]


def no_ops(envs: ale_py.AtariVectorEnv, seed: int) -> int:
    """Frames played before the first observation."""
    return int(envs.reset(seed=seed)[1]["episode_frame_number"][0])


def test_a_run_keeps_its_first_and_last_weights_and_its_curve(folder: Path) -> None:
    assert [int(path.stem) for path in trainer.checkpoint_files(folder, None)] == [0, 1024]
    first, last = (load_file(path) for path in trainer.checkpoint_files(folder, None))
    assert first["policy.weight"].shape == (6, 16)
    assert first["fc.weight"].shape == (16, 2592)
    assert all(tensor.dtype == torch.float32 for tensor in last.values())
    assert not torch.equal(first["conv1.weight"], last["conv1.weight"])
    assert [row[0] for row in bundler.read_curve(folder)] == list(range(PER_ROLLOUT, 1025, PER_ROLLOUT))
    assert list((folder / "tensorboard").iterdir())


def test_a_killed_run_resumes_from_its_last_save(training: tuple[Path, "subprocess.Popen[bytes]"]) -> None:
    path, process = training
    process.kill()
    process.wait()
    saved, last = frames_saved(path), 50_000 + 6 * PER_ROLLOUT
    assert 50_000 <= saved < 50_000 + PER_ROLLOUT
    lost = [int(line.split(",")[0]) for line in (path / "curve.csv").read_text().splitlines()]
    assert lost[-1] > saved
    assert run("train", "pong", "--out", path, "--frames", last, "--threads", 1) == 0
    assert last <= frames_saved(path) < last + PER_ROLLOUT
    kept = [int(file.stem) for file in trainer.checkpoint_files(path, None)]
    assert kept == [0, 1024, saved, frames_saved(path)]
    frames = [row[0] for row in bundler.read_curve(path)]
    assert np.diff(frames).tolist() == [PER_ROLLOUT] * (len(frames) - 1)
    assert json.loads((path / "settings.json").read_text())["hidden"] == 16


def test_a_stopped_run_saves_before_it_ends(training: tuple[Path, "subprocess.Popen[bytes]"]) -> None:
    path, process = training
    process.terminate()
    assert process.wait(30) == 130
    last = int((path / "curve.csv").read_text().splitlines()[-1].split(",")[0])
    assert frames_saved(path) == last > 50_000 + PER_ROLLOUT


def test_every_game_that_began_counts_and_is_cut_off_at_the_cap(folder: Path) -> None:
    found = trainer.read_evaluations(folder)
    assert [entry["frames"] for entry in found] == [0, 1024]
    for entry in found:
        assert entry["lengths"] == [50, 50]
        assert entry["truncated"] == 2
        assert entry["mean_return"] == np.mean(entry["returns"])
        assert entry["interval"][0] <= entry["mean_return"] <= entry["interval"][1]


def test_games_are_the_same_however_many_are_played_at_once() -> None:
    net = trainer.ActorCritic("nips", 6, 16)
    played = []
    for count in (1, 3):
        envs = [trainer.make_envs("pong", 1, 1, 160 + 40 * i) for i in range(count)]
        played.append(sorted(trainer.play(net, envs, 5, 1), key=lambda game: int(game.number)))
    assert [game.number for game in played[0]] == [game.number for game in played[1]] == list(range(5))
    assert all(alone.cut and alone.length == 40 for alone in played[0])
    assert len({game.length for game in played[1]}) > 1


def test_what_is_measured_is_not_played_again_unless_asked_differently(folder: Path, tmp_path: Path) -> None:
    path = copy(folder, tmp_path / "pong")
    before = (path / "evaluation.json").read_bytes()
    assert evaluate(path) == 0
    assert (path / "evaluation.json").read_bytes() == before
    assert evaluate(path, "--games", 3, "--checkpoint", 1) == 0
    assert [entry["games"] for entry in trainer.read_evaluations(path)] == [2, 3]
    trainer.checkpoint_files(path, [1])[0].write_bytes(trainer.checkpoint_files(path, [0])[0].read_bytes())
    assert evaluate(path, "--games", 3, "--checkpoint", 1) == 0
    again = trainer.read_evaluations(path)
    assert again[0]["sha256"] == again[1]["sha256"]
    assert again[0]["returns"] == again[1]["returns"][:2]


def test_the_interval_is_that_of_the_mean() -> None:
    returns = np.random.default_rng(1).normal(10.0, 4.0, 400)
    low, high = trainer.interval(returns)
    assert high - low == pytest.approx(2 * 1.96 * returns.std() / 20, rel=0.05)
    assert low < returns.mean() < high
    assert trainer.interval([2.0, 2.0]) == [2.0, 2.0]


def test_a_bundle_holds_float16_weights_and_tells_all_about_them(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "tiny"
    assert run("bundle", folder, "--out", out) == 0
    told = tomllib.loads((out / "agent.toml").read_text())
    gymnasium.register_envs(ale_py)
    env = gymnasium.make("ALE/Pong-v5")
    assert told["agent"]["actions"] == env.unwrapped.get_action_meanings()  # type: ignore[attr-defined]
    env.close()
    assert told["agent"] | {"actions": None} == {
        "name": "tiny", "environment": "ALE/Pong-v5", "algorithm": "ppo", "output": "logits", "actions": None
    }  # fmt: skip
    assert told["network"] == {"architecture": "nips", "hidden": 16, "critic": True}
    assert told["preprocessing"]["divisor"] == 255.0
    assert told["preprocessing"]["max_frames"] == 108_000
    assert told["provenance"]["frames"] == 1024
    assert "--hidden 16 --frames 1000" in told["provenance"]["command"]
    for entry, original in zip(told["checkpoint"], trainer.checkpoint_files(folder, None), strict=True):
        data = (out / entry["file"]).read_bytes()
        assert entry["sha256"] == hashlib.sha256(data).hexdigest()
        weights, trained = load_file(out / entry["file"]), load_file(original)
        assert weights.keys() == trained.keys()
        assert all(torch.equal(weights[name], trained[name].half()) for name in trained)
    measured = trainer.read_evaluations(folder)
    assert [(e["mean_return"], e["interval"], e["games"]) for e in told["checkpoint"]] == [
        (e["mean_return"], e["interval"], 2) for e in measured
    ]


def test_the_evaluated_weights_are_those_of_the_bundle(folder: Path, tmp_path: Path) -> None:
    assert run("bundle", folder, "--out", tmp_path / "tiny") == 0
    net = trainer.ActorCritic("nips", 6, 16)
    shipped = load_file(tmp_path / "tiny" / "checkpoints" / "000000001024.safetensors")
    net.load_state_dict({name: tensor.float() for name, tensor in shipped.items()})
    envs = [trainer.make_envs("pong", 1, 1, 200)]
    games = sorted(trainer.play(net, envs, 2, 1), key=lambda game: int(game.number))
    assert [game.total for game in games] == trainer.read_evaluations(folder)[1]["returns"]


def test_the_card_is_made_of_the_runs_numbers_and_again_the_same(folder: Path, tmp_path: Path) -> None:
    path, out = copy(folder, tmp_path / "pong"), tmp_path / "tiny"
    assert run("bundle", path, "--out", out) == 0
    files = {file.name: file.read_bytes() for file in out.rglob("*") if file.is_file()}
    entry = trainer.read_evaluations(path)[1]
    low, high = entry["interval"]
    assert f"| 1,024 | {entry['mean_return']:.1f} | {low:.1f} to {high:.1f} | 2 | 50 |" in files["card.md"].decode()
    assert run("bundle", path, "--out", out, "--marks", 0) == 0
    assert [file.stem for file in (out / "checkpoints").iterdir()] == ["000000000000"]
    (path / "evaluation.json").unlink()
    assert run("bundle", path, "--out", out) == 0
    assert "| 1,024 | not evaluated |" in (out / "card.md").read_text()
    assert "mean_return" not in tomllib.loads((out / "agent.toml").read_text())["checkpoint"][1]
    copy(folder, path)
    assert run("bundle", path, "--out", out) == 0
    assert (out / "card.md").read_bytes() == files["card.md"]


def test_the_curve_is_a_light_picture_with_every_evaluation() -> None:
    curve = [(1000 * i, 0.01 * i) for i in range(1, 5000)]
    marks = [
        {"frames": f, "mean_return": f / 1e5, "interval": [f / 1e5 - 2, f / 1e5 + 3]} for f in (0, 10**6, 5 * 10**6)
    ]
    picture = ElementTree.fromstring(bundler.curve_svg(curve, marks))
    svg = "{http://www.w3.org/2000/svg}"
    line = picture.find(f"{svg}polyline")
    assert line is not None
    points = [tuple(map(float, point.split(","))) for point in line.attrib["points"].split()]
    assert len(points) == 300
    circles = [(float(c.attrib["cx"]), float(c.attrib["cy"])) for c in picture.iter(f"{svg}circle")]
    assert len(circles) == 3
    assert all(0 <= x <= 720 and 0 <= y <= 320 for x, y in [*points, *circles])
    assert circles[0][1] > circles[1][1] > circles[2][1]
    assert circles[2] == pytest.approx(points[-1], abs=1.0)


def test_the_curve_leaves_out_means_of_too_few_games(tmp_path: Path) -> None:
    (tmp_path / "curve.csv").write_text("64,9.0,99,1.0,50\n128,7.0,100,1.0,50\n192,-3.0,2,1.0,50\n256,nan,0,1.0,50\n")
    means = [mean for _, mean, _ in bundler.read_curve(tmp_path)]
    assert means == pytest.approx([float("nan"), 7.0, float("nan"), float("nan")], nan_ok=True)


def test_toml_keeps_every_string_and_number() -> None:
    table = {
        "text": 'a "b" \\ c\n\té 🎮 \x7f',
        "number": 1e-05,
        "whole": 3,
        "yes": True,
        "list": ["a", "b"],
        "pair": [1.5, 2.0],
    }
    assert tomllib.loads(bundler.toml({"one": table, "many": [table, table]})) == {"one": table, "many": [table, table]}


def test_what_cannot_be_done_is_one_line(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "diary").mkdir()
    (tmp_path / "diary" / "monday.txt").write_text("dear diary")
    (tmp_path / "file").write_text("")
    cases = {
        "no game 'brekout'; name one of: breakout": ("train", "brekout", "--out", tmp_path / "new"),
        "with game pong, not breakout": ("train", "breakout", "--out", folder),
        "with hidden 16, not 32": ("train", "pong", "--out", folder, "--hidden", 32),
        "holds no run": ("evaluate", tmp_path / "diary"),
        "no checkpoint of 9,000 frames or more": ("evaluate", folder, "--checkpoint", 9000),
        "plays breakout, the run pong": ("bundle", folder, "--out", tmp_path / "b", "--environment", "ALE/Breakout-v5"),
        "no environment 'ALE/Png-v5'": ("bundle", folder, "--out", tmp_path / "b", "--environment", "ALE/Png-v5"),
        "is not empty and no agent": ("bundle", folder, "--out", tmp_path / "diary"),
        "Not a directory": ("train", "pong", "--out", tmp_path / "file"),
    }
    for text, words in cases.items():
        assert run(*words) == 1
        message = capsys.readouterr().err
        assert text in message
        assert message.startswith(("train_atari: ", "bundle: "))
        assert message.count("\n") == 1
    assert (tmp_path / "diary" / "monday.txt").read_text() == "dear diary"
    assert not (tmp_path / "new").exists()
