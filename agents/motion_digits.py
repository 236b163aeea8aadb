"""Motion digits: videos of a handwritten digit that moves, turns, grows or shrinks over a textured ground.

The class is the motion, one of eight: right, left, down, up, turn_right (clockwise), turn_left, grow, shrink. The
digits are the 1,797 of scikit-learn's `load_digits`, the grounds are drawn at random; everything follows from a seed.

    scene = draw_scene("grow", rng=np.random.default_rng(7), split="test", third="slow")
    video(scene)                                     # frames, mask of the digit, facts
    python agents/train_clips.py generate FOLDER     # the same as MP4 files, a folder a class

What tells the class is the order of the frames, nothing else:

* A left video is a right video backwards, frame for frame, and so for the other three pairs: one seed gives either.
* Every scene draws a path for all four of its coordinates (x, y, angle, logarithm of the scale). One runs; the others
  rest at moments of their paths drawn at random. So a frame taken at random has one distribution in all eight classes.

Measured, chance being 12.5 % (95 % intervals in brackets): the trainer's network, trained on 64,000 single frames taken
at random, is right on 13.0 % of others (12.0 to 14.1). Gradient-boosted trees that are given the digit's true pose are
right on 12.4 % (11.7 to 13.1) from a random frame, on 14.7 % (14.0 to 15.5) from the first frame of a clip of 16 at a
random offset, and on 50.0 % from the extremes of the poses in such a clip, as if its frames were shuffled: then it can
be seen which coordinate runs, not which way. The first frame of a whole video does tell something (39 %): what goes
right starts on the left.

The split `test` holds out every fifth digit; grounds (other seeds, and in half of the videos waves in place of clouds);
and speeds: a third of its videos is slower than any trained, by up to the factor of four that stride 4 makes good.

Source of the digits: Alpaydin and Kaynak 1998, Optical Recognition of Handwritten Digits, doi:10.24432/C50P49.
"""

import functools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

CLASSES = ("right", "left", "down", "up", "turn_right", "turn_left", "grow", "shrink")
SIZE = 64  # pixels, height and width
LENGTH = 64  # frames of a video
FPS = 25
PATCH = 19  # pixels of a digit at scale 1
SCALES = (0.7, 1.25)
PACE = np.array([1.0, 1.0, 3.0, 0.02])  # a frame at speed 1: pixels, pixels, degrees, logarithm of the scale
THIRDS = {"slow": (0.03, 0.12), "medium": (0.12, 0.23), "fast": (0.23, 0.45)}  # speeds; slow is for the test alone
NOISE = 0.04  # standard deviation of the sensor's noise, of 1
INK = 0.25  # where more of a pixel than this is digit, the mask is true

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Scene:
    """All that a video is made of.

    `poses` (length, 4) holds x and y of the digit's centre in pixels, its angle in degrees (clockwise) and the
    logarithm of its scale, in the order in which they are shown; `moments` numbers the frames in the order in which
    they were drawn, so that a reversed video has its noise reversed too.
    """

    kind: str
    digit: int
    speed: float
    texture: str
    ground: Floats
    colour: Floats
    poses: NDArray[np.float64]
    moments: NDArray[np.int64]
    seed: int

    @property
    def facts(self) -> dict[str, Any]:
        """What is to be known about the video, ready for JSON."""
        label = int(digits()[1][self.digit])
        pace = {"speed": self.speed, "third": third_of(self.speed)}
        return {"class": self.kind, "digit": self.digit, "shows": label, **pace, "ground": self.texture}


# --- what is seen -----------------------------------------------------------------------------------------------------


@functools.cache
def digits() -> tuple[Floats, NDArray[np.int64]]:
    """The handwritten digits (1797, 8, 8) in 0..1 and what they show, 0 to 9."""
    try:
        from sklearn.datasets import load_digits  # type: ignore[import-untyped]
    except ImportError as error:
        text = "the digits come with scikit-learn, which is not installed: pip install scikit-learn"
        raise ImportError(text) from error

    data = load_digits()
    return (data.images / 16).astype(np.float32), data.target.astype(np.int64)


