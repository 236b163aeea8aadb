"""What a forward may do while it is traced: ask for sizes, call by keyword, check types, and store what it likes."""

import builtins
import math
import threading
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from inspector.errors import UnsupportedError
from inspector.lrp import Explainer

Way = Callable[["Written", Any], Any]


class Written(nn.Module):
    """A head on whatever `way` makes of the input; the convolution keeps size and channels."""

    def __init__(self, way: Way) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.way, self.head = way, nn.LazyLinear(3)
        self.convolution, self.dense = nn.Conv2d(4, 4, 3, padding=1), nn.Linear(6, 6)
        self.register_buffer("ones", torch.ones(4, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        head: Tensor = self.head(self.way(self, x).flatten(1))
        return head


def inputs() -> Tensor:
    return torch.rand(3, 4, 6, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def ready(way: Way) -> Written:
    network = Written(way).double()
    network(inputs())
    return network


def assert_explained(network: nn.Module) -> None:
    explanation = Explainer(network)(inputs())
    assert torch.allclose(explanation.outputs.scores, network(inputs()), rtol=1e-12)
    assert torch.allclose(torch.stack(list(explanation.ledger.values())).sum(0), explanation.score, rtol=1e-9)


SIZES: dict[str, Way] = {
    "reshape": lambda self, x: torch.reshape(x, (x.size(0), -1)),
    "flatten": lambda self, x: torch.flatten(x, 1, x.dim() - 1),
    "avg_pool2d": lambda self, x: functional.avg_pool2d(x, x.shape[2:]),
    "adaptive_avg_pool1d": lambda self, x: functional.adaptive_avg_pool1d(x.flatten(2), x.shape[2]),
    "adaptive_avg_pool2d": lambda self, x: functional.adaptive_avg_pool2d(x, x.shape[2:]),
    "mean": lambda self, x: torch.mean(x, x.dim() - 1),
    "chunk": lambda self, x: torch.chunk(x, x.shape[1] // 2, 1)[0],
    "roll": lambda self, x: torch.roll(x, x.shape[2] // 2, 2),
    "roll by a stored number": lambda self, x: torch.roll(x, self.ones.sum().long(), 1),
    "narrow": lambda self, x: torch.narrow(x, 1, 0, x.shape[1] // 2),
    "unflatten": lambda self, x: torch.unflatten(x, 1, (2, x.shape[1] // 2)),
    "squeeze": lambda self, x: torch.squeeze(x[:, :1], x.dim() - 3),
    "pixel_shuffle": lambda self, x: functional.pixel_shuffle(x, x.shape[1] // 2),
    "zeros": lambda self, x: x + torch.zeros((x.shape[0], 4, 1, 1)),
    "zeros of a shape": lambda self, x: x + torch.zeros(x.shape, device=x.device, dtype=x.dtype),
    "arange": lambda self, x: x + torch.arange(x.shape[3]),
    "linspace": lambda self, x: x * torch.linspace(0, 1, x.shape[3], dtype=torch.float64),
    "interpolate": lambda self, x: functional.interpolate(functional.max_pool2d(x, 2), size=x.shape[2:]),
    "pad": lambda self, x: functional.pad(x, [8 - x.shape[3], 0]),
    "layer_norm": lambda self, x: functional.layer_norm(x, x.shape[1:]),
    "a divisor": lambda self, x: self.convolution(x) / (x.shape[2] * x.shape[3]),
    "a root": lambda self, x: x / x.shape[1] ** 0.5 + x / math.sqrt(x.shape[1]),
}


@pytest.mark.parametrize("name", SIZES)
def test_a_size_of_a_tensor_may_stand_where_a_number_may(name: str) -> None:
    assert_explained(ready(SIZES[name]))


UNSIZED: dict[str, Way] = {
    "cat": lambda self, x: torch.cat([x, x], x.dim() - 3),
    "chunk": lambda self, x: torch.chunk(x, 2, x.dim() - 3)[0],
    "conv2d": lambda self, x: functional.conv2d(x, self.convolution.weight, padding=x.shape[2]),
    "max_pool2d": lambda self, x: functional.max_pool2d(x, x.shape[2:]),
}


@pytest.mark.parametrize("name", UNSIZED)
def test_where_a_size_has_to_be_known_the_message_says_so(name: str) -> None:
    message = rf"{name} \(in .*\) has no rule: its size is taken from another tensor: write it as a number"
    with pytest.raises(UnsupportedError, match=message):
        Explainer(ready(UNSIZED[name]))


CRASHING: dict[str, Way] = {
    "a value of the input as a size": lambda self, x: torch.reshape(x, (x.sum().long(), -1)),
    "a size as a tensor": lambda self, x: x * torch.tensor(x.shape[1]),
    "sizes one by one": lambda self, x: x + torch.zeros(x.shape[0], 4, 1, 1),
    "the place of a value": lambda self, x: torch.roll(x, x.argmax(), 1),
}


@pytest.mark.parametrize("name", CRASHING)
def test_no_argument_brings_the_interpreter_down(name: str) -> None:
    """Torch's C++ reads a tensor wherever one is claimed to be."""
    network = Written(CRASHING[name])
    network.head = nn.Linear(144, 3)
    with pytest.raises(UnsupportedError, match=r"cannot be traced|has no rule"):
        Explainer(network)


KEYWORDS: dict[str, tuple[Way, Way]] = {
    "a convolution": (lambda self, x: self.convolution(input=x), lambda self, x: self.convolution(x)),
    "a dense layer": (lambda self, x: self.dense(input=x), lambda self, x: self.dense(x)),
    "flatten": (lambda self, x: torch.flatten(input=x, start_dim=1), lambda self, x: x),
    "neg": (lambda self, x: torch.neg(input=x), lambda self, x: -x),
    "reshape": (lambda self, x: torch.reshape(input=x, shape=(-1, 144)), lambda self, x: x),
    "roll": (lambda self, x: torch.roll(input=x, shifts=1, dims=2), lambda self, x: x.roll(1, 2)),
    "clamp": (lambda self, x: torch.clamp(input=x, min=0.2), lambda self, x: x.clamp(0.2)),
    "transpose": (
        lambda self, x: self.dense(torch.transpose(input=x, dim1=3, dim0=1)[..., :1, :1].repeat(1, 1, 1, 6)),
        lambda self, x: self.dense(x.transpose(1, 3)[..., :1, :1].repeat(1, 1, 1, 6)),
    ),
    "permute": (lambda self, x: torch.permute(input=x, dims=(0, 2, 3, 1)), lambda self, x: x.permute(0, 2, 3, 1)),
    "max_pool2d": (
        lambda self, x: functional.max_pool2d(input=x, kernel_size=2),
        lambda self, x: functional.max_pool2d(x, 2),
    ),
    "interpolate": (
        lambda self, x: functional.interpolate(input=x, scale_factor=2),
        lambda self, x: functional.interpolate(x, None, 2),
    ),
    "cat": (lambda self, x: torch.cat(tensors=[x, -x], axis=1), lambda self, x: torch.cat([x, -x], 1)),
    "sum": (lambda self, x: x.sum(axis=1), lambda self, x: x.sum(1)),
    "sum with its dimension": (
        lambda self, x: torch.sum(x, axis=1, keepdims=True),
        lambda self, x: x.sum(1, keepdim=True),
    ),
}


@pytest.mark.parametrize("name", KEYWORDS)
def test_a_call_by_keyword_is_the_same_call(name: str) -> None:
    by_keyword, by_place = (Explainer(ready(way))(inputs()) for way in KEYWORDS[name])
    assert torch.equal(by_keyword.values, by_place.values)


def test_a_forward_set_on_a_module_itself_is_the_one_that_is_explained() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2))
    explainer, usual = Explainer(network), network[0].forward
    before = explainer(torch.ones(2, 4)).values
    network[0].forward = lambda x: 2 * usual(x)
    changed = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2))
    changed.load_state_dict(network.state_dict())
    changed[0].weight.data *= 2
    changed[0].bias.data *= 2
    expected = Explainer(changed)(torch.ones(2, 4)).values
    assert not torch.allclose(before, expected)
    assert torch.allclose(Explainer(network)(torch.ones(2, 4)).values, expected)
    assert torch.allclose(explainer(torch.ones(2, 4)).values, expected)


def test_a_forward_may_check_the_type_of_what_it_is_given() -> None:
    seen: list[tuple[bool, ...]] = []

    def asking(self: Written, x: Tensor) -> Tensor:
        given = (x, self.ones, x + 1, x.mT)
        seen.append((*(isinstance(each, Tensor) for each in given), torch.is_tensor(x), isinstance(x, list | Tensor)))
        seen.append((isinstance(x.shape[0], Tensor), isinstance(x, nn.Parameter), isinstance(x, (int, str))))
        return self.convolution(x)

    network = ready(asking)
    assert seen == [(True,) * 6, (False,) * 3]
    usual = builtins.isinstance
    Explainer(network)
    assert seen[2:] == seen[:2]
    assert builtins.isinstance is usual


def test_two_threads_may_trace_at_once() -> None:
    usual, found = builtins.isinstance, []
    network = ready(lambda self, x: self.convolution(x) if isinstance(x, Tensor) else None)
    threads = [threading.Thread(target=lambda: found.append(Explainer(network))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert builtins.isinstance is usual


def test_what_a_forward_stores_on_its_modules_is_taken_away_again() -> None:
    def storing(self: Written, x: Tensor) -> Tensor:
        self.last = x
        self.seen.append(x)
        self.by_number[1] = x
        self.dense.count = getattr(self.dense, "count", 0) + 1
        return self.convolution(x)

    network = Written(storing).double()
    network.head = nn.Linear(144, 3).double()
    network.seen, network.by_number = [], {0: "kept"}
    before = [dict(vars(module)) for module in network.modules()]
    Explainer(network)(inputs())
    assert [dict(vars(module)) for module in network.modules()] == before
    assert network.seen == []
    assert network.by_number == {0: "kept"}


SPELLINGS: dict[str, tuple[Way, Way]] = {
    "pixel_shuffle": (
        lambda self, x: functional.pixel_shuffle(x, 2),
        lambda self, x: x.view(-1, 1, 2, 2, 6, 6).permute(0, 1, 4, 2, 5, 3).reshape(-1, 1, 12, 12),
    ),
    "pixel_unshuffle": (
        lambda self, x: functional.pixel_unshuffle(x, 2),
        lambda self, x: x.view(-1, 4, 3, 2, 3, 2).permute(0, 1, 3, 5, 2, 4).reshape(-1, 16, 3, 3),
    ),
    "torch.layer_norm": (
        lambda self, x: torch.layer_norm(x, (6,)),
        lambda self, x: functional.layer_norm(x, (6,)),
    ),
    "torch.group_norm": (lambda self, x: torch.group_norm(x, 2), lambda self, x: functional.group_norm(x, 2)),
    "instance_norm": (lambda self, x: functional.instance_norm(x), lambda self, x: functional.group_norm(x, 4)),
    "torch.dropout": (lambda self, x: torch.dropout(x, 0.5, False), lambda self, x: x),
    "dropout1d": (lambda self, x: functional.dropout1d(x.flatten(2), 0.5, False), lambda self, x: x),
    "subtract": (lambda self, x: x.subtract(self.convolution(x)), lambda self, x: x - self.convolution(x)),
    "moveaxis": (lambda self, x: torch.moveaxis(x, 1, 3), lambda self, x: x.movedim(1, 3)),
    "expand_as": (lambda self, x: x[:, :1].expand_as(x), lambda self, x: x[:, :1].expand(-1, 4, -1, -1)),
    "view_as": (lambda self, x: x.transpose(2, 3).contiguous().view_as(x), lambda self, x: x.transpose(2, 3)),
    "to": (lambda self, x: x.to(torch.float64).to(self.ones.dtype), lambda self, x: x),
    "cpu": (lambda self, x: x.cpu(), lambda self, x: x),
    "hstack": (lambda self, x: torch.hstack([x, -x]), lambda self, x: torch.cat([x, -x], 1)),
    "clamp_min": (lambda self, x: self.convolution(x).clamp_min(0.1), lambda self, x: self.convolution(x).clamp(0.1)),
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_an_operation_of_another_spelling_is_the_same_operation(name: str) -> None:
    one, other = (Explainer(ready(way).eval())(inputs()) for way in SPELLINGS[name])
    assert torch.allclose(one.values, other.values, rtol=1e-9, atol=1e-15)


def test_an_alpha_dropout_in_evaluation_does_nothing() -> None:
    dropping = nn.Sequential(nn.AlphaDropout(), nn.FeatureAlphaDropout(), nn.Linear(4, 2))
    expected = Explainer(nn.Sequential(dropping[2]))(torch.ones(2, 4)).values
    assert torch.equal(Explainer(dropping.eval())(torch.ones(2, 4)).values, expected)


OTHERWISE: dict[str, tuple[Way, str]] = {
    "whole numbers": (lambda self, x: x.to(torch.int64) * x, r"^to \(.*\) makes whole numbers of what it gets"),
    "a constant part": (
        lambda self, x: torch.cat([x, torch.zeros((x.shape[0], 1, 6, 6))], 1),
        r"^cat \(.*\) has no rule: one part is a constant: make it a part of the network input",
    ),
    "tracked statistics": (
        lambda self, x: functional.instance_norm(x, self.ones.view(4), self.ones.view(4)),
        r"^instance_norm \(.*\) has no rule: it tracks statistics",
    ),
    "a setting that is computed": (
        lambda self, x: functional.leaky_relu(x, self.ones.mean()),
        r"^leaky_relu \(.*\) has no rule: a setting of it is computed: write it as a number",
    ),
}


@pytest.mark.parametrize("name", OTHERWISE)
def test_what_is_like_a_known_operation_and_none_is_refused_with_the_reason(name: str) -> None:
    way, message = OTHERWISE[name]
    network = Written(way).double()
    network.head = nn.Linear(144, 3).double()
    with pytest.raises(UnsupportedError, match=message):
        Explainer(network)(inputs())
