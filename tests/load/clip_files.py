"""Agents that watch videos, as files: a bundle of a tiny network, and a module of a user's."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save
from torch import nn

from inspector.clips.networks import VideoResNet

CLASSES = ("left", "right", "up")

HEAD = """
[agent]
kind = "clips"
name = "little"
classes = ["left", "right", "up"]

[network]
architecture = "video_resnet"

[recipe]
frames = 4
resize = [12, 16]
crop = [12, 12]
mean = [0.5, 0.5, 0.5]
std = [0.25, 0.25, 0.5]

[provenance]
seed = 3
"""

MODULE = """
import torch

def make():
    torch.manual_seed(1)
    return torch.nn.Sequential(
        torch.nn.Conv3d(3, 2, 3), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool3d(1), torch.nn.Flatten(),
        torch.nn.Linear(2, 3),
    )

def double():
    return make().double()

def fixed():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 4 * 8 * 8, 2))

def maps():
    return torch.nn.Conv3d(3, 2, 1)

class Pair(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.line = torch.nn.Linear(1, 1)

    def forward(self, clips):
        return clips, clips
"""


def tiny_network(seed: int, classes: int = len(CLASSES)) -> VideoResNet:
    """A network of the bundle's kind, whose batch norm has seen something."""
    torch.manual_seed(seed)
    network = VideoResNet(2, classes)
    network(torch.randn(4, 3, 4, 12, 12))
    return network.eval()


def write_clip_bundle(folder: Path, *networks: nn.Module, text: Mapping[str, str] | None = None) -> Path:
    """Write a bundle with a checkpoint of 0, 100, 200 ... clips for each network.

    Args:
        folder: Made anew.
        networks: Their state dicts are stored.
        text: What to replace in its `agent.toml`.
    """
    (folder / "checkpoints").mkdir(parents=True)
    told = HEAD
    for number, network in enumerate(networks):
        content, clips = save(network.state_dict()), 100 * number
        (folder / "checkpoints" / f"{clips}.safetensors").write_bytes(content)
        told += (
            f'\n[[checkpoint]]\nclips = {clips}\nfile = "checkpoints/{clips}.safetensors"\n'
            f'sha256 = "{hashlib.sha256(content).hexdigest()}"\n'
            f"accuracy = {0.9 - clips / 1000}\ninterval = [0.1, 0.95]\nvideos = 30\n"
        )
    for old, new in (text or {}).items():
        assert old in told
        told = told.replace(old, new)
    (folder / "agent.toml").write_text(told)
    return folder


def write_clip_run(folder: Path, network: nn.Module) -> Path:
    """Write a run of `agents/train_clips.py` with one checkpoint, evaluated."""
    (folder / "checkpoints").mkdir(parents=True)
    content = save(network.state_dict())
    (folder / "checkpoints" / "000000000640.safetensors").write_bytes(content)
    (folder / "settings.json").write_text(json.dumps({"clips": 640, "seed": 1, "width": 2, "batch": 32}))
    view = {"accuracy": 0.5, "interval": [0.4, 0.6], "videos": 80}
    entry = {"clips": 640, "sha256": hashlib.sha256(content).hexdigest(), "views": {"stride 1": view}}
    (folder / "evaluation.json").write_text(json.dumps([entry]))
    return folder
