"""Train a video classifier on motion digits, as a series of checkpoints.

One file, top to bottom, in the manner of `train_atari.py`. It needs torch, numpy, safetensors, rich and, for its data,
`motion_digits.py` beside it (OpenCV, scikit-learn, PyAV), nothing of the inspector.

    python agents/train_clips.py train --out runs/motion-digits           # resumes by itself after a kill
    python agents/train_clips.py evaluate runs/motion-digits              # every checkpoint on held-out videos
    python agents/train_clips.py generate videos/motion-digits            # test videos as MP4, a folder a class

The network is a small residual one of 3-D convolutions, with torchvision's names (`stem`, `layer1` ..., `fc`); it sees
16 frames of 64x64 in RGB. A clip of training starts at a random frame of a video of 64, at stride 1. Batch number n is
decided by the seed and n alone, so a run that was stopped goes on as if it had not been; the same seed, threads and
machine gave the same bytes again in a trial of 2,000 clips. Videos that `generate` writes are the first ones that
`evaluate` shows, if split and seed are the same. All in float32: bf16 autocast of 3-D convolutions turned to NaN in a
trial.

A run of 64,000 clips, the default, takes 17 minutes with --threads 1, two side by side on two cores; its evaluation
7. Seeds 1 and 2 leave chance after 4,000 to 6,000 clips. At a learning rate of 3e-3 two of three seeds did so, and one
had not after 26,000.

Source: Tran et al. 2018, arXiv:1711.11248 (3-D residual networks); He et al. 2016, arXiv:1512.03385.
"""

import argparse
import hashlib
import json
import math
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import motion_digits as digits
import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from safetensors.torch import load_file, save
from torch import nn

FRAMES = 16
STRIDES = (1, 2, 3, 4)
MEAN, DEVIATION = 0.45, 0.25


class TrainerError(Exception):
    """What cannot be done; one line: what was found, and what to do."""


def write(path: Path, data: bytes | str) -> None:
    """Write a file by a temporary name, so that a kill leaves the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_bytes(data.encode() if isinstance(data, str) else data)
    os.replace(temporary, path)


# --- the network ------------------------------------------------------------------------------------------------------


def conv(inputs: int, outputs: int, stride: tuple[int, int, int]) -> list[nn.Module]:
    """A 3x3x3 convolution without bias, and its batch norm."""
    return [nn.Conv3d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm3d(outputs)]


class BasicBlock(nn.Module):
    """Two convolutions and a shortcut: the identity, or a 1x1x1 convolution where the shape changes."""

    def __init__(self, inputs: int, outputs: int, stride: tuple[int, int, int]):
        super().__init__()
        self.conv1 = nn.Sequential(*conv(inputs, outputs, stride), nn.ReLU())
        self.conv2 = nn.Sequential(*conv(outputs, outputs, (1, 1, 1)))
        self.relu = nn.ReLU()
        self.downsample: nn.Module = nn.Identity()
        if inputs != outputs or stride != (1, 1, 1):
            shortcut = nn.Conv3d(inputs, outputs, 1, stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm3d(outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Features (batch, channels, frames, height, width)."""
        out: torch.Tensor = self.relu(self.conv2(self.conv1(x)) + self.downsample(x))
        return out


