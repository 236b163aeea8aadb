"""Small agents and the files that hold them, as the tests of loading need them."""

import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor, nn

from inspector.agent import Agent
from inspector.lrp import Explainer

STACK, ACTIONS = 4, 6


def observations(count: int = 100) -> NDArray[np.uint8]:
    """Random pixels (count, 4, 84, 84)."""
    return np.random.default_rng(7).integers(0, 256, (count, STACK, 84, 84), dtype=np.uint8)


def as_inputs(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Pixels divided by 255, as every agent takes them."""
    return pixels.astype(np.float32) / 255.0


def largest_difference(found: NDArray[np.float32], expected: Tensor) -> float:
    """Largest difference, relative to the largest expected value."""
    wanted = expected.detach().numpy().reshape(found.shape)
    return float(np.abs(found - wanted).max() / np.abs(wanted).max())


def largest_gap(agent: Agent, inputs: NDArray[np.float32]) -> float:
    """By how much the ledger of an agent's decisions does not close, relative to the score or the relevance."""
    explanation = Explainer(agent.network, input_bounds=agent.input_bounds)(torch.from_numpy(inputs))
    size = torch.maximum(explanation.score.abs(), explanation.values.abs().flatten(1).sum(1))
    return float(((sum(explanation.ledger.values()) - explanation.score).abs() / size).max())


def nature_trunk(hidden: int = 32, widths: tuple[int, int, int] = (4, 6, 8)) -> nn.Sequential:
    """The trunk of `nature` with few channels, in the layout of CleanRL: layers 0, 2, 4 and 7."""
    one, two, three = widths
    return nn.Sequential(
        nn.Conv2d(STACK, one, 8, stride=4),
        nn.ReLU(),
        nn.Conv2d(one, two, 4, stride=2),
        nn.ReLU(),
        nn.Conv2d(two, three, 3, stride=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(three * 49, hidden),
        nn.ReLU(),
    )


class OwnLayout(nn.Module):
    """An actor-critic with our own layer names: `nature`, or `nips` without the third convolution."""

    def __init__(self, architecture: str = "nature", hidden: int = 16, actions: int = ACTIONS):
        """Random weights."""
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(STACK, 4, 8, 4), nn.Conv2d(4, 6, 4, 2)
        self.conv3 = nn.Conv2d(6, 8, 3, 1) if architecture == "nature" else None
        self.fc = nn.Linear(8 * 49 if architecture == "nature" else 6 * 81, hidden)
        self.policy, self.value = nn.Linear(hidden, actions), nn.Linear(hidden, 1)

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and values."""
        features = torch.relu(self.conv2(torch.relu(self.conv1(inputs))))
        if self.conv3 is not None:
            features = torch.relu(self.conv3(features))
        features = torch.relu(self.fc(features.flatten(1)))
        return self.policy(features), self.value(features)


def write_bundle(folder: Path, network: nn.Module, *, text: Mapping[str, str] | None = None) -> Path:
    """Write a bundle of two checkpoints, 0 and 400 frames; `text` replaces parts of its agent.toml."""
    (folder / "checkpoints").mkdir(parents=True)
    tables = []
    for frames, mean in ((0, 1.5), (400, 0.5)):
        path = folder / "checkpoints" / f"{frames}.safetensors"
        save_file({name: tensor.half() for name, tensor in network.state_dict().items()}, path)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        tables.append(
            f'[[checkpoint]]\nframes = {frames}\nfile = "checkpoints/{frames}.safetensors"\nsha256 = "{digest}"\n'
            f"mean_return = {mean}\ngames = 3\ninterval = [{mean - 0.5}, {mean + 0.5}]\n"
        )
    manifest = (
        '[agent]\nname = "little"\nenvironment = "ALE/Breakout-v5"\nalgorithm = "ppo"\noutput = "logits"\n'
        'actions = ["NOOP", "FIRE", "RIGHT", "LEFT", "UP", "DOWN"]\n'
        '[network]\narchitecture = "nature"\nhidden = 16\ncritic = true\n'
        '[preprocessing]\nframe_skip = 4\ngrey = "ale"\nsticky = 0.25\n'
        '[provenance]\ntrainer = "a test"\nseed = 3\n' + "".join(tables)
    )
    for old, new in (text or {}).items():
        assert old in manifest
        manifest = manifest.replace(old, new)
    (folder / "agent.toml").write_text(manifest)
    return folder


def torch_archive(
    pickle: bytes, records: Mapping[str, bytes] | None = None, compression: int = zipfile.ZIP_STORED
) -> bytes:
    """A file as torch.save writes it, around a pickle of one's own."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", compression) as archive:
        archive.writestr("archive/data.pkl", pickle)
        archive.writestr("archive/version", b"3\n")
        for name, content in (records or {}).items():
            archive.writestr(f"archive/data/{name}", content)
    return packed.getvalue()


def saved(value: object) -> bytes:
    """What torch.save writes."""
    packed = io.BytesIO()
    torch.save(value, packed)
    return packed.getvalue()
