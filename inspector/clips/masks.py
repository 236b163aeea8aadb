"""Masks beside videos: where in each frame a marked thing is, and how much of each input pixel it covers."""

import math
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inspector.clips.recipe import ClipRecipe
from inspector.errors import VideoError

Mask = NDArray[np.bool_]

_HEADERS = 1 << 12
"""Bytes that the two arrays of a file take beside what they hold, at most."""


def mask_beside(video: Path) -> Path | None:
    """The file of masks of a video, `NAME.mask.npz` beside `NAME.mp4`; None if there is none."""
    path = video.with_suffix(".mask.npz")
    return path if path.is_file() else None


@dataclass(frozen=True, slots=True, eq=False)
class Masks:
    """Masks of every frame of a video, a bit a pixel: those of a long one, unpacked, would fill the memory.

    Attributes:
        bits: What `numpy.packbits` gave of all frames together, uint8.
        shape: Frames, height and width.
    """

    bits: NDArray[np.uint8]
    shape: tuple[int, int, int]

    def of(self, frame: int) -> Mask:
        """That of a frame, from 0: bool (height, width)."""
        _, height, width = self.shape
        byte, bit = divmod(frame * height * width, 8)
        end = byte + math.ceil((bit + height * width) / 8)
        return np.unpackbits(self.bits[byte:end])[bit : bit + height * width].reshape(height, width).astype(bool)


def read_masks(path: Path, shape: tuple[int, int, int]) -> Masks:
    """Masks beside a video.

    Args:
        path: An npz file with `bits`, as `numpy.packbits` gives them, and `shape`: frames, height and width.
        shape: The video's; masks of another one are refused.

    Raises:
        VideoError: If it cannot be read, or does not fit the video.
    """
    try:
        size = math.ceil(math.prod(shape) / 8)
        _check_size(path, size)
        with np.load(path, allow_pickle=False) as saved:
            bits, found = saved["bits"], tuple(int(side) for side in saved["shape"].ravel())
        if found != shape:
            raise VideoError(
                f"{path} has masks of {_sides(found)} and the video frames of {_sides(shape)} (frames, height, width): "
                "make the masks of this very video"
            )
        if bits.dtype != np.uint8 or bits.shape != (size,):
            raise VideoError(f"{path} holds {bits.size} bytes of bits, {size} are needed: make it with numpy.packbits")
    except VideoError:
        raise
    except Exception as error:  # a damaged file raises anything: of memory, of numbers, of compression
        cause = " ".join(str(error).split())[:200] or type(error).__name__
        raise VideoError(f"{path} holds no masks that can be read ({cause}): write `bits` and `shape`") from error
    return Masks(bits, shape)


def _check_size(path: Path, size: int) -> None:
    """Raise VideoError if a file would unpack to much more than its masks can take."""
    with zipfile.ZipFile(path) as file:
        found = sum(member.file_size for member in file.infolist())
    if found > size + _HEADERS:
        raise VideoError(f"{path} would unpack to {found:,} bytes, masks of this video take {size:,}: make it anew")


def _sides(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))


def cover_of(mask: Mask, recipe: ClipRecipe) -> NDArray[np.float32]:
    """How much of each pixel of the network input a mask covers.

    The frame is brought to the recipe's size by area, whole shares of pixels counted, and cropped as the frame is. (The
    frame itself is interpolated, so a mask's rim is where it is to half a pixel.)

    Args:
        mask: Of one frame, bool (height, width).
        recipe: How the network sees the frame.

    Returns:
        float32 (rows, columns), 0 to 1.
    """
    rows, columns = (_areas(old, new) for old, new in zip(mask.shape, recipe.resize, strict=True))
    top, left = (round((whole - cut) / 2) for whole, cut in zip(recipe.resize, recipe.crop, strict=True))
    rows, columns = rows[top : top + recipe.crop[0]], columns[left : left + recipe.crop[1]]
    covered: NDArray[np.float32] = rows @ mask.astype(np.float32) @ columns.T
    return covered


def _areas(old: int, new: int) -> NDArray[np.float32]:
    """Which share of each of `new` lengths lies on each of `old` ones, (new, old); rows add up to 1."""
    edges, ends = np.arange(old), np.arange(new) * old / new
    overlap = np.minimum(edges + 1, ends[:, None] + old / new) - np.maximum(edges, ends[:, None])
    shares: NDArray[np.float32] = (overlap.clip(min=0) * new / old).astype(np.float32)
    return shares
