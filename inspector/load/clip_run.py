"""A run of `agents/train_clips.py`: its checkpoints, the accuracy that was measured, and how its clips are made."""

from pathlib import Path

from inspector.clips.recipe import ClipRecipe
from inspector.errors import CheckpointError
from inspector.load.clip_bundle import ClipBundle
from inspector.load.own_run import CHECKPOINTS, SETTINGS
from inspector.load.safe import guarded, parse_json, read_file
from inspector.records import ClipCheckpoint

RECIPE = ClipRecipe(frames=16, resize=(64, 64), crop=(64, 64), mean=(0.45,) * 3, std=(0.25,) * 3)
"""How the trainer makes clips."""

CLASSES = ("right", "left", "down", "up", "turn_right", "turn_left", "grow", "shrink")
"""What it trains on: the motions of `agents/motion_digits.py`."""

_EVALUATION = "evaluation.json"
_KEYS = {"clips", "seed", "width", "batch"}
_MAX_SETTINGS = 2**16

_Measured = dict[str, tuple[float, tuple[float, float], int]]


def find_clip_run(place: Path) -> Path | None:
    """The run's folder, if this is one or its folder of checkpoints.

    Raises:
        CheckpointError: If its settings are damaged.
    """
    folder = place.resolve().parent if place.resolve().name == CHECKPOINTS else place
    settings = folder / SETTINGS
    if not settings.is_file() or not (folder / CHECKPOINTS).is_dir():
        return None
    found = parse_json(read_file(settings, _MAX_SETTINGS).content, str(settings))
    return folder if isinstance(found, dict) and found.keys() >= _KEYS else None


def read_clip_run(folder: Path) -> ClipBundle:
    """A run as the bundle that it may become.

    Raises:
        CheckpointError: If it has no checkpoints, or one or its evaluation is damaged.
    """
    paths = sorted((folder / CHECKPOINTS).glob("*.safetensors"))
    named = [path for path in paths if path.stem.isascii() and path.stem.isdigit() and len(path.stem) <= 15]
    if not named:
        raise CheckpointError(f"{folder} has no checkpoints yet: let agents/train_clips.py train it")
    measured = _read_evaluation(folder)
    return ClipBundle(
        folder=folder,
        name=folder.resolve().name,
        classes=CLASSES,
        recipe=RECIPE,
        provenance={},
        checkpoints=tuple(sorted((_checkpoint(path, measured) for path in named), key=lambda one: one.frames or 0)),
        format="run",
        assumed=("classes and clips as agents/train_clips.py has them",),
    )


def _checkpoint(path: Path, measured: _Measured) -> ClipCheckpoint:
    digest = read_file(path).sha256
    accuracy, interval, videos = measured.get(digest, (None, None, None))
    return ClipCheckpoint(str(path), digest, int(path.stem), accuracy=accuracy, interval=interval, videos=videos)


def _read_evaluation(folder: Path) -> _Measured:
    """Accuracy at stride 1, its interval and the number of videos, by the digest of the weights."""
    path = folder / _EVALUATION
    if not path.is_file():
        return {}
    entries = parse_json(read_file(path).content, str(path))
    found: _Measured = {}
    with guarded(str(path)):
        for entry in entries:  # type: ignore[attr-defined]  # what is not iterable is damaged
            view = entry["views"]["stride 1"]
            low, high = view["interval"]
            found[str(entry["sha256"])] = float(view["accuracy"]), (float(low), float(high)), int(view["videos"])
    return found
