"""A training run of a tiny video classifier, and videos of something that moves."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from inspector.clip_track.series import ClipMember, ClipSeries
from inspector.clips.agent import ClipAgent
from inspector.clips.recipe import ClipRecipe
from inspector.records import AgentFacts, ClipCheckpoint
from inspector.sweep import Unit
from inspector.sweep.run import Results, attempted

CLASSES = ("right", "left", "still")
GREY = (0.5, 0.5, 0.5)
RECIPE = ClipRecipe(8, (12, 16), (12, 12), GREY, GREY)
HEIGHT, WIDTH = 24, 32
SQUARE = 6


def make_network(seed: int) -> nn.Module:
    """Other weights for each seed; batch norm with statistics of its own."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = nn.Sequential(
            nn.Conv3d(3, 4, 3, (1, 2, 2), 1, bias=False),
            nn.BatchNorm3d(4),
            nn.ReLU(),
            nn.AdaptiveAvgPool3d(1),
            nn.Flatten(),
            nn.Linear(4, len(CLASSES)),
        )
        network[1].running_var.mul_(0.1)
    return network.eval()


@dataclass(frozen=True, slots=True)
class TinyMember(ClipMember):
    """A checkpoint whose seed is the number of clips it was trained on."""

    def load(self, device: str = "cpu") -> ClipAgent:
        return ClipAgent(make_network(self.frames).to(device), CLASSES, RECIPE, facts_of(self.checkpoint))


def facts_of(checkpoint: ClipCheckpoint) -> AgentFacts:
    return AgentFacts("tiny", "run", "one convolution", checkpoint, assumed=("all of it",))


def make_series(trained: Sequence[int] = (0, 1000, 4000), name: str = "tiny") -> ClipSeries:
    """A training run with checkpoints of so many clips."""
    checkpoints = [ClipCheckpoint(f"{name}/{clips}", f"{name}{clips}", clips) for clips in trained]
    members = tuple(TinyMember(name, one.frames or 0, one, digest=one.sha256) for one in checkpoints)
    return ClipSeries(name, members, (), facts_of(checkpoints[-1]), RECIPE, CLASSES)


def square_at(number: int, step: int) -> tuple[slice, slice]:
    """Where the square of a frame is: rows and columns."""
    left = (2 + step * number) % (WIDTH - SQUARE)
    return slice(8, 8 + SQUARE), slice(left, left + SQUARE)


def frames_of(count: int, step: int, shade: int = 0) -> NDArray[np.uint8]:
    """A light square on a dark ground that goes some pixels a frame."""
    frames = np.full((count, HEIGHT, WIDTH, 3), 40 + shade, np.uint8)
    for number, frame in enumerate(frames):
        frame[square_at(number, step)] = 230
    return frames


def write_video(path: Path, count: int = 20, step: int = 2, shade: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as film:
        stream = film.add_stream("libx264", rate=25, options={"crf": "4"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for frame in frames_of(count, step, shade):
            film.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        film.mux(stream.encode())
    return path


def write_mask(video: Path, count: int = 20, step: int = 2) -> None:
    mask = np.zeros((count, HEIGHT, WIDTH), bool)
    for number, frame in enumerate(mask):
        frame[square_at(number, step)] = True
    np.savez_compressed(video.with_suffix(".mask.npz"), bits=np.packbits(mask), shape=np.array(mask.shape))


def make_folder(folder: Path, each: int = 2, names: Sequence[str] = CLASSES) -> Path:
    """Some videos of each class, with masks."""
    for place, (name, step) in enumerate(zip(names, (2, -2, 0), strict=True)):
        for number in range(each):
            video = write_video(folder / name / f"{number}.mp4", step=step, shade=10 * number + 3 * place)
            write_mask(video, step=step)
    return folder


def here(units: Sequence[Unit]) -> Results:
    """An engine of this process."""
    for unit in units:
        yield unit, attempted(unit)