@functools.cache
def held_out() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Numbers of the digits to train on, and of those to test with: every fifth."""
    number = np.arange(len(digits()[0]))
    return number[number % 5 != 0], number[number % 5 == 0]


@functools.cache
def stamp(digit: int) -> tuple[Floats, tuple[float, float], float]:
    """A digit as ink in 0..1 on a larger patch, the centre of its ink (x, y) and the radius around it that holds it."""
    ink = cv2.resize(digits()[0][digit], (PATCH, PATCH), interpolation=cv2.INTER_CUBIC).clip(0, 1)
    ink = np.pad(np.where(ink < 0.05, 0, ink).astype(np.float32), 2)
    y, x = np.nonzero(ink)
    centre = (float(x.min() + x.max()) / 2, float(y.min() + y.max()) / 2)
    return ink, centre, float(np.hypot(x - centre[0], y - centre[1]).max()) + 1


def clouds(rng: np.random.Generator) -> Floats:
    """A smooth coloured texture of four octaves, about 0 with deviation about 1."""
    octaves = ((4, 0.5), (8, 0.3), (16, 0.2), (32, 0.12))
    grids = [(rng.standard_normal((n, n, 3), dtype=np.float32), share) for n, share in octaves]
    total = sum(share * cv2.resize(g, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC) for g, share in grids)
    return np.asarray(total / 0.55, np.float32)


def waves(rng: np.random.Generator) -> Floats:
    """A texture of eight coloured plane waves, 8 to 40 pixels long, about 0 with deviation about 1."""
    y, x = np.mgrid[:SIZE, :SIZE]
    total = np.zeros((SIZE, SIZE, 3))
    for _ in range(8):
        way, turn = rng.uniform(0, 2 * np.pi, 2)
        step = 2 * np.pi / rng.uniform(8, 40)
        total += rng.standard_normal(3) * np.sin(step * (x * np.cos(way) + y * np.sin(way)) + turn)[..., None]
    return np.asarray(total / 2, np.float32)


# --- how it moves -----------------------------------------------------------------------------------------------------


def third_of(speed: float) -> str:
    """The name of the third that a speed lies in."""
    return next(name for name, (_, high) in THIRDS.items() if speed <= high)


def draw_paths(rng: np.random.Generator, speed: float, radius: float, length: int) -> NDArray[np.float64]:
    """Paths (length, 4) of x, y, angle and logarithm of the scale that keep the digit in the picture all the way."""
    way = speed * np.arange(length)[:, None] * PACE
    low, high = np.log(SCALES)
    scale = rng.uniform(low, high - way[-1, 3]) if way[-1, 3] <= high - low else np.inf
    margin = radius * np.exp(scale + way[-1, 3])
    room = SIZE - 1 - 2 * margin - way[-1, 0]
    if room < 0:
        raise ValueError(f"at speed {speed:g} the digit leaves the picture within {length} frames: slower, or fewer")
    start = np.array([*(margin + room * rng.random(2)), rng.uniform(0, 360), scale])
    return np.asarray(start + way)


def draw_poses(rng: np.random.Generator, axis: int, paths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Poses (length, 4): the coordinate `axis` runs along its path, the others rest at random moments of theirs."""
    rests = rng.integers(len(paths), size=4)
    poses = np.tile(paths[rests, np.arange(4)], (len(paths), 1))
    poses[:, axis] = paths[:, axis]
    return poses


