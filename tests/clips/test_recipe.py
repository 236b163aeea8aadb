"""Clips are made as torchvision makes them."""

import numpy as np
import pytest
import torch

from inspector.clips.recipe import ClipRecipe
from inspector.errors import UsageError
from tests import torchvision_stub  # noqa: F401 - before torchvision

MEAN, STD = (0.43216, 0.394666, 0.37645), (0.22803, 0.22145, 0.216989)


@pytest.mark.parametrize("size", [(240, 320), (128, 171), (97, 63), (1080, 1920)])
def test_a_clip_is_what_torchvisions_preset_makes_of_it(size: tuple[int, int]) -> None:
    from torchvision.transforms._presets import VideoClassification  # after the stub

    preset = VideoClassification(crop_size=(112, 112), resize_size=(128, 171), mean=MEAN, std=STD)
    recipe = ClipRecipe(4, (128, 171), (112, 112), MEAN, STD)
    frames = np.random.default_rng(0).integers(0, 256, (4, *size, 3), np.uint8)
    expected = preset(torch.from_numpy(frames).permute(0, 3, 1, 2)[None]).numpy()
    found = recipe.normalise(np.stack([recipe.prepare(frame) for frame in frames])[None])
    assert found.shape == (1, *recipe.input_shape) == expected.shape
    np.testing.assert_allclose(found, expected, atol=1e-6)
    low, high = recipe.bounds()
    assert (found.min((0, 2, 3, 4)) >= low).all() and (found.max((0, 2, 3, 4)) <= high).all()


def test_the_box_is_what_the_network_sees_of_a_frame() -> None:
    recipe = ClipRecipe(4, (128, 171), (112, 112), MEAN, STD)
    left, top, width, height = recipe.box(256, 342)
    assert (top, height, width) == (16.0, 224.0, 224.0) and left == pytest.approx(60.0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"frames": 0}, "one frame at least"),
        ({"crop": (129, 112)}, "cannot be cut out"),
        ({"std": (1.0, 0.0, 1.0)}, "above 0"),
    ],
)
def test_what_makes_no_input_is_refused(change: dict[str, object], words: str) -> None:
    kept = {"frames": 4, "resize": (128, 171), "crop": (112, 112), "mean": MEAN, "std": STD}
    with pytest.raises(UsageError, match=words):
        ClipRecipe(**(kept | change))  # type: ignore[arg-type]
