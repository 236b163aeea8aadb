"""Motion digits: the class is in the order of the frames, and nowhere else."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import av
import cv2
import numpy as np
import pytest

FILE = Path(__file__).parents[2] / "agents" / "motion_digits.py"
OPPOSITES = [("right", "left"), ("down", "up"), ("turn_right", "turn_left"), ("grow", "shrink")]


def load() -> ModuleType:
    """The generator is a script outside the package, so it is imported by its path."""
    spec = importlib.util.spec_from_file_location("motion_digits", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["motion_digits"] = module
    spec.loader.exec_module(module)
    return module


digits = load()


def scene(kind: str, seed: int, **choice: Any) -> Any:
    """The scene of a class and a seed."""
    return digits.draw_scene(kind, rng=np.random.default_rng(seed), **choice)


def centre(mask: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Where a mask lies: x and y of its middle."""
    return np.argwhere(mask).mean(0)[::-1]


def overlap(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> float:
    """Shared pixels of two masks, of all that either has."""
    return float((one & other).sum() / (one | other).sum())


def test_the_same_seed_gives_the_same_video_and_another_seed_another() -> None:
    frames, masks, facts = digits.video(scene("grow", 3, split="test"))
    again, masks_again, facts_again = digits.video(scene("grow", 3, split="test"))
    assert np.array_equal(frames, again) and np.array_equal(masks, masks_again) and facts == facts_again
    assert not np.array_equal(frames, digits.video(scene("grow", 4, split="test"))[0])
    assert frames.shape == (64, 64, 64, 3) and frames.dtype == np.uint8
    assert masks.shape == (64, 64, 64) and masks.dtype == np.bool_
    assert facts["class"] == "grow" and 0.03 <= facts["speed"] <= 0.45
    assert facts["third"] == digits.third_of(facts["speed"])
    assert facts["shows"] == digits.digits()[1][facts["digit"]]


@pytest.mark.parametrize(("kind", "opposite"), OPPOSITES)
def test_a_video_backwards_is_a_video_of_the_opposite_class(kind: str, opposite: str) -> None:
    frames, masks, _ = digits.video(scene(kind, 5, split="test", third="fast"))
    back, masks_back, _ = digits.video(scene(opposite, 5, split="test", third="fast"))
    assert np.array_equal(frames, back[::-1])
    assert np.array_equal(masks, masks_back[::-1])
    assert not np.array_equal(frames, back)


def test_a_random_frame_is_drawn_alike_in_all_classes() -> None:
    """All classes of a seed share one pose, and it comes at an evenly drawn moment in each."""
    moments = np.zeros((4, 64), int)
    for seed in range(1500):
        poses = [scene(kind, seed, split="test", third="fast").poses for kind, _ in OPPOSITES]
        shared = np.array([poses[(axis + 1) % 4][0, axis] for axis in range(4)])
        for axis in range(4):
            found = np.flatnonzero((poses[axis] == shared).all(1))
            assert len(found) == 1
            moments[axis, found[0]] += 1
    expected = 1500 / 64
    surprise = ((moments - expected) ** 2 / expected).sum(1)
    assert surprise.max() < 103.4  # the chi-square of 63 degrees of freedom is above it once in a thousand


def test_the_picture_at_the_shared_moment_is_the_same_but_for_noise() -> None:
    right, grow = scene("right", 8), scene("grow", 8)
    shared = np.array([*grow.poses[0, :3], right.poses[0, 3]])
    at_right, at_grow = (int(np.flatnonzero((s.poses == shared).all(1))[0]) for s in (right, grow))
    one, other = (digits.draw(s, n)[0].astype(float) for s, n in ((right, at_right), (grow, at_grow)))
    assert abs(one - other).mean() < 3 * digits.NOISE * 255
    assert np.array_equal(digits.draw(right, at_right)[1], digits.draw(grow, at_grow)[1])
    assert np.array_equal(right.ground, grow.ground) and np.array_equal(right.colour, grow.colour)


def test_the_class_names_what_is_seen() -> None:
    for seed in range(12):
        for kind, sign in (("right", 1), ("left", -1)):
            drawn = scene(kind, seed, third="fast")
            masks = digits.video(drawn)[1]
            assert centre(masks[-1]) - centre(masks[0]) == pytest.approx([sign * 63 * drawn.speed, 0], abs=0.6)
        drawn = scene("down", seed, third="fast")
        masks = digits.video(drawn)[1]
        assert centre(masks[-1]) - centre(masks[0]) == pytest.approx([0, 63 * drawn.speed], abs=0.6)
        drawn = scene("grow", seed, third="fast")
        masks = digits.video(drawn)[1]
        assert masks[-1].sum() / masks[0].sum() == pytest.approx(np.exp(2 * 0.02 * 63 * drawn.speed), rel=0.15)


def test_turning_right_is_clockwise() -> None:
    for seed in range(12):
        drawn = scene("turn_right", seed, third="medium")
        first, last = (digits.draw(drawn, number)[1] for number in (0, 63))
        x, y = drawn.poses[0, :2]
        turned = [
            cv2.warpAffine(
                first.astype(np.uint8), cv2.getRotationMatrix2D((x, y), sign * 189 * drawn.speed, 1), (64, 64)
            )
            for sign in (-1, 1)  # OpenCV counts angles against the clock
        ]
        assert overlap(turned[0].astype(bool), last) > max(0.7, overlap(turned[1].astype(bool), last))


def test_the_digit_never_leaves_the_picture() -> None:
    for seed in range(300):
        for kind in ("right", "down", "turn_right", "grow"):
            drawn = scene(kind, seed, split="test", third="fast")
            for number in (0, 63):
                mask = digits.draw(drawn, number)[1]
                assert mask[1:-1, 1:-1].sum() == mask.sum() > 10


def test_digits_grounds_and_speeds_of_the_test_are_held_out() -> None:
    trained = [scene(digits.CLASSES[seed % 8], seed) for seed in range(300)]
    tested = list(digits.scenes(36, split="test", seed=1))
    assert {s.digit for s in trained}.isdisjoint(s.digit for s in tested)
    assert sorted(np.concatenate(digits.held_out())) == list(range(1797))
    assert {s.texture for s in trained} == {"clouds"}
    assert 0.35 < np.mean([s.texture == "waves" for s in tested]) < 0.65
    assert min(s.speed for s in trained) >= 0.12 > min(s.speed for s in tested)
    thirds = [digits.third_of(s.speed) for s in tested]
    assert [thirds.count(name) for name in ("slow", "medium", "fast")] == [96, 96, 96]
    assert [s.kind for s in tested] == [kind for kind in digits.CLASSES for _ in range(36)]


def test_written_videos_are_the_frames_and_masks_and_the_same_again(tmp_path: Path) -> None:
    paths = list(digits.generate(tmp_path / "one", 1, split="test", seed=2, length=20))
    again = list(digits.generate(tmp_path / "two", 1, split="test", seed=2, length=20))
    assert [path.parent.name for path in paths] == list(digits.CLASSES)
    told = json.loads((tmp_path / "one" / "facts.json").read_text())
    for path, same, drawn in zip(paths, again, digits.scenes(1, split="test", seed=2, length=20), strict=True):
        frames, masks, facts = digits.video(drawn)
        with av.open(path) as container:
            assert container.streams.video[0].average_rate == 25
            decoded = np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])
        assert decoded.shape == frames.shape
        # Colour is stored at half the resolution, so brightness is what must agree.
        assert abs(decoded.mean(-1) - frames.mean(-1, dtype=float)).mean() < 4
        assert np.array_equal(digits.read_mask(path.with_suffix(".mask.npz")), masks)
        assert told["videos"][f"{drawn.kind}/{path.name}"] == facts
        assert path.read_bytes() == same.read_bytes()
    assert told["classes"] == list(digits.CLASSES)


def test_what_cannot_be_drawn_is_said() -> None:
    with pytest.raises(ValueError, match="no motion 'sideways'; name one of: right, left"):
        scene("sideways", 1)
    with pytest.raises(ValueError, match="the digit leaves the picture within 400 frames: slower, or fewer"):
        scene("left", 1, third="fast", length=400)