class VideoResNet(nn.Module):
    """A stem, three basic blocks, the mean over time and space, and a linear head."""

    def __init__(self, width: int, class_count: int):
        super().__init__()
        first = nn.Conv3d(3, width, (3, 5, 5), (1, 2, 2), (1, 2, 2), bias=False)
        self.stem = nn.Sequential(first, nn.BatchNorm3d(width), nn.ReLU())
        self.layer1 = nn.Sequential(BasicBlock(width, width, (1, 2, 2)))
        self.layer2 = nn.Sequential(BasicBlock(width, 2 * width, (2, 2, 2)))
        self.layer3 = nn.Sequential(BasicBlock(2 * width, 4 * width, (2, 2, 2)))
        self.avgpool = nn.AdaptiveAvgPool3d(1)
        self.fc = nn.Linear(4 * width, class_count)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scores (batch, classes) of clips (batch, 3, frames, height, width) as `prepare` makes them."""
        x = self.layer3(self.layer2(self.layer1(self.stem(x))))
        scores: torch.Tensor = self.fc(self.avgpool(x).flatten(1))
        return scores


def prepare(clips: NDArray[np.uint8], device: torch.device) -> torch.Tensor:
    """Network inputs (batch, 3, frames, height, width) of clips (batch, frames, height, width, 3)."""
    return (torch.from_numpy(clips).to(device).permute(0, 4, 1, 2, 3).float() / 255 - MEAN) / DEVIATION


def make_network(settings: "Settings", device: torch.device) -> VideoResNet:
    """A network with fresh weights; channels last, which is twice as fast on processors."""
    net = VideoResNet(settings.width, len(digits.CLASSES)).to(device)
    return net.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload, no-any-return]  # torch's stubs lack it


# --- training ---------------------------------------------------------------------------------------------------------


def setting(default: Any, text: str) -> Any:
    """A setting with its help."""
    return field(default=default, metadata={"help": text})


@dataclass
class Settings:
    """Everything that decides how a run goes; saved as `settings.json` in its folder."""

    clips: int = setting(64_000, "clips to train on")
    seed: int = setting(1, "of weights and data")
    width: int = setting(12, "channels of the first convolution")
    batch: int = setting(32, "clips a gradient step sees")
    learning_rate: float = setting(1e-3, "of AdamW after 50 steps; falls to 0 at --clips as a cosine does")
    weight_decay: float = setting(0.01, "of AdamW")

    @property
    def command(self) -> str:
        """The command line that trains such a run, but for its folder."""
        given = [f for f in fields(self) if getattr(self, f.name) != f.default or f.name in {"clips", "seed"}]
        flags = [f"--{f.name.replace('_', '-')} {getattr(self, f.name)}" for f in given]
        return " ".join(["python agents/train_clips.py train", *flags])


def read_settings(folder: Path) -> Settings:
    """Settings of the run in a folder."""
    if not (folder / "settings.json").exists():
        raise TrainerError(f"{folder} holds no run: it has no settings.json; give the folder that `train` wrote")
    return Settings(**json.loads((folder / "settings.json").read_text()))


def schedule(last: int) -> list[int]:
    """Clips at which a checkpoint is kept: 0, 500, 1k, 2k, 4k ... and the last."""
    marks, mark = [0], 500
    while mark < last:
        marks.append(mark)
        mark *= 2
    return [*marks, last]


def training_batch(seed: int, number: int, size: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Batch `number` of a run, each clip of a video of its own: (size, frames, height, width, 3), and their classes."""
    rng = np.random.default_rng((seed, number))
    kinds = rng.integers(len(digits.CLASSES), size=size)
    clips = []
    for kind in kinds:
        scene = digits.draw_scene(digits.CLASSES[kind], rng=rng)
        first = rng.integers(digits.LENGTH - FRAMES + 1)
        clips.append(digits.clip(scene, np.arange(first, first + FRAMES)))
    return np.stack(clips), kinds


