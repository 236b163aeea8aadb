"""Networks with random weights: new, the same by seed, and normalised by real clips."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from inspector.clips.agent import ClipAgent
from inspector.errors import CheckpointError
from inspector.profile.untrained import has_fresh_norms, kept_parameters, kept_text, with_random_weights
from tests.profile.tiny import FRAMES, open_tiny


def clips(count: int = 12) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 255, (count, FRAMES, 16, 16, 3), np.uint8)


def test_weights_are_new_and_those_of_the_agent_stay() -> None:
    agent = open_tiny()
    before = {name: tensor.clone() for name, tensor in agent.network.state_dict().items()}
    one, same, other = (with_random_weights(agent, seed, clips()) for seed in (0, 0, 1))
    after = agent.network.state_dict()
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())
    found = one.network.state_dict()
    assert not torch.equal(found["0.weight"], before["0.weight"])
    assert all(torch.equal(tensor, same.network.state_dict()[name]) for name, tensor in found.items())
    assert not torch.equal(found["0.weight"], other.network.state_dict()["0.weight"])


def test_batch_norms_have_the_statistics_of_the_clips() -> None:
    agent = open_tiny()
    for seed in (0, 1):
        untrained = with_random_weights(agent, seed, clips())
        first, norm = untrained.network[0], untrained.network[1]  # type: ignore[index]
        values = first(torch.from_numpy(agent.recipe.normalise(clips()))).detach()
        assert not norm.training and norm.momentum == 0.1
        torch.testing.assert_close(norm.running_mean, values.mean((0, 2, 3, 4)), atol=1e-3, rtol=1e-2)
        normal = norm(values).detach()
        assert normal.mean().abs() < 0.01 and abs(float(normal.std()) - 1) < 0.02


def test_an_odd_seed_draws_as_torchvision_does() -> None:
    untrained = with_random_weights(open_tiny(), 1, clips())
    head = untrained.network[5]  # type: ignore[index]
    assert torch.all(head.bias == 0) and head.weight.abs().max() < 0.06


def late_norm() -> ClipAgent:
    """A network with a batch norm after its pooling: one value a clip and channel."""
    parts = (nn.Conv3d(3, 4, 3), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.BatchNorm1d(4), nn.Linear(4, 3))
    return replace(open_tiny(), network=nn.Sequential(*parts).eval())


@pytest.mark.parametrize("count", [2, 5, 9])
def test_a_batch_norm_after_the_pooling_is_calibrated_on_any_number_of_clips_but_one(count: int) -> None:
    norm = with_random_weights(late_norm(), 0, clips(count)).network[3]  # type: ignore[index]
    assert not norm.training and bool((norm.running_mean != 0).all())
    with pytest.raises(CheckpointError, match="cannot be calibrated on 1 clip: give 2 videos at least"):
        with_random_weights(late_norm(), 0, clips(1))


class Scaled(nn.Module):
    """A weight of its own, and nobody says how it begins."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.scale = nn.Linear(3, 3), nn.Parameter(torch.full((3,), 7.0))

    def forward(self, values: Tensor) -> Tensor:
        found: Tensor = self.inner(values) * self.scale
        return found


def test_weights_that_cannot_be_drawn_anew_are_named() -> None:
    network = nn.Sequential(open_tiny().network, Scaled()).eval()
    untrained = with_random_weights(replace(open_tiny(), network=network), 0, clips())
    before, after = network.state_dict(), untrained.network.state_dict()
    kept = {name for name, _ in network.named_parameters() if torch.equal(before[name], after[name])}
    assert "1.scale" in kept and kept_parameters(network) == ("1.scale",)
    assert kept_text(network).startswith("not random under random weights: 1.scale, as their module")
    assert kept_text(open_tiny().network) == ""


def test_batch_norms_that_saw_nothing_are_told_from_those_that_did() -> None:
    fresh = nn.Sequential(nn.Conv3d(3, 2, 1), nn.BatchNorm3d(2), nn.BatchNorm3d(2)).eval()
    assert has_fresh_norms(fresh)
    fresh[2].running_mean.add_(0.1)
    assert not has_fresh_norms(fresh)
    assert not has_fresh_norms(nn.Sequential(nn.Conv3d(3, 2, 1), nn.BatchNorm3d(2, track_running_stats=False)))
    assert not has_fresh_norms(nn.Conv3d(3, 2, 1)) and not has_fresh_norms(open_tiny().network)
