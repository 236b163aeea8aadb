"""The bench: its figures, its verdicts, its competitors, and the networks that it compares them on."""

import importlib.util
import json
import socket
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn

from inspector.live.flow import question
from tests.lrp import reference_networks
from tests.lrp.networks import screens

SCRIPTS = Path(__file__).parents[1] / "scripts"


def load(name: str) -> ModuleType:
    """The bench is a script outside the package, so it is imported by its path."""
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


ways = load("bench_methods")
bench = load("bench_engine")
terminal = load("bench_terminal")


def command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, SCRIPTS / "bench.py", *words], capture_output=True, text=True, timeout=120)


def test_the_engine_is_measured_against_forward_and_gradient() -> None:
    done = command("engine", "--only", "nature/1/epsilon_plus", "--only", "nature/preparing", "--rounds", "2", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    rows = {row["method"]: row for row in result["rows"]}
    assert list(rows) == ["preparing", ways.BASELINE, "epsilon_plus"]
    assert rows[ways.BASELINE]["cpu"]["halves"] == [1.0, 1.0]
    assert 0.2 < rows["epsilon_plus"]["cpu"]["median"] < 10
    assert (rows["epsilon_plus"]["must"], rows["epsilon_plus"]["aim"]) == (0.9, 0.75)
    assert 0 < rows["preparing"]["cpu"]["median"] < 10_000
    assert result["machine"]["threads"] == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--only", "atari/8"), "no row is named atari/8; try --only nature/8"),
        (("--rounds", "3"), "3 rounds have no two halves: give an even number, at least 2"),
    ],
)
def test_a_wrong_word_is_refused_in_one_line(words: tuple[str, str], message: str) -> None:
    done = command("engine", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1].endswith(message)


def test_the_help_shows_examples() -> None:
    done = command("engine", "--help")
    assert "scripts/bench engine --only nature/8" in done.stdout


@pytest.mark.parametrize(
    ("goal", "ratio", "faster", "expected"),
    [
        (ways.Goal(), 9.0, 0.0, None),
        (ways.Goal(1.0, 0.8), 0.8, float("nan"), "aim"),
        (ways.Goal(1.0, 0.8), 0.81, float("nan"), "must"),
        (ways.Goal(1.0, 0.8), 1.01, float("nan"), "missed"),
        (ways.Goal(1.0, 0.8, faster=3.0), 0.5, 3.0, "aim"),
        (ways.Goal(1.0, 0.8, faster=3.0), 0.5, 2.9, "missed"),
        (ways.Goal(1.0, 0.8, faster=3.0), 0.5, float("nan"), "missed"),
        (ways.Goal(50.0), 50.0, 0.0, "must"),
        (ways.Goal(aim=0.75), 0.8, 0.0, "missed"),
    ],
)
def test_a_goal_is_met_missed_or_not_there(goal: object, ratio: float, faster: float, expected: str | None) -> None:
    assert bench.verdict(goal, ratio, faster) == expected


def measured(methods: list[object], rounds: int) -> list[dict[str, object]]:
    case = ways.Case("some/1", 1, rounds, 1, lambda: iter(methods))
    timings = bench.measure(case, methods, rounds, "cpu", lambda: None)
    rows = [bench.row_of(case, method, timings, rounds, "cpu") for method in methods]
    bench.add_verdicts(rows, methods, "cpu")
    return rows


def test_a_slow_method_takes_part_in_fewer_rounds_of_both_halves_and_a_failing_one_says_why() -> None:
    def work(size: int) -> Tensor:
        return torch.ones(size, size) @ torch.ones(size, size)

    def failing() -> object:
        raise TypeError("no rule for Conv3d")

    methods = [
        ways.Method(ways.BASELINE, lambda: partial(work, 60)),
        ways.Method("slow", lambda: partial(work, 600), every=3, goal=ways.Goal(faster=2.0), rival="captum LRP"),
        ways.Method("captum LRP", failing),
    ]
    baseline, slow, captum = measured(methods, rounds=10)
    assert (baseline["rounds"], slow["rounds"]) == (10, 4)
    assert slow["cpu"]["median"] > 2
    assert slow["met"] == "missed"  # no rival to be faster than
    assert captum["failure"] == "TypeError: no rule for Conv3d"


def test_the_best_batch_size_is_found_for_each_method_of_each_network() -> None:
    rows = [
        {"case": case, "method": method, "decisions_per_second": speed}
        for case, method, speed in [
            *(("nature/32", "ours", 5.0), ("nature/64", "ours", 9.0), ("nature/128", "ours", 7.0)),
            *(("nature/32", "zennit", 2.0), ("impala/32", "ours", 3.0)),
        ]
    ]
    best = bench.best_rows([*rows, {"case": "impala/64", "method": "ours", "failure": "OutOfMemoryError"}])
    assert [row["decisions_per_second"] for row in best] == [9.0, 2.0, 3.0]


