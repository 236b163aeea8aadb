"""Masks beside videos: read as they were written, refused where they do not fit, and brought to the network input."""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.clips.masks import cover_of, mask_beside, read_masks
from inspector.clips.recipe import ClipRecipe
from inspector.errors import VideoError

GREY = (0.5, 0.5, 0.5)


def write(path: Path, mask: np.ndarray, shape: tuple[int, ...] | None = None) -> Path:
    np.savez_compressed(path, bits=np.packbits(mask), shape=np.array(mask.shape if shape is None else shape))
    return path


def test_masks_are_read_as_they_were_packed(tmp_path: Path) -> None:
    mask = np.random.default_rng(1).random((5, 7, 11)) > 0.6
    path = write(tmp_path / "one.mask.npz", mask)
    masks = read_masks(path, (5, 7, 11))
    np.testing.assert_array_equal([masks.of(frame) for frame in range(5)], mask)
    assert masks.bits.nbytes == 49  # 385 pixels, a bit each
    assert mask_beside(tmp_path / "one.mp4") == path
    assert mask_beside(tmp_path / "two.mp4") is None


def test_masks_of_another_video_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "one.mask.npz", np.zeros((5, 7, 11), bool))
    with pytest.raises(VideoError, match="masks of 5×7×11 and the video frames of 5×11×7"):
        read_masks(path, (5, 11, 7))


def test_masks_that_are_too_few_for_their_shape_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "one.mask.npz", np.zeros((4, 8, 8), bool), shape=(5, 8, 8))
    with pytest.raises(VideoError, match="holds 32 bytes of bits, 40 are needed"):
        read_masks(path, (5, 8, 8))


def test_a_file_that_would_unpack_to_far_more_is_not_unpacked(tmp_path: Path) -> None:
    path = write(tmp_path / "one.mask.npz", np.zeros((1000, 64, 64), bool))
    assert path.stat().st_size < 10_000
    with pytest.raises(VideoError, match="would unpack to 512,"):
        read_masks(path, (2, 64, 64))


@pytest.mark.parametrize("content", [b"", b"no masks at all", b"PK\x03\x04 torn"])
def test_a_file_that_is_no_archive_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "one.mask.npz"
    path.write_bytes(content)
    with pytest.raises(VideoError, match="holds no masks that can be read"):
        read_masks(path, (2, 8, 8))


def test_objects_are_never_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "one.mask.npz"
    np.savez(path, bits=np.array([{}], dtype=object), shape=np.array([1, 8, 8]))
    with pytest.raises(VideoError, match="holds no masks that can be read"):
        read_masks(path, (1, 8, 8))


def test_an_array_that_says_it_is_larger_than_memory_is_refused(tmp_path: Path) -> None:
    path, header, shape = tmp_path / "one.mask.npz", io.BytesIO(), io.BytesIO()
    said: dict[str, Any] = {"descr": "|u1", "fortran_order": False, "shape": (10**15,)}
    np.lib.format.write_array_header_1_0(header, said)
    np.save(shape, np.array([2, 8, 8]))
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("bits.npy", header.getvalue() + b"few bytes")
        file.writestr("shape.npy", shape.getvalue())
    with pytest.raises(VideoError, match="holds no masks that can be read"):
        read_masks(path, (2, 8, 8))


def test_a_shape_that_is_no_number_of_pixels_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "one.mask.npz"
    np.savez(path, bits=np.zeros(16, np.uint8), shape=np.array([np.inf, 8, 8]))
    with pytest.raises(VideoError, match="holds no masks that can be read"):
        read_masks(path, (2, 8, 8))


def test_whatever_bytes_are_changed_a_file_is_read_or_refused(tmp_path: Path) -> None:
    mask = np.random.default_rng(4).random((2, 8, 8)) > 0.5
    whole, chance = write(tmp_path / "one.mask.npz", mask).read_bytes(), np.random.default_rng(5)
    refused = 0
    for number in range(200):
        path, content = tmp_path / f"{number}.mask.npz", bytearray(whole)
        for place in chance.integers(0, len(content), 3):
            content[place] = chance.integers(256)
        path.write_bytes(content)
        try:
            assert read_masks(path, (2, 8, 8)).of(1).shape == (8, 8)
        except VideoError:
            refused += 1
    assert refused > 100


def test_an_archive_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "one.mask.npz"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("letter.txt", "hello")
    with pytest.raises(VideoError, match="holds no masks that can be read"):
        read_masks(path, (1, 8, 8))


def test_a_mask_of_the_size_of_the_input_covers_whole_pixels() -> None:
    mask = np.random.default_rng(2).random((6, 9)) > 0.5
    recipe = ClipRecipe(8, (6, 9), (6, 9), GREY, GREY)
    np.testing.assert_array_equal(cover_of(mask, recipe), mask.astype(np.float32))


@given(st.integers(1, 20), st.integers(1, 20), st.integers(1, 20), st.integers(1, 20), st.integers(0, 2**32 - 1))
def test_the_share_of_the_area_is_kept_whatever_the_size(
    height: int, width: int, rows: int, columns: int, seed: int
) -> None:
    mask = np.random.default_rng(seed).random((height, width)) > 0.5
    cover = cover_of(mask, ClipRecipe(8, (rows, columns), (rows, columns), GREY, GREY))
    assert cover.mean() == pytest.approx(mask.mean(), abs=1e-5)
    assert cover.min() >= -1e-6 and cover.max() <= 1 + 1e-5


def test_a_mask_lies_where_the_network_sees_the_thing() -> None:
    recipe = ClipRecipe(8, (20, 28), (16, 16), GREY, GREY)
    image, mask = np.zeros((40, 70, 3), np.uint8), np.zeros((40, 70), bool)
    image[12:24, 25:45], mask[12:24, 25:45] = 255, True
    seen = recipe.prepare(image)[..., 0] > 127
    np.testing.assert_array_equal(cover_of(mask, recipe) > 0.5, seen)
