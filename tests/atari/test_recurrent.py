"""Recurrent networks put together from weights give what torch's own modules give."""

import pytest
import torch
from torch import Tensor, nn

from inspector.atari.networks import Layer
from inspector.atari.recurrent import RecurrentNetwork, TwiceRecurrentNetwork, lstm
from inspector.errors import CheckpointError


def cell(size: int = 3, columns: int = 5, seed: int = 0) -> nn.LSTMCell:
    torch.manual_seed(seed)
    return nn.LSTMCell(columns, size)


def rebuilt(original: nn.LSTMCell, dtype: torch.dtype = torch.float32) -> nn.LSTMCell:
    tensors = {name: tensor.detach().to(dtype) for name, tensor in original.named_parameters()}
    layers = [Layer(way, tensors[f"weight_{way}"], tensors[f"bias_{way}"]) for way in ("ih", "hh")]
    return lstm(layers[0], layers[1], original.input_size)


def test_the_rebuilt_lstm_gives_what_the_original_gives() -> None:
    original = cell()
    inputs, memory = torch.randn(4, 5), (torch.randn(4, 3), torch.randn(4, 3))
    found = rebuilt(original)
    assert all(
        torch.equal(one, other) for one, other in zip(found(inputs, memory), original(inputs, memory), strict=True)
    )
    assert not any(parameter.requires_grad for parameter in found.parameters())
    halved = rebuilt(original, torch.float16)
    assert all(parameter.dtype == torch.float32 for parameter in halved.parameters())


def test_weights_of_an_lstm_that_do_not_fit_each_other_are_refused() -> None:
    with pytest.raises(CheckpointError, match="8 and 12 rows for an LSTM of size 3: 12 each"):
        lstm(Layer("ih", torch.zeros(8, 5)), Layer("hh", torch.zeros(12, 3)), 5)
    with pytest.raises(CheckpointError, match="with biases or without"):
        lstm(Layer("ih", torch.zeros(12, 5), torch.zeros(12)), Layer("hh", torch.zeros(12, 3)), 5)


def test_the_memory_starts_empty_and_passes_through_actor_and_critic() -> None:
    actor, critic = cell(3), cell(2, seed=1)
    one = RecurrentNetwork(nn.Identity(), actor, nn.Linear(3, 4), nn.Linear(3, 1), value_remembers=True)
    two = TwiceRecurrentNetwork(nn.Identity(), actor, nn.Linear(3, 4), nn.Linear(2, 1), critic)
    assert [tuple(part.shape) for part in one.start(6)] == [(6, 3), (6, 3)]
    assert [tuple(part.shape) for part in two.start(6)] == [(6, 3), (6, 3), (6, 2), (6, 2)]
    assert not any(part.any() for part in two.start())
    inputs, memory = torch.randn(6, 5), two.start(6)
    for _ in range(3):
        before = memory
        scores, values, memory = two(inputs, *memory)
        own: tuple[Tensor, ...] = (*actor(inputs, before[:2]), *critic(inputs, before[2:]))
        assert all(torch.equal(found, wanted) for found, wanted in zip(memory, own, strict=True))
        assert torch.equal(scores, two.policy(own[0])) and torch.equal(values, two.value(own[2]))
    scores, values, (hidden, _) = one(inputs, *one.start(6))
    assert torch.equal(scores, one.policy(hidden)) and torch.equal(values, one.value(hidden))
