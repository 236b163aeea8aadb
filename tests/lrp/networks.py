"""Networks and states that the tests of the engine share."""

import torch
from torch import Tensor, nn


class Playing(nn.Module):
    """A trunk with a policy and a critic; divides by 255 itself if told so."""

    def __init__(self, trunk: nn.Module, features: int, actions: int = 6, divisor: float = 1.0) -> None:
        super().__init__()
        self.trunk, self.divisor = trunk, divisor
        self.policy, self.critic = nn.Linear(features, actions), nn.Linear(features, 1)

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        features = self.trunk(inputs / self.divisor)
        return self.policy(features), self.critic(features)


def nature(divisor: float = 1.0) -> Playing:
    """The network of Mnih et al. 2015 with a critic, on four frames of 84x84."""
    trunk = nn.Sequential(
        *(nn.Conv2d(4, 32, 8, 4), nn.ReLU(), nn.Conv2d(32, 64, 4, 2), nn.ReLU(), nn.Conv2d(64, 64, 3), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(3136, 512), nn.ReLU()),
    )
    return started(Playing(trunk, 512, divisor=divisor))


def small(divisor: float = 1.0, seed: int = 0) -> Playing:
    """Its little sister in float64, on two frames of 12x12."""
    trunk = nn.Sequential(
        *(nn.Conv2d(2, 5, 4, 2), nn.ReLU(), nn.Conv2d(5, 6, 3, 1, padding=1), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(150, 11), nn.ReLU()),
    )
    return started(Playing(trunk, 11, actions=4, divisor=divisor), seed).double()


def started(network: nn.Module, seed: int = 0) -> nn.Module:
    """Orthogonal weights as trainers start with, and biases of both signs."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.orthogonal_(module.weight, 2**0.5, generator=generator)
            if module.bias is not None:
                nn.init.normal_(module.bias, 0, 0.05, generator=generator)
    return network.eval()


def screens(batch: int, frames: int = 4, size: int = 84, seed: int = 0) -> Tensor:
    """Black ground with a few grey blocks, 0..1, as an Atari screen has; float32 (batch, frames, size, size)."""
    generator = torch.Generator().manual_seed(seed)
    blocks = torch.rand(batch, frames, size // 4, size // 4, generator=generator)
    shown = torch.rand(blocks.shape, generator=generator) > 0.7
    return (blocks * shown).repeat_interleave(4, 2).repeat_interleave(4, 3)
