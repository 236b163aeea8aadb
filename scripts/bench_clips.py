"""Measure what a window of a video costs, explained, recognised and recorded, against forward + gradient.

(b) = one forward pass of the network on the clip and `autograd.grad` of the best score with respect to it. Every round
takes all methods once, in a new random order, and divides by (b) of this round. Windows are compared by the CPU time of
the process, on one thread; whole recordings by wall time a window, since drawing and encoding run beside the network.
"""

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from inspector.clips.agent import ClipAgent
from inspector.clips.windows import Windows
from inspector.load.clip_opening import load_clip_agent
from inspector.viewing.interpreter import ClipInterpreter
from inspector.viewing.session import record_videos
from tests import torchvision_stub  # noqa: F401 - before torchvision
from tests.clips.making import write

FRAMES = 64
"""Of the video that is recorded: seven windows of 16."""

Call = Callable[[], object]


def random_r3d(folder: Path) -> ClipAgent:
    """The r3d_18 of torchvision, with weights and statistics at random, by a file."""
    from torchvision.models.video import r3d_18

    torch.manual_seed(0)
    network = r3d_18()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm3d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    torch.save(network.state_dict(), folder / "r3d_18.pth")
    return load_clip_agent("torchvision:r3d_18", weights=folder / "r3d_18.pth")


def forward_and_gradient(agent: ClipAgent, clip: NDArray[np.uint8]) -> Call:
    """(b), parameters frozen."""
    agent.network.requires_grad_(False)
    inputs = torch.from_numpy(agent.recipe.normalise(clip))

    def call() -> object:
        values = inputs.clone().requires_grad_()
        return torch.autograd.grad(agent.network(values).max(1).values.sum(), values)

    return call


def timed(call: Call, clock: Callable[[], float]) -> float:
    """Seconds of one call."""
    start = clock()
    call()
    return clock() - start


def measure(agent: ClipAgent, folder: Path, rounds: int) -> dict[str, dict[str, float]]:
    """Every method in every round; medians and quartiles of the ratios."""
    rng = np.random.default_rng(0)
    clip = rng.integers(0, 256, (1, agent.recipe.frames, *agent.recipe.crop, 3), np.uint8)
    film = write(folder / "film.mp4", FRAMES, size=(320, 240))
    windows = len(list(Windows(agent.recipe.frames).starts(FRAMES)))
    interpreter = ClipInterpreter(agent)
    recorded = partial(record_videos, agent, [film], output=folder / "recording", overwrite=True)
    base = forward_and_gradient(agent, clip)
    by_cpu: dict[str, Call] = {
        "(b)": base,
        "(b) once more: noise": forward_and_gradient(agent, clip),
        "explained": lambda: interpreter.explain(clip),
        "recognised, then explained": lambda: (agent.scores(clip), interpreter.explain(clip)),
    }
    by_wall: dict[str, Call] = {
        "(b)": base,
        "recorded, a class named": lambda: recorded(target="0"),
        "recorded, the video's class": lambda: recorded(target="score"),
    }
    ratios: dict[str, list[float]] = {}
    for calls, clock, per in ((by_cpu, time.process_time, 1), (by_wall, time.perf_counter, windows)):
        for call in calls.values():
            call()
        order = random.Random(3)
        for _ in range(rounds):
            seconds = {name: timed(calls[name], clock) for name in order.sample(list(calls), len(calls))}
            for name in calls.keys() - {"(b)"}:
                ratios.setdefault(name, []).append(seconds[name] / seconds["(b)"] / per)
    return {name: spread(ratios[name]) for name in (*by_cpu, *by_wall) if name != "(b)"}


def spread(values: list[float]) -> dict[str, float]:
    """Median and quartiles."""
    low, middle, high = statistics.quantiles(values, n=4)
    return {"median": middle, "low": low, "high": high}


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Every network that was asked for."""
    torch.set_num_threads(1)
    found = {}
    with tempfile.TemporaryDirectory() as place:
        for name in arguments.agents:
            folder = Path(place) / name
            folder.mkdir(parents=True)
            agent = random_r3d(folder) if name == "r3d_18" else load_clip_agent(name)
            found[name] = measure(agent, folder, arguments.rounds)
            print(f"{name}: measured", file=sys.stderr)
    return found
