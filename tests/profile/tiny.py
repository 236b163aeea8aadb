"""A classifier that is quickly asked, and videos that it can read."""

import itertools
import pickle
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from inspector.clips.agent import ClipAgent
from inspector.clips.recipe import ClipRecipe
from inspector.records import AgentFacts, Checkpoint
from inspector.sweep import Unit
from inspector.sweep.run import Results, attempted
from tests.clips.making import write

FRAMES = 8
GREY = (0.5, 0.5, 0.5)
_CALLS = itertools.count(1)


def make_network() -> nn.Module:
    """The same weights each time; batch norm with statistics of its own."""
    with torch.random.fork_rng():
        torch.manual_seed(5)
        network = nn.Sequential(
            nn.Conv3d(3, 4, 3, (2, 2, 2), 1, bias=False),
            nn.BatchNorm3d(4),
            nn.ReLU(),
            nn.AdaptiveAvgPool3d(1),
            nn.Flatten(),
            nn.Linear(4, 3),
        )
        network[1].running_var.mul_(0.1)
    return network.eval()


def open_tiny() -> ClipAgent:
    recipe = ClipRecipe(FRAMES, (16, 20), (16, 16), GREY, GREY)
    facts = AgentFacts("tiny", "factory", "one convolution", Checkpoint("tiny", "0" * 64))
    return ClipAgent(make_network(), ("One", "go_left", "Turn round"), recipe, facts)


def open_restless() -> ClipAgent:
    """Other weights each time."""
    agent = open_tiny()
    with torch.no_grad():
        agent.network[5].bias.add_(next(_CALLS))  # type: ignore[index]
    return agent


class Gloomy(nn.Linear):
    """Begins with weights that speak against every class."""

    def reset_parameters(self) -> None:
        super().reset_parameters()
        with torch.no_grad():
            self.weight.abs_().neg_()
            self.bias.zero_()


def open_gloomy() -> ClipAgent:
    """An agent that, untrained as torch begins, has no positive relevance; as torchvision begins, it has."""
    agent, last = open_tiny(), Gloomy(4, 3)
    last.load_state_dict(agent.network[5].state_dict())  # type: ignore[index]
    agent.network[5] = last.eval()  # type: ignore[index]
    return agent


def here(units: Sequence[Unit]) -> Results:
    """An engine of this process, which sends units as one of others would."""
    for unit in units:
        yield unit, attempted(pickle.loads(pickle.dumps(unit)))  # noqa: S301  our own


def write_mask(video: Path, count: int, *, width: int = 64, height: int = 48) -> None:
    """Masks of a square in the upper left."""
    mask = np.zeros((count, height, width), bool)
    mask[:, : height // 2, : width // 2] = True
    np.savez_compressed(video.with_suffix(".mask.npz"), bits=np.packbits(mask), shape=np.array(mask.shape))


def make_folder(folder: Path, *, length: int = 24) -> Path:
    """Two videos of each class, one of each with a mask; one that is too short, one torn, one of no class."""
    for place, name in enumerate(("one", "Go Left", "turn-round")):
        (folder / name).mkdir(parents=True)
        for number in range(2):
            options = {"crf": str(16 + 3 * place + number)}
            write(folder / name / f"{number}.mp4", length + number, size=(64, 48), options=options)
        write_mask(folder / name / "0.mp4", length)
    write(folder / "one" / "short.mp4", 10, size=(64, 48))
    (folder / "one" / "torn.mp4").write_bytes((folder / "one" / "0.mp4").read_bytes()[:900])
    (folder / "swim").mkdir()
    (folder / "swim" / "a.mp4").write_bytes(b"never opened")
    (folder / "facts.json").write_text("{}")
    return folder
