"""How a network input is made of the frames of a video: sized, cropped and normalised as the network was trained on."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import interpolate

from inspector.errors import UsageError
from inspector.records import Box


@dataclass(frozen=True, slots=True)
class ClipRecipe:
    """How a clip is made of frames.

    Attributes:
        frames: Frames of a clip.
        resize: Rows and columns that a whole frame is brought to first, whatever its shape.
        crop: Rows and columns that are cut out of its middle then.
        mean: Of each colour, of pixels from 0 to 1.
        std: Likewise.

    Raises:
        UsageError: If no network input comes of it.
    """

    frames: int
    resize: tuple[int, int]
    crop: tuple[int, int]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def __post_init__(self) -> None:
        if self.frames < 1 or min(self.resize + self.crop) < 1:
            raise UsageError("a clip has one frame at least, of one pixel at least")
        if any(cut > whole for cut, whole in zip(self.crop, self.resize, strict=True)):
            (rows, columns), (height, width) = self.crop, self.resize
            raise UsageError(
                f"{rows}x{columns} cannot be cut out of {height}x{width}: say both --crop and --resize (in Python crop "
                "and resize of the recipe), the crop no larger"
            )
        if min(self.std) <= 0:
            raise UsageError("pixels are divided by std: let each be above 0")

    @property
    def input_shape(self) -> tuple[int, int, int, int]:
        """Shape of a network input: colours, frames, rows, columns."""
        return 3, self.frames, *self.crop

    def prepare(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Bring a frame to the size that the network sees, as torchvision's video presets do: bilinear, no filter.

        Args:
            image: uint8 RGB (height, width, 3), of any size.

        Returns:
            uint8 RGB (crop rows, crop columns, 3).
        """
        pixels = torch.from_numpy(image).permute(2, 0, 1)[None]
        if pixels.shape[-2:] != self.resize:
            sized = interpolate(pixels.float(), self.resize, mode="bilinear", align_corners=False)
            pixels = sized.round().clamp(0, 255).to(torch.uint8)
        top, left = self._corner()
        cut = pixels[0, :, top : top + self.crop[0], left : left + self.crop[1]]
        return np.ascontiguousarray(cut.permute(1, 2, 0).numpy())

    def normalise(self, clips: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Clips as the network takes them.

        Args:
            clips: uint8 (batch, frames, rows, columns, 3), each frame from `prepare`.

        Returns:
            float32 (batch, 3, frames, rows, columns).
        """
        mean, std = np.array(self.mean, np.float32), np.array(self.std, np.float32)
        values = (clips.astype(np.float32) / np.float32(255) - mean) / std
        return np.ascontiguousarray(values.transpose(0, 4, 1, 2, 3))

    def bounds(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Smallest and largest value of each colour of a network input, float32 (3,)."""
        mean, std = np.array(self.mean, np.float32), np.array(self.std, np.float32)
        return (0 - mean) / std, (1 - mean) / std

    def box(self, height: int, width: int) -> Box:
        """The part of a frame that the network sees: left, top, width and height in pixels of the frame."""
        (rows, columns), (top, left) = self.resize, self._corner()
        down, across = height / rows, width / columns
        return left * across, top * down, self.crop[1] * across, self.crop[0] * down

    def _corner(self) -> tuple[int, int]:
        """Row and column of the crop's first pixel; a half is rounded as torchvision's centre crop does, to even."""
        return round((self.resize[0] - self.crop[0]) / 2), round((self.resize[1] - self.crop[1]) / 2)