def test_perturbation_blames_the_blurred_spot_and_nothing_else() -> None:
    corner = nn.Sequential(nn.Flatten(2), nn.Linear(84 * 84, 1, bias=False), nn.Flatten(1)).requires_grad_(False)
    weight = torch.zeros(84, 84)
    weight[:8, :8] = 1
    corner[1].weight.copy_(weight.reshape(1, -1))
    assert ways.Perturbation(corner, torch.ones(1, 1, 84, 84))().max() < 1e-6
    relevance = ways.Perturbation(corner, weight.expand(1, 1, 84, 84))().reshape(17, 17)
    assert relevance.argmax() in (0, 1, 17, 18)
    assert relevance[6:, 6:].max() < 1e-6 * relevance.max()


@pytest.mark.parametrize(
    ("network", "inputs", "composite", "merging"),
    [
        (
            reference_networks.impala(size=21, critic=False),
            screens(2, size=84)[..., :21, :21],
            "epsilon_gamma_box",
            0.0,
        ),
        (reference_networks.r3d_18(biased=False), reference_networks.clips(1, 4, 32), "epsilon_plus", 1e-4),
    ],
    ids=["impala", "r3d_18"],
)
def test_zennit_is_right_about_sums_on_the_networks_of_the_bench(
    network: nn.Module, inputs: Tensor, composite: str, merging: float
) -> None:
    network, inputs = network.double(), inputs.double()
    for module in network.modules():
        if isinstance(getattr(module, "bias", None), nn.Parameter):
            module.bias.zero_()
    scores, names = network(inputs), list(network.state_dict())
    theirs = reference_networks.ByZennit(ways.ZENNIT[composite], network)
    # zennit leaves batch norm's eps where it merges
    assert (theirs.network(inputs) - scores).abs().max() <= merging * scores.abs().max()
    assert torch.allclose(theirs(inputs).flatten(1).sum(1), scores.amax(1), rtol=1e-3)
    assert list(network.state_dict()) == names
    assert torch.equal(network(inputs), scores)


def test_a_track_is_measured_against_the_engine() -> None:
    done = command("track", "pong", "--states", "12", "--rounds", "2", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["states"] == 12
    assert 0 < result["track_to_engine"] < 2


def test_a_live_frame_is_counted_and_watching_is_measured_against_playing_the_same_games() -> None:
    words = ("--only", "drawing", "--only", "ratio", "--decisions", "3", "--rounds", "2", "--json")
    done = command("live", "pong", *words)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert len(result["drawing"]) == 12
    for row in result["drawing"]:
        assert 0 < row["typical"]["bytes"] <= row["full"]["bytes"] + 1000
        assert row["full"]["ms"] > 0
    (ratio,) = result["ratio"]
    assert ratio["same_games"]
    assert ratio["ratio"] > ratio["ratio_without_drawing"] > 1


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_the_number_in_the_title_is_seen_when_its_frame_is_complete_however_the_bytes_are_cut(size: int) -> None:
    arrivals, asked = terminal.Arrivals(), question(3)
    frames = [
        b"\x1b[?2026h\x1b[0m\x1b[1;1H\x1b[1;37m #000007\x1b[0m  agent\x1b[2;1H#999999\x1b[0m\x1b[?2026l" + asked,
        b"\x1b[?2026h\x1b[0m\x1b[5;3Hxyz\x1b[1;7H\x1b[1m10\x1b[0m\x1b[?2026l" + asked,  # two digits are others
        b"\x1b[?2026h\x1b[0m\x1b[5;3Habc\x1b[0m\x1b[?2026l" + asked,
        b"\x1b[?2026h\x1b[0m\x1b[1;8H1",  # cut off
    ]
    for now, frame in enumerate(frames):
        for start in range(0, len(frame), size):
            arrivals.feed(frame[start : start + size], float(now))
    assert arrivals.seen == [(7, 0.0), (10, 1.0)]
    assert arrivals.frames == [0.0, 1.0, 2.0]


@pytest.mark.parametrize("buffer", [0, 256_000])
def test_a_slow_line_keeps_to_its_speed_and_answers_what_has_passed(buffer: int) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        line = terminal.Line(ours.fileno(), 50_000, buffer)
        theirs.sendall(9_990 * b"x" + question(7) + 4_990 * b"y" + question(16))
        begun = time.monotonic()
        assert line.run(5, lambda: len(line.carried) >= 10_000)
        assert time.monotonic() - begun > 0.14  # 10 kB less what it carries at once
        line.run(0.02)
        assert theirs.recv(100) == b"\x1b[2;8R"
        assert line.run(5, lambda: len(line.carried) == 15_000)
        assert theirs.recv(100) == b"\x1b[3;1R"
