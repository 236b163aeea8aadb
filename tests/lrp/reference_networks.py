"""The networks that the engine is compared on, beside Nature's, and what zennit needs to be right about them.

zennit copies the relevance of a plain `x + y` to both branches, silently: after n residual blocks it is 2**n times too
much. Here its own `Sum` takes the place of the sums, on a copy with the same weights, and batch norm is merged.
"""

import copy
import warnings
from collections.abc import Callable
from types import MethodType

import torch
import torch.nn.functional as F  # noqa: N812 - as everybody calls it
from torch import Tensor, nn

from tests import torchvision_stub  # noqa: F401 - before torchvision and zennit
from tests.lrp.networks import nature, started

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from torchvision.models.video import r3d_18 as torchvision_r3d_18
    from torchvision.models.video.resnet import BasicBlock
    from zennit.canonizers import AttributeCanonizer, CompositeCanonizer, SequentialMergeBatchNorm
    from zennit.core import Composite as ZennitComposite
    from zennit.layer import Sum


class Residual(nn.Module):
    """A block of IMPALA's: two convolutions beside the identity, activations before them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def branch(self, inputs: Tensor) -> Tensor:
        return self.second(F.relu(self.first(F.relu(inputs))))

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs + self.branch(inputs)


class Impala(nn.Module):
    """The large network of Espeholt et al. 2018 (arXiv:1802.01561) without its LSTM, on four frames of 84x84."""

    def __init__(self, actions: int, frames: int, size: int, widths: tuple[int, ...], critic: bool) -> None:
        super().__init__()
        stages: list[nn.Module] = []
        for before, after in zip((frames, *widths), widths, strict=False):
            stages += [nn.Conv2d(before, after, 3, padding=1), nn.MaxPool2d(3, 2, padding=1)]
            stages += [Residual(after), Residual(after)]
            size = (size + 1) // 2
        self.trunk = nn.Sequential(*stages)
        self.dense = nn.Linear(widths[-1] * size * size, 256)
        self.policy = nn.Linear(256, actions)
        self.critic = nn.Linear(256, 1) if critic else None

    def forward(self, inputs: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        features = F.relu(self.dense(torch.flatten(F.relu(self.trunk(inputs)), 1)))
        scores = self.policy(features)
        return scores if self.critic is None else (scores, self.critic(features))


def impala(
    actions: int = 6,
    *,
    frames: int = 4,
    size: int = 84,
    widths: tuple[int, ...] = (16, 32, 32),
    critic: bool = True,
) -> nn.Module:
    """IMPALA's network, with a critic or with the scores only; weights as `started` gives them, frozen."""
    return started(Impala(actions, frames, size, widths, critic)).requires_grad_(False)


class NatureScores(nn.Module):
    """Nature's network with the scores only, flattened by a function: captum knows no `nn.Flatten`."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        modules = list(network.trunk)
        at = next(i for i, module in enumerate(modules) if isinstance(module, nn.Flatten))
        self.convolutions, self.dense = nn.Sequential(*modules[:at]), nn.Sequential(*modules[at + 1 :])
        self.policy = network.policy

    def forward(self, inputs: Tensor) -> Tensor:
        return self.policy(self.dense(torch.flatten(self.convolutions(inputs), 1)))


def nature_scores() -> nn.Module:
    """The weights of `nature()`, without the critic, frozen."""
    return NatureScores(nature()).eval().requires_grad_(False)


def r3d_18(seed: int = 0, *, biased: bool = True) -> nn.Module:
    """torchvision's own class with random batch norm statistics, frozen; a clip is (batch, 3, frames, height, width).

    Without `biased` the batch norms only scale: then no relevance can be lost to a bias.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = torchvision_r3d_18(weights=None)
        for module in network.modules():
            if isinstance(module, nn.BatchNorm3d):
                nn.init.uniform_(module.running_var, 0.5, 1.5)
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.normal_(module.running_mean, 0, 0.1 * biased)
                nn.init.normal_(module.bias, 0, 0.1 * biased)
    return network.eval().requires_grad_(False)


def clips(batch: int, frames: int = 16, size: int = 112, seed: int = 0) -> Tensor:
    """A light blob that crosses a grainy ground, normalised as video is, so of both signs; float32."""
    generator = torch.Generator().manual_seed(seed)
    position = torch.linspace(-1, 1, size)
    x, y = position, position[:, None]
    centre = torch.linspace(-0.8, 0.8, frames)[:, None, None]
    blob = torch.exp(-20 * ((x - centre) ** 2 + (y - centre * torch.rand(1, generator=generator)) ** 2))
    grain = 0.5 * torch.rand(batch, 3, frames, size, size, generator=generator)
    return (0.5 * blob + grain - 0.43) / 0.22


def residual_with_sum(block: Residual, inputs: Tensor) -> Tensor:
    return block.sum(torch.stack([inputs, block.branch(inputs)], -1))


def video_block_with_sum(block: BasicBlock, inputs: Tensor) -> Tensor:
    identity = inputs if block.downsample is None else block.downsample(inputs)
    return block.relu(block.sum(torch.stack([identity, block.conv2(block.conv1(inputs))], -1)))


FORWARD_WITH_SUM: dict[type[nn.Module], Callable[..., Tensor]] = {
    Residual: residual_with_sum,
    BasicBlock: video_block_with_sum,
}


def sum_attributes(_: str, module: nn.Module) -> dict[str, object] | None:
    forward = FORWARD_WITH_SUM.get(type(module))
    return None if forward is None else {"sum": Sum(), "forward": MethodType(forward, module)}


def canonizer() -> CompositeCanonizer:
    """Makes zennit right about the networks of this file: sums are modules, batch norm is merged."""
    return CompositeCanonizer([SequentialMergeBatchNorm(), AttributeCanonizer(sum_attributes)])


class ByZennit:
    """Explains the best score by a zennit composite; its hooks are set once, on a copy of the network.

    Args:
        composite: Makes the composite, as the classes of `zennit.composites` do.
        network: Returns scores only. It is left as it is.
        options: For the composite, as the bounds of a z-box.
    """

    def __init__(self, composite: Callable[..., ZennitComposite], network: nn.Module, **options: float) -> None:
        self.network = copy.deepcopy(network)
        composite(canonizers=[canonizer()], **options).register(self.network)

    def __call__(self, inputs: Tensor) -> Tensor:
        inputs = inputs.detach().requires_grad_()
        scores = self.network(inputs)
        best = scores.argmax(1, keepdim=True)
        start = torch.zeros_like(scores).scatter(1, best, scores.detach().gather(1, best))
        return torch.autograd.grad(scores, inputs, start)[0]
