"""The small residual network of 3-D convolutions that `agents/train_clips.py` trains, rebuilt from its weights."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from inspector.errors import CheckpointError

ARCHITECTURE = "video_resnet"
"""What a bundle calls it."""

_STRIDES = ((1, 2, 2), (2, 2, 2), (2, 2, 2))
_STEM, _HEAD = "stem.0.weight", "fc.weight"


class Block(nn.Module):
    """Two convolutions and a shortcut: the identity, or a 1x1x1 convolution where the shape changes.

    Args:
        inputs: Channels that come in.
        outputs: Channels that go out.
        stride: Of the first convolution: frames, rows, columns.
    """

    def __init__(self, inputs: int, outputs: int, stride: tuple[int, int, int]) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(*_convolution(inputs, outputs, stride), nn.ReLU())
        self.conv2 = nn.Sequential(*_convolution(outputs, outputs, (1, 1, 1)))
        self.relu = nn.ReLU()
        self.downsample: nn.Module = nn.Identity()
        if inputs != outputs or stride != (1, 1, 1):
            shortcut = nn.Conv3d(inputs, outputs, 1, stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm3d(outputs))

    def forward(self, values: Tensor) -> Tensor:
        """Features (batch, channels, frames, rows, columns)."""
        total: Tensor = self.relu(self.conv2(self.conv1(values)) + self.downsample(values))
        return total


class VideoResNet(nn.Module):
    """A stem, three residual blocks, the mean over time and space, and a linear head, with torchvision's names.

    Args:
        width: Channels of the stem; the blocks have 1, 2 and 4 times as many.
        class_count: Number of classes.

    Source: Tran et al. 2018, arXiv:1711.11248; He et al. 2016, arXiv:1512.03385.
    """

    def __init__(self, width: int, class_count: int) -> None:
        super().__init__()
        first = nn.Conv3d(3, width, (3, 5, 5), (1, 2, 2), (1, 2, 2), bias=False)
        self.stem = nn.Sequential(first, nn.BatchNorm3d(width), nn.ReLU())
        self.layer1 = nn.Sequential(Block(width, width, _STRIDES[0]))
        self.layer2 = nn.Sequential(Block(width, 2 * width, _STRIDES[1]))
        self.layer3 = nn.Sequential(Block(2 * width, 4 * width, _STRIDES[2]))
        self.avgpool = nn.AdaptiveAvgPool3d(1)
        self.fc = nn.Linear(4 * width, class_count)

    def forward(self, clips: Tensor) -> Tensor:
        """Scores (batch, classes) of clips (batch, 3, frames, rows, columns)."""
        values = self.layer3(self.layer2(self.layer1(self.stem(clips))))
        scores: Tensor = self.fc(self.avgpool(values).flatten(1))
        return scores


def rebuild(tensors: Mapping[str, Tensor], what: str) -> VideoResNet:
    """The network that these are the weights of, ready to be run in float32.

    Args:
        tensors: Weights by their names.
        what: The file's name, for error messages.

    Raises:
        CheckpointError: If they are of another network.
    """
    stem, head = tensors.get(_STEM), tensors.get(_HEAD)
    if stem is None or head is None or stem.ndim != 5 or head.ndim != 2:
        raise CheckpointError(f"{what} is no {ARCHITECTURE}: it lacks {_STEM} or {_HEAD}, or they are of another shape")
    wanted = 4 * len(stem), len(head)
    if not len(stem) or (head.shape[1], len(head)) != wanted:
        raise CheckpointError(
            f"{what} is no {ARCHITECTURE}: {_STEM} of {len(stem)} channels asks for {_HEAD} of {wanted[0]} inputs, "
            f"and it has {head.shape[1]}"
        )
    with torch.device("meta"):  # nothing is drawn at random, and no memory taken before the weights are seen to fit
        network = VideoResNet(len(stem), len(head))
    _check(network, tensors, what)
    network.load_state_dict({name: _plain(name, tensor) for name, tensor in tensors.items()}, assign=True)
    return network.requires_grad_(False).eval()


def describe(network: VideoResNet) -> str:
    """The network in a line."""
    widths = [len(part.weight) for part in network.modules() if isinstance(part, nn.Conv3d)]
    return f"{ARCHITECTURE}: {len(widths)} 3-D convolutions in 3 residual blocks, {widths[0]} to {widths[-1]} channels"


def _convolution(inputs: int, outputs: int, stride: tuple[int, int, int]) -> list[nn.Module]:
    return [nn.Conv3d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm3d(outputs)]


def _plain(name: str, tensor: Tensor) -> Tensor:
    """As the network computes with it: float32, but for batch norm's count of batches."""
    return tensor.long() if name.endswith("num_batches_tracked") else tensor.float()


def _check(network: nn.Module, tensors: Mapping[str, Tensor], what: str) -> None:
    """See that the weights have the names and shapes of the network's own."""
    wanted = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    for name in sorted(wanted.keys() | found.keys()):
        if wanted.get(name) != found.get(name):
            there, asked = found.get(name, "nothing"), wanted.get(name, "nothing")
            raise CheckpointError(f"{what} is no {ARCHITECTURE}: {name[:80]} has {there}, where {asked} belongs")