def draw_scene(
    kind: str, *, rng: np.random.Generator, split: str = "train", third: str | None = None, length: int = LENGTH
) -> Scene:
    """Draw a scene of a class.

    Args:
        kind: The class, one of `CLASSES`.
        rng: Decides everything else.
        split: `train` or `test`: which digits, grounds and speeds are drawn from.
        third: Draw the speed from this one of `THIRDS`; None: from all that the split has.
        length: Frames.

    Raises:
        ValueError: If there is no such class, or a digit would leave the picture.
    """
    if kind not in CLASSES:
        raise ValueError(f"no motion {kind!r}; name one of: {', '.join(CLASSES)}")
    test = split == "test"
    slowest = THIRDS["slow" if test else "medium"][0]
    low, high = THIRDS[third] if third else (slowest, THIRDS["fast"][1])
    speed = float(np.exp(rng.uniform(*np.log((low, high)))))
    digit = int(rng.choice(held_out()[test]))
    texture = "waves" if test and rng.random() < 0.5 else "clouds"
    ground = (0.42 + 0.1 * (waves if texture == "waves" else clouds)(rng)).clip(0, 1)
    colour = rng.uniform(0.75, 1, 3).astype(np.float32)
    poses = draw_poses(rng, CLASSES.index(kind) // 2, draw_paths(rng, speed, stamp(digit)[2], length))
    order = slice(None, None, -1 if CLASSES.index(kind) % 2 else 1)
    seed = int(rng.integers(2**32))
    return Scene(kind, digit, speed, texture, ground, colour, poses[order], np.arange(length)[order], seed)


def draw(scene: Scene, number: int) -> tuple[Pixels, NDArray[np.bool_]]:
    """One frame of a scene, uint8 (64, 64, 3) RGB, and the mask of its digit (64, 64)."""
    x, y, angle, scale = scene.poses[number]
    ink, (middle_x, middle_y), _ = stamp(scene.digit)
    matrix = cv2.getRotationMatrix2D((middle_x, middle_y), -angle, np.exp(scale))
    matrix[:, 2] = matrix[:, 2] + (x - middle_x, y - middle_y)
    alpha = cv2.warpAffine(ink, matrix, (SIZE, SIZE))[..., None]
    rng = np.random.default_rng((scene.seed, scene.moments[number]))
    noise = NOISE * rng.standard_normal((SIZE, SIZE, 3), dtype=np.float32)
    image = scene.ground * (1 - alpha) + alpha * scene.colour + noise
    return (image * 255).round().clip(0, 255).astype(np.uint8), alpha[..., 0] > INK


def video(scene: Scene) -> tuple[Pixels, NDArray[np.bool_], dict[str, Any]]:
    """A whole scene: frames (length, 64, 64, 3), masks of the digit (length, 64, 64), facts."""
    frames, masks = zip(*(draw(scene, number) for number in range(len(scene.poses))), strict=True)
    return np.stack(frames), np.stack(masks), scene.facts


def clip(scene: Scene, numbers: Sequence[int] | NDArray[np.int64]) -> Pixels:
    """Some frames of a scene, uint8 (count, 64, 64, 3); only these are drawn."""
    return np.stack([draw(scene, int(number))[0] for number in numbers])


# --- a data set -------------------------------------------------------------------------------------------------------


def scenes(count: int, *, split: str, seed: int, length: int = LENGTH) -> Iterator[Scene]:
    """So many scenes of every class, one class after the other; the speeds take turns between the split's thirds."""
    turns = list(THIRDS)[0 if split == "test" else 1 :]
    for kind in CLASSES:
        for number in range(count):
            rng = np.random.default_rng((split == "test", seed, CLASSES.index(kind), number))
            yield draw_scene(kind, rng=rng, split=split, third=turns[number % len(turns)], length=length)


def write_video(path: Path, frames: Pixels) -> None:
    """Write frames as H.264 in an MP4, 25 a second.

    Without x264's `mbtree`, which made files of different bytes from the same small frames.
    """
    import av

    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", FPS, options={"crf": "12", "x264-params": "mbtree=0"})
        stream.width, stream.height, stream.pix_fmt = SIZE, SIZE, "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


def write_mask(path: Path, mask: NDArray[np.bool_]) -> None:
    """Write masks (length, 64, 64) as packed bits."""
    np.savez_compressed(path, bits=np.packbits(mask), shape=np.array(mask.shape))


def read_mask(path: Path) -> NDArray[np.bool_]:
    """The masks that `write_mask` wrote: bool (length, 64, 64)."""
    with np.load(path) as saved:
        shape = tuple(int(side) for side in saved["shape"])
        return np.unpackbits(saved["bits"], count=int(np.prod(shape))).reshape(shape).astype(bool)


def generate(folder: Path, count: int, *, split: str, seed: int, length: int = LENGTH) -> Iterator[Path]:
    """Write so many videos of every class; yield the path of each.

    A folder a class holds `NAME.mp4` and, beside each, its masks as `NAME.mask.npz`; `facts.json` tells of all.
    """
    facts = {}
    for index, scene in enumerate(scenes(count, split=split, seed=seed, length=length)):
        frames, masks, told = video(scene)
        path = folder / scene.kind / f"{scene.kind}-{index % count:03d}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_video(path, frames)
        write_mask(path.with_suffix(".mask.npz"), masks)
        facts[path.relative_to(folder).as_posix()] = told
        yield path
    head = {"split": split, "seed": seed, "videos_per_class": count, "length": length, "fps": FPS, "classes": CLASSES}
    (folder / "facts.json").write_text(json.dumps(head | {"videos": facts}, indent=1) + "\n")
