"""Networks with random weights: new, the same by seed, and normalised by real clips."""

import numpy as np
import torch

from inspector.profile.untrained import with_random_weights
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