def batches(settings: Settings, first: int, threads: int) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.int64]]]:
    """Training batches from number `first` on, made ahead by threads, in order."""
    coming: deque[Future[tuple[NDArray[np.uint8], NDArray[np.int64]]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            while True:
                while len(coming) < 2 * threads + 2:
                    coming.append(pool.submit(training_batch, settings.seed, first, settings.batch))
                    first += 1
                yield coming.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


class Run:
    """A run's folder: checkpoints by clips, and one file from which training resumes."""

    def __init__(self, folder: Path, settings: Settings, device: torch.device):
        self.folder, self.settings, self.device = folder, settings, device
        (folder / "checkpoints").mkdir(parents=True, exist_ok=True)
        write(folder / "settings.json", json.dumps(asdict(settings), indent=2) + "\n")
        torch.manual_seed(settings.seed)
        self.net = make_network(settings, device)
        self.optimizer = torch.optim.AdamW(
            self.net.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
        )
        self.clips = 0
        self.resume()

    def resume(self) -> None:
        """Continue from `resume.pt` if it is there: weights, optimiser, clips."""
        path = self.folder / "resume.pt"
        if path.exists():
            saved = torch.load(path, map_location=self.device, weights_only=True)
            self.net.load_state_dict(saved["net"])
            self.optimizer.load_state_dict(saved["optimizer"])
            self.clips = saved["clips"]

    def save(self) -> None:
        """Write `resume.pt` by a temporary name, so that a kill leaves the old one or the new one."""
        state = {"net": self.net.state_dict(), "optimizer": self.optimizer.state_dict(), "clips": self.clips}
        torch.save(state, self.folder / "resume.tmp")
        os.replace(self.folder / "resume.tmp", self.folder / "resume.pt")

    def checkpoint(self) -> None:
        """Keep today's weights under the number of clips trained on."""
        weights = {name: tensor.detach().cpu().contiguous() for name, tensor in self.net.state_dict().items()}
        write(self.folder / "checkpoints" / f"{self.clips:012d}.safetensors", save(weights))

    def learning_rate(self) -> float:
        """Of the next step: up over the first 50, then down as a cosine does."""
        s = self.settings
        warm = min(1.0, (self.clips / s.batch + 1) / 50)
        return s.learning_rate * warm * (1 + math.cos(math.pi * min(1.0, self.clips / s.clips))) / 2

    def learn(self, clips: NDArray[np.uint8], kinds: NDArray[np.int64]) -> tuple[float, float]:
        """One gradient step; the loss and the accuracy before it."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate()
        truth = torch.from_numpy(kinds).to(self.device)
        scores = self.net(prepare(clips, self.device))
        loss = nn.functional.cross_entropy(scores, truth)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch's own
        self.optimizer.step()
        self.clips += len(clips)
        return loss.item(), (scores.argmax(1) == truth).float().mean().item()


def progress_bar(text: str) -> Progress:
    """A bar with this text beside it."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn(text),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, speed_estimate_period=300)


def open_run(arguments: argparse.Namespace) -> Run:
    """A new run, or the one that the folder holds, with the settings given now."""
    given = {f.name: v for f in fields(Settings) if (v := getattr(arguments, f.name)) is not None}
    folder, settings = arguments.out, Settings(**given)
    if (folder / "settings.json").exists():
        before = read_settings(folder)
        settings = Settings(**{**asdict(before), **given})
        for name in ("seed", "width", "batch"):
            old, new = getattr(before, name), getattr(settings, name)
            if old != new:
                raise TrainerError(f"{folder} holds a run with {name} {old}, not {new}; give another folder by --out")
    return Run(folder, settings, torch.device(arguments.device))


def cut_curve(path: Path, clips: int) -> None:
    """Drop what a killed run wrote after its last save, as it is trained again."""
    if path.exists():
        lines = path.read_text().splitlines()
        write(path, "".join(f"{line}\n" for line in lines if int(line.split(",")[0]) <= clips))


def train(arguments: argparse.Namespace) -> int:
    """Train until `--clips`; resume if the folder holds a run."""
    torch.set_num_threads(arguments.threads)
    run = open_run(arguments)
    settings = run.settings
    if run.clips == 0:
        run.checkpoint()
    marks = [mark for mark in schedule(settings.clips) if mark > run.clips]
    stopping: list[bool] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.append(True))
    recent: deque[tuple[float, float]] = deque(maxlen=50)
    text = "{task.completed:,} clips  {task.fields[rate]:.0f}/s  loss {task.fields[loss]:.3f}"
    saved = began = time.monotonic()
    start = run.clips
    cut_curve(run.folder / "curve.csv", start)
    with progress_bar(text) as progress, (run.folder / "curve.csv").open("a", buffering=1) as curve:
        bar = progress.add_task("motion digits", total=settings.clips, completed=run.clips, rate=0.0, loss=math.nan)
        data = batches(settings, run.clips // settings.batch, arguments.threads)
        while run.clips < settings.clips and not stopping:
            recent.append(run.learn(*next(data)))
            now = time.monotonic()
            loss, accuracy = np.mean(recent, 0)
            progress.update(bar, completed=run.clips, rate=(run.clips - start) / (now - began), loss=loss)
            curve.write(f"{run.clips},{loss:.4f},{accuracy:.4f},{now - began:.1f}\n")
            if marks and run.clips >= marks[0]:
                marks = [mark for mark in marks if mark > run.clips]
                run.checkpoint()
                run.save()
            if now - saved > 60:
                run.save()
                saved = now
        data.close()  # type: ignore[attr-defined]
    run.save()
    word = "stopped at" if stopping else "trained on"
    print(f"{word} {run.clips:,} clips in {(time.monotonic() - began) / 60:.1f} min: {run.folder}")
    return 130 if stopping else 0


# --- evaluation -------------------------------------------------------------------------------------------------------


def checkpoint_files(folder: Path, marks: Sequence[int] | None) -> list[Path]:
    """A run's checkpoints by clips: all, or for each mark the first with at least so many clips."""
    paths = sorted((folder / "checkpoints").glob("*.safetensors"))
    if marks is None:
        return paths
    chosen = set()
    for mark in marks:
        later = [path for path in paths if int(path.stem) >= mark]
        if not later:
            raise TrainerError(f"{folder} has no checkpoint of {mark:,} clips or more; see {folder / 'checkpoints'}")
        chosen.add(later[0])
    return sorted(chosen)


def centred(stride: int, length: int = digits.LENGTH) -> NDArray[np.int64]:
    """Numbers of the frames of a clip in the middle of a video."""
    first = (length - (FRAMES - 1) * stride - 1) // 2
    return first + stride * np.arange(FRAMES)


def views(rng: np.random.Generator) -> dict[str, NDArray[np.int64]]:
    """The frames that a network is shown of one video, by name: a clip per stride, and two controls.

    `still` is the middle frame of the first clip sixteen times, `shuffled` that clip in a random order.
    """
    found = {f"stride {stride}": centred(stride) for stride in STRIDES}
    clip = found["stride 1"]
    return found | {"still": np.repeat(clip[FRAMES // 2], FRAMES), "shuffled": rng.permutation(clip)}


@torch.inference_mode()
def answers(net: VideoResNet, count: int, seed: int, progress: Progress) -> dict[str, list[int]]:
    """The class that a network names for each view of each test video, videos in the order of `scenes`."""
    device, rng = next(net.parameters()).device, np.random.default_rng(seed)
    found: dict[str, list[int]] = {name: [] for name in views(rng)}
    bar = progress.add_task("test videos", total=count * len(digits.CLASSES))
    for scene in digits.scenes(count, split="test", seed=seed):
        frames, looks = digits.video(scene)[0], views(rng)
        scores = net(prepare(np.stack([frames[numbers] for numbers in looks.values()]), device))
        for name, answer in zip(looks, scores.argmax(1).tolist(), strict=True):
            found[name].append(int(answer))
        progress.advance(bar)
    progress.remove_task(bar)
    return found


def wilson(right: int, count: int) -> list[float]:
    """95 % interval of a share. Source: Wilson 1927, doi:10.1080/01621459.1927.10502953."""
    z, share = 1.959964, right / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count)) / (1 + z * z / count)
    return [round(max(0.0, middle - half), 4), round(min(1.0, middle + half), 4)]


def accuracy(right: NDArray[np.bool_]) -> dict[str, Any]:
    """The share of right answers, with its interval and how many there were."""
    hits, count = int(right.sum()), len(right)
    return {"accuracy": round(hits / count, 4), "interval": wilson(hits, count), "videos": count}


def summary(named: Sequence[int], facts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Accuracy over all, per class, third of the speeds and ground; and the confusion matrix, rows the truth."""
    truth = np.array([digits.CLASSES.index(fact["class"]) for fact in facts])
    right = np.array(named) == truth
    confusion = np.zeros((len(digits.CLASSES),) * 2, int)
    np.add.at(confusion, (truth, np.array(named)), 1)
    parts: dict[str, Any] = {}
    for part in ("class", "third", "ground"):
        values = [fact[part] for fact in facts]
        parts[f"by_{part}"] = {v: accuracy(right[[w == v for w in values]]) for v in dict.fromkeys(values)}
    return accuracy(right) | parts | {"confusion": confusion.tolist(), "answers": list(named)}


def read_evaluations(folder: Path) -> list[dict[str, Any]]:
    """What `evaluate` found in this run so far, ordered by clips."""
    path = folder / "evaluation.json"
    return json.loads(path.read_text()) if path.exists() else []


def evaluate(arguments: argparse.Namespace) -> int:
    """Show every checkpoint the same held-out videos; what is already measured the same way is not measured again.

    `evaluation.json` is a list with an entry a checkpoint, each with a summary of every view: see `views`, `summary`.
    """
    folder, settings = arguments.run, read_settings(arguments.run)
    torch.set_num_threads(arguments.threads)
    net = make_network(settings, torch.device(arguments.device)).eval()
    asked = {"videos_per_class": arguments.videos, "seed": arguments.seed}
    with progress_bar("{task.completed} of {task.total}") as progress:
        for path in checkpoint_files(folder, arguments.checkpoint):
            key = {"clips": int(path.stem), "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), **asked}
            known = [e for e in read_evaluations(folder) if key.items() <= e.items()]
            entry = known[0] if known else key | evaluate_one(net, path, arguments, progress)
            others = [e for e in read_evaluations(folder) if e["clips"] != entry["clips"]]
            lines = [json.dumps(e) for e in sorted([*others, entry], key=lambda e: int(e["clips"]))]
            write(folder / "evaluation.json", "[\n" + ",\n".join(lines) + "\n]\n")
            shares = "  ".join(f"{name} {100 * view['accuracy']:.1f} %" for name, view in entry["views"].items())
            progress.console.print(f"{entry['clips']:>8,} clips  {shares}", highlight=False, soft_wrap=True)
    return 0


def evaluate_one(net: VideoResNet, path: Path, arguments: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    """Measure one checkpoint."""
    net.load_state_dict(load_file(path))
    began = time.monotonic()
    named = answers(net, arguments.videos, arguments.seed, progress)
    facts = [scene.facts for scene in digits.scenes(arguments.videos, split="test", seed=arguments.seed)]
    found = {name: summary(answer, facts) for name, answer in named.items()}
    return {"seconds": round(time.monotonic() - began, 1), "classes": digits.CLASSES, "views": found}


# --- videos -----------------------------------------------------------------------------------------------------------


def generate(arguments: argparse.Namespace) -> int:
    """Write videos as files, a folder a class."""
    folder, total = arguments.folder, arguments.videos * len(digits.CLASSES)
    if folder.exists() and any(folder.iterdir()):
        raise TrainerError(f"{folder} is not empty; give a new folder, or empty it")
    with progress_bar("{task.completed} of {task.total} videos") as progress:
        videos = digits.generate(folder, arguments.videos, split=arguments.split, seed=arguments.seed)
        for _ in progress.track(videos, total=total, description="writing"):
            pass
    print(f"wrote {total} videos with their masks and facts.json: {folder}")
    return 0


# --- the command line -------------------------------------------------------------------------------------------------


def positive(text: str) -> int:
    """A whole number above zero."""
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{number} is not above zero")
    return number


def parse(words: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    machine = argparse.ArgumentParser(add_help=False)
    text = "of the network (default: one less than cores, as the data needs one)"
    machine.add_argument("--threads", type=positive, default=max(1, (os.cpu_count() or 1) - 1), help=text)
    machine.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu", help="default %(default)s")

    one = commands.add_parser("train", parents=[machine], help="train, or resume a run")
    text = "the run's folder (default %(default)s)"
    one.add_argument("--out", type=Path, default=Path("runs/motion-digits"), help=text)
    for item in fields(Settings):
        name, text = f"--{item.name.replace('_', '-')}", f"{item.metadata['help']} (default {item.default})"
        kind: Any = positive if item.type is int and item.name != "seed" else item.type
        one.add_argument(name, type=kind, metavar="N", help=text)
    one.set_defaults(command=train)

    one = commands.add_parser("evaluate", parents=[machine], help="show every checkpoint of a run held-out videos")
    one.add_argument("run", type=Path, help="the run's folder; results go to its evaluation.json")
    one.add_argument("--videos", type=positive, default=72, help="videos a class (default %(default)s)")
    one.add_argument("--seed", type=int, default=1, help="of the videos (default %(default)s)")
    text = "only these: the first checkpoint of at least so many clips, for each"
    one.add_argument("--checkpoint", type=int, nargs="+", metavar="CLIPS", help=text)
    one.set_defaults(command=evaluate)

    one = commands.add_parser("generate", help="write videos with masks and facts, a folder a class")
    one.add_argument("folder", type=Path, help="a new or empty folder")
    one.add_argument("--videos", type=positive, default=20, help="videos a class (default %(default)s)")
    one.add_argument("--split", choices=["train", "test"], default="test", help="default %(default)s")
    one.add_argument("--seed", type=int, default=1, help="same seed, same frames (default %(default)s)")
    one.set_defaults(command=generate)

    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> int:
    """Run one of the three commands; what cannot be done is one line on stderr."""
    arguments = parse(words)
    try:
        digits.digits()  # first of all, as it may be missing
        return int(arguments.command(arguments))
    except KeyboardInterrupt:
        print("train_clips: stopped; what is finished is kept", file=sys.stderr)
        return 130
    except (TrainerError, ImportError, OSError) as error:
        print(f"train_clips: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
